import {
  createServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";

import type { RpcRequest } from "../../src/chain/rpc.js";

/** A request as it came over the wire. */
export interface Message extends RpcRequest {
  readonly id: number;
}

/** How one HTTP request is answered: with this value as JSON, or by hand. */
export type Answer = (
  body: Message | Message[],
  response: ServerResponse,
  incoming: IncomingMessage,
) => unknown;

export interface JsonRpcServer {
  readonly port: number;
  readonly url: string;
  /** Bodies received so far. */
  readonly bodies: (Message | Message[])[];
  /** The most HTTP requests there were at once. */
  readonly busiest: number;
  answer: Answer;
}

/** What an {@link Answer} returns after it has used the response itself. */
export const BY_HAND = Symbol("by hand");

export function result(id: unknown, value: unknown): object {
  return { jsonrpc: "2.0", id, result: value };
}

export function failure(id: unknown, code: number, message: string): object {
  return { jsonrpc: "2.0", id, error: { code, message } };
}

/** Every request's result is its first parameter, else its method. */
export function echo({ id, method, params }: Message): object {
  return result(id, params[0] ?? method);
}

/** Whatever was asked, alone or in a batch. */
export function echoAll(body: Message | Message[]): unknown {
  return Array.isArray(body) ? body.map(echo) : echo(body);
}

/** An HTTP server before each test of the suite, gone after it; it answers with {@link echoAll}. */
export function useJsonRpcServer(): JsonRpcServer {
  let current = 0;
  const state = {
    port: 0,
    url: "",
    bodies: [] as (Message | Message[])[],
    busiest: 0,
    answer: echoAll as Answer,
  };
  const server = createServer((incoming, response) => {
    current += 1;
    state.busiest = Math.max(state.busiest, current);
    void readText(incoming).then(async (text) => {
      const body = JSON.parse(text) as Message | Message[];
      state.bodies.push(body);
      const answer = await state.answer(body, response, incoming);
      // Before the client knows and sends the next.
      current -= 1;
      if (answer !== BY_HAND) {
        response.end(JSON.stringify(answer));
      }
    });
  });
  before(async () => {
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    state.port = (server.address() as AddressInfo).port;
    state.url = `http://127.0.0.1:${state.port}`;
  });
  beforeEach(() => {
    state.answer = echoAll;
    state.bodies = [];
    state.busiest = 0;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return state;
}

async function readText(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) {
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}
