import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";

import { messageOf } from "../../core/errors.js";
import { formatMark, notItsOwn, type Mark } from "../mark.js";
import type { Copy } from "./copy.js";

/** Answers with the drill's mark, and ends when whoever started it does. */
const STAND_IN = `
  const server = require("node:http").createServer((_, response) => {
    response.end(process.argv[1]);
  });
  server.listen(0, "127.0.0.1", () => process.send(server.address().port));
  process.on("disconnect", () => process.exit());
`;

const ANSWER_MS = 2000;

/** A process that stands in for the project's service: it can be killed, and started again. */
export class ServiceCopy implements Copy {
  readonly part = "service";
  readonly summary = "it answers";
  readonly #mark: Mark;
  #process: ChildProcess | undefined;
  #port = 0;

  private constructor(mark: Mark) {
    this.#mark = mark;
  }

  static async start(mark: Mark): Promise<ServiceCopy> {
    const copy = new ServiceCopy(mark);
    await copy.start();
    return copy;
  }

  /** Where it answers, or did. */
  get port(): number {
    return this.#port;
  }

  /** Again, after {@link kill}. */
  async start(): Promise<void> {
    const args = ["-e", STAND_IN, formatMark(this.#mark)];
    const child = spawn(process.execPath, args, {
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    this.#process = child;
    const [port] = (await once(child, "message")) as [number];
    this.#port = port;
  }

  /** The process that listens there says itself whose it is. */
  async requireOwn(): Promise<void> {
    if ((await this.#ask()) !== formatMark(this.#mark)) {
      throw notItsOwn(`The process at port ${String(this.#port)}`);
    }
  }

  async differences(): Promise<readonly string[]> {
    try {
      const answer = await this.#ask();
      return answer === formatMark(this.#mark)
        ? []
        : ["Another process answers."];
    } catch (error) {
      return [`It doesn't answer: ${messageOf(error)}.`];
    }
  }

  /** As the system does when it is out of memory. @throws {DrError} DRILL_NOT_ITS_OWN. */
  async kill(): Promise<void> {
    await this.requireOwn();
    await this.close();
  }

  async close(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child?.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  }

  async #ask(): Promise<string> {
    const url = `http://127.0.0.1:${String(this.#port)}/`;
    const signal = AbortSignal.timeout(ANSWER_MS);
    return await (await fetch(url, { signal })).text();
  }
}
