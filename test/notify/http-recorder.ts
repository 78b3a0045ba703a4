import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

import { until } from "../helpers/until.js";

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface ScriptedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Doesn't answer, hangs up, answers well and never comes to an end, or says what isn't HTTP. */
type Fault = "silence" | "hang-up" | "endless" | "garbage";

/** A server that writes down what arrives, and answers as it is told. */
export class HttpRecorder {
  readonly requests: RecordedRequest[] = [];
  /** Given in turn; when there are none left, `otherwise` is. */
  readonly answers: (ScriptedAnswer | Fault)[] = [];
  otherwise: ScriptedAnswer | Fault;

  readonly #unanswered: ServerResponse[] = [];
  readonly #server = createServer((request, response) => {
    void text(request).then((body) => {
      const { method = "", url = "", headers } = request;
      this.requests.push({ method, path: url, headers, body });
      const what = this.answers.shift() ?? this.otherwise;
      if (what === "silence") {
        this.#unanswered.push(response);
      } else {
        answer(response, what);
      }
    });
  });

  private constructor(otherwise: ScriptedAnswer) {
    this.otherwise = otherwise;
  }

  static async start(otherwise: ScriptedAnswer): Promise<HttpRecorder> {
    const recorder = new HttpRecorder(otherwise);
    recorder.#server.listen(0, "127.0.0.1");
    await once(recorder.#server, "listening");
    return recorder;
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${String(port)}`;
  }

  get host(): string {
    return new URL(this.url).host;
  }

  /** A request's body, as JSON. */
  json(index = 0): Record<string, unknown> {
    return JSON.parse(this.requests[index]!.body) as Record<string, unknown>;
  }

  async received(count: number): Promise<void> {
    await until(() => this.requests.length >= count);
  }

  /** Answers those that it was silent to. */
  release(what: ScriptedAnswer): void {
    for (const response of this.#unanswered.splice(0)) {
      answer(response, what);
    }
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }
}

/** What the services answer when all is well. */
export const SLACK_OK: ScriptedAnswer = { status: 200, body: "ok" };
export const PAGERDUTY_OK: ScriptedAnswer = {
  status: 202,
  body: JSON.stringify({
    status: "success",
    message: "Event processed",
    dedup_key: "key",
  }),
};

function answer(
  response: ServerResponse,
  what: ScriptedAnswer | Exclude<Fault, "silence">,
): void {
  if (what === "hang-up") {
    response.destroy();
  } else if (what === "garbage") {
    response.socket?.end(Buffer.from([0, 255, 18, 13, 10, 13, 10]));
  } else if (what === "endless") {
    response.writeHead(200);
    // On and on, as fast as it is taken.
    const more = () => response.write("x".repeat(16_384), more);
    more();
  } else {
    response.writeHead(what.status, what.headers).end(what.body);
  }
}
