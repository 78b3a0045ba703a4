import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** What a Safe Transaction Service keeps of one transaction. */
interface Kept {
  readonly body: Readonly<Record<string, unknown>>;
  readonly signatures: string[];
}

/** As much of the service's protocol as signatures need, on a port of its own. */
export interface ServiceDouble {
  readonly url: string;
  readonly kept: Map<string, Kept>;
  /** Every `Authorization` it was sent. */
  readonly keys: (string | undefined)[];
  /** While set, it answers with this status. */
  failing: number | undefined;
  stop(): Promise<void>;
}

export async function startServiceDouble(): Promise<ServiceDouble> {
  const kept = new Map<string, Kept>();
  const keys: (string | undefined)[] = [];
  const state = { failing: undefined as number | undefined };
  const server: Server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on("end", () => {
      keys.push(request.headers.authorization);
      const answer = (status: number, body: unknown) => {
        response.writeHead(status, { "content-type": "application/json" });
        response.end(JSON.stringify(body));
      };
      const body = (text === "" ? {} : JSON.parse(text)) as Record<
        string,
        unknown
      >;
      const path = request.url ?? "";
      const hash = /multisig-transactions\/(0x[0-9a-f]{64})/.exec(path)?.[1];
      if (state.failing !== undefined) {
        answer(state.failing, { detail: "out of order" });
      } else if (hash === undefined) {
        kept.set(String(body.contractTransactionHash), {
          body,
          signatures: [String(body.signature)],
        });
        answer(201, {});
      } else if (path.endsWith("/confirmations/")) {
        kept.get(hash)?.signatures.push(String(body.signature));
        answer(201, {});
      } else {
        const one = kept.get(hash);
        answer(
          one === undefined ? 404 : 200,
          one === undefined
            ? { detail: "No MultisigTransaction matches the given query." }
            : {
                confirmations: one.signatures.map((signature) => ({
                  signature,
                })),
              },
        );
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}/api`,
    kept,
    keys,
    get failing() {
      return state.failing;
    },
    set failing(status) {
      state.failing = status;
    },
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
