import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import type { OffsiteTarget } from "../../config/types.js";
import { isDrError } from "../../core/errors.js";
import { openStorage } from "../../offsite/open-storage.js";
import { notItsOwn, type Mark } from "../mark.js";
import type { Copy } from "./copy.js";

/** Where in a target a drill keeps what it replicates. */
export function prefixOf({ drillId }: Pick<Mark, "drillId">): string {
  return `drills/${drillId}/`;
}

/** The same target, with a place in it for this drill alone. */
export function withinDrill(target: OffsiteTarget, mark: Mark): OffsiteTarget {
  return { ...target, prefix: `${target.prefix}${prefixOf(mark)}` };
}

/** A server that answers 503 where a folder stands in for a target: it is asked as it is. */
interface Refusing {
  readonly name: string;
  readonly url: string;
}

/** Offsite targets as a recovery of the drill has them. */
export class OffsiteCopy implements Copy {
  readonly part = "offsite";
  readonly #mark: Mark;
  #targets: readonly OffsiteTarget[];
  #refusing: readonly Refusing[] = [];
  #servers: readonly Server[] = [];

  /** @param targets - Each {@link withinDrill}. */
  constructor(targets: readonly OffsiteTarget[], mark: Mark) {
    this.#targets = targets;
    this.#mark = mark;
  }

  /** As the configuration of a recovery has them, those of clouds that were broken included. */
  get targets(): readonly OffsiteTarget[] {
    return this.#targets;
  }

  get summary(): string {
    const names = this.#targets.map(({ name }) => name).join(", ");
    return `${names}: ${this.#targets.length === 1 ? "answers" : "answer"}`;
  }

  async requireOwn(): Promise<void> {
    const stranger = this.#targets.find(
      ({ prefix }) => !prefix.endsWith(prefixOf(this.#mark)),
    );
    if (stranger !== undefined) {
      throw notItsOwn(`The offsite target ${stranger.name}`);
    }
    await Promise.resolve();
  }

  async differences(): Promise<readonly string[]> {
    const found = await Promise.all([
      ...this.#refusing.map(findRefusal),
      ...this.#targets.map(findFailure),
    ]);
    return found.filter((one) => one !== undefined);
  }

  /**
   * A server that answers 503 takes the place of the first target from now on,
   * and a cloud's own driver meets it; where that target is the only one, it
   * stands for another before it.
   *
   * @returns its name.
   * @throws {DrError} DRILL_NOT_ITS_OWN.
   */
  async makeUnavailable(): Promise<string> {
    await this.requireOwn();
    const url = await this.#serveFailures();
    const [first, ...others] = this.#targets;
    const isOnly = others.length === 0;
    const name = isOnly || first === undefined ? "unavailable" : first.name;
    const broken = first && movedTo({ ...first, name }, url);
    if (broken === undefined) {
      this.#refusing = [...this.#refusing, { name, url }];
    }
    this.#targets = [
      ...(broken === undefined ? [] : [broken]),
      ...(isOnly ? this.#targets : others),
    ];
    return name;
  }

  /** The first that answers, as whoever is on call would take it. */
  async findReachable(): Promise<OffsiteTarget | undefined> {
    for (const target of this.#targets) {
      if ((await findFailure(target)) === undefined) {
        return target;
      }
    }
    return undefined;
  }

  async close(): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    }
    this.#servers = [];
  }

  async #serveFailures(): Promise<string> {
    const server = createServer((_, response) => {
      response.writeHead(503).end();
    });
    this.#servers = [...this.#servers, server];
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    return `http://127.0.0.1:${String(port)}`;
  }
}

/** @returns undefined of a folder, which no server stands for. */
function movedTo(
  target: OffsiteTarget,
  endpoint: string,
): OffsiteTarget | undefined {
  switch (target.kind) {
    case "fs":
      return undefined;
    case "s3":
      return { ...target, endpoint, forcePathStyle: true };
    case "gcs":
    case "azure":
      return { ...target, endpoint };
  }
}

/** Asked once: who is on call sees at once that it doesn't answer. */
async function findFailure(target: OffsiteTarget): Promise<string | undefined> {
  try {
    const storage = await openStorage(target);
    await storage.listPage("");
    return undefined;
  } catch (error) {
    if (!isDrError(error)) {
      throw error;
    }
    return `${target.name}: ${error.code}, ${error.message}`;
  }
}

/** What it answers, unless that is a yes. */
async function findRefusal({
  name,
  url,
}: Refusing): Promise<string | undefined> {
  const { ok, status } = await fetch(url);
  return ok ? undefined : `${name}: answers ${String(status)}`;
}
