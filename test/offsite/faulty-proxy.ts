import {
  createServer,
  request as ask,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/**
 * What goes wrong with a request. `drop-before`: the server never saw it.
 * `drop-after`: the server did it, the client never hears. `stall`: nobody
 * answers, and the server never saw it. `truncate` breaks the answer off in its
 * middle, `stall-midway` falls silent there. `corrupt-request` and
 * `corrupt-response` flip a bit in the middle of a body. An `answer` is given
 * in the server's stead; `amended` headers replace some of the server's.
 */
export type Fault =
  | "drop-before"
  | "drop-after"
  | "stall"
  | "truncate"
  | "stall-midway"
  | "corrupt-request"
  | "corrupt-response"
  | { readonly answer: Answer }
  | { readonly amended: OutgoingHttpHeaders };

export interface Answer {
  readonly status: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: string;
}

export interface Injection {
  readonly fault: Fault;
  /** Tried on `PUT /container/blob?comp=block`; every request when left out. */
  readonly on?: RegExp;
  /** How often; always when left out. */
  readonly times?: number;
  /** How many matching requests pass unharmed before. */
  readonly skip?: number;
}

export interface SeenRequest {
  /** `PUT /container/blob?comp=block` */
  readonly line: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

export interface FaultyProxy {
  readonly url: string;
  /** Every request so far, in order, or those of which `on` is true. */
  requests(on?: RegExp): readonly SeenRequest[];
  /** @returns takes the injection back. */
  inject(injection: Injection): () => void;
  /** Forgets what was seen, and all injections. */
  reset(): void;
  close(): Promise<void>;
}

interface Rule extends Injection {
  left: number;
  toSkip: number;
}

/** An HTTP server in front of another one, which fails as it is told. */
export async function startFaultyProxy(upstream: string): Promise<FaultyProxy> {
  const rules = new Set<Rule>();
  let seen: SeenRequest[] = [];

  const handle = async (
    incoming: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> => {
    const body = await buffer(incoming);
    const { method = "", url = "", headers } = incoming;
    const line = `${method} ${url}`;
    seen.push({ line, headers, body });
    const fault = takeFault(rules, line);
    if (fault === "stall") {
      return;
    }
    if (fault === "drop-before") {
      response.destroy();
      return;
    }
    if (typeof fault === "object" && "answer" in fault) {
      const { status, headers: answered, body: text } = fault.answer;
      response.writeHead(status, answered).end(text);
      return;
    }
    const sent = fault === "corrupt-request" ? flipped(body) : body;
    const answer = await forward(upstream, incoming, sent);
    answerAs(response, answer, await buffer(answer), fault);
  };

  const server = createServer((incoming, response) => {
    // Whatever goes wrong in here looks to the client like a lost connection.
    handle(incoming, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${String(port)}`,
    requests: (on) => seen.filter(({ line }) => on?.test(line) ?? true),
    inject: (injection) => {
      const rule: Rule = {
        ...injection,
        left: injection.times ?? Infinity,
        toSkip: injection.skip ?? 0,
      };
      rules.add(rule);
      return () => rules.delete(rule);
    },
    reset: () => {
      seen = [];
      rules.clear();
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Of the first rule that fires for this request. */
function takeFault(rules: Set<Rule>, line: string): Fault | undefined {
  for (const rule of rules) {
    if (rule.on?.test(line) === false) {
      continue;
    }
    if (rule.toSkip > 0) {
      rule.toSkip -= 1;
      continue;
    }
    rule.left -= 1;
    if (rule.left <= 0) {
      rules.delete(rule);
    }
    return rule.fault;
  }
  return undefined;
}

async function forward(
  upstream: string,
  { method, url, headers }: IncomingMessage,
  body: Buffer,
): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    ask(
      upstream,
      // The Host stays what the client has said: it may have signed it.
      { path: url, method, headers, agent: false },
      resolve,
    )
      .once("error", reject)
      .end(body);
  });
}

function answerAs(
  response: ServerResponse,
  { statusCode = 502, headers }: IncomingMessage,
  body: Buffer,
  fault: Fault | undefined,
): void {
  if (fault === "drop-after") {
    response.destroy();
    return;
  }
  const { "transfer-encoding": chunked, ...others } = headers;
  delete others.connection;
  response.writeHead(statusCode, {
    ...others,
    ...(chunked === undefined ? {} : { "content-length": body.length }),
    ...(typeof fault === "object" && "amended" in fault ? fault.amended : {}),
  });
  switch (fault) {
    case "truncate":
      response.write(body.subarray(0, body.length / 2), () => {
        response.destroy();
      });
      break;
    case "stall-midway":
      response.write(body.subarray(0, body.length / 2));
      break;
    case "corrupt-response":
      response.end(flipped(body));
      break;
    default:
      response.end(body);
  }
}

/** Another bit in its middle. */
function flipped(body: Buffer): Buffer {
  const copy = Buffer.from(body);
  const middle = copy.length >> 1;
  copy.writeUInt8(copy.readUInt8(middle) ^ 1, middle);
  return copy;
}
