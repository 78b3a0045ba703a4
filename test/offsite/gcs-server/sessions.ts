import { randomUUID } from "node:crypto";

import { Refusal, select, toJson, type Answer } from "./answer.js";
import type { FaultKind } from "./faults.js";
import {
  corrupted,
  requireDigest,
  type Held,
  type NewResource,
  type Objects,
} from "./objects.js";

const GRANULE_BYTES = 262_144;

interface Session {
  readonly resource: NewResource;
  readonly ifGenerationMatch: string | null;
  readonly fields: string | null;
  readonly totalBytes: number | undefined;
  arrived: Buffer;
  state: "open" | "cancelled" | Held;
}

/** What a request to a session says. */
export interface SessionRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/** Resumable uploads. */
export class Sessions {
  readonly #objects: Objects;
  readonly #sessions = new Map<string, Session>();

  constructor(objects: Objects) {
    this.#objects = objects;
  }

  /** How many wait for more. */
  get open(): number {
    return [...this.#sessions.values()].filter(({ state }) => state === "open")
      .length;
  }

  get ids(): readonly string[] {
    return [...this.#sessions.keys()];
  }

  /** All of what has arrived but so many bytes. */
  lose(keptBytes: number): void {
    for (const session of this.#sessions.values()) {
      session.arrived = session.arrived.subarray(0, keptBytes);
    }
  }

  /** They end, as each does after a week. */
  expire(): void {
    this.#sessions.clear();
  }

  /** @returns its id. */
  begin(
    resource: NewResource,
    query: URLSearchParams,
    totalBytes: number | undefined,
  ): string {
    const ifGenerationMatch = query.get("ifGenerationMatch");
    this.#objects.requireGeneration(resource.name, ifGenerationMatch);
    const id = `upload-${randomUUID()}`;
    this.#sessions.set(id, {
      resource,
      ifGenerationMatch,
      fields: query.get("fields"),
      totalBytes,
      arrived: Buffer.alloc(0),
      state: "open",
    });
    return id;
  }

  cancel(id: string): Answer {
    this.#get(id).state = "cancelled";
    return { status: 499 };
  }

  /** A chunk, or a question how much has arrived. */
  advance(
    id: string,
    { headers, body }: SessionRequest,
    fault: FaultKind | undefined,
  ): Answer {
    const session = this.#get(id);
    if (session.state === "cancelled") {
      return { status: 499 };
    }
    if (session.state !== "open") {
      return this.#done(session, session.state);
    }
    const range = headers["content-range"] ?? "";
    const [, first, last, total] =
      /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(range) ?? [];
    const { totalBytes } = session;
    const isTotal =
      total === "*" || totalBytes === undefined || Number(total) === totalBytes;
    if (total === undefined || !isTotal) {
      throw invalid(`the range ${range} of ${String(totalBytes)} bytes`);
    }
    if (first === undefined) {
      requireLength(body, 0);
      return incomplete(session);
    }
    requireLength(body, Number(last) - Number(first) + 1);
    if (Number(first) !== session.arrived.length) {
      throw invalid(
        `bytes from ${first}, not ${String(session.arrived.length)}`,
      );
    }
    const isLast = Number(last) + 1 === Number(total);
    if (!isLast && body.length % GRANULE_BYTES !== 0) {
      throw invalid(`a chunk of ${String(body.length)} bytes`);
    }
    const kept = keptOf(fault === "corrupt" ? corrupted(body) : body, fault);
    session.arrived = Buffer.concat([session.arrived, kept]);
    return isLast && kept.length === body.length
      ? this.#finish(session, headers["x-goog-hash"], fault)
      : incomplete(session);
  }

  #finish(
    session: Session,
    hashes: string | undefined,
    fault: FaultKind | undefined,
  ): Answer {
    const { resource, ifGenerationMatch, arrived } = session;
    requireDigest(arrived, /crc32c=([^,]+)/.exec(hashes ?? "")?.[1]);
    this.#objects.requireGeneration(resource.name, ifGenerationMatch);
    session.state = this.#objects.put(
      resource,
      fault === "rot" ? corrupted(arrived) : arrived,
    );
    return this.#done(session, session.state);
  }

  #done({ fields }: Session, held: Held): Answer {
    return toJson(200, select(this.#objects.resourceOf(held), fields));
  }

  #get(id: string): Session {
    const session = this.#sessions.get(id);
    if (session === undefined) {
      throw new Refusal(404, "notFound", "Not Found");
    }
    return session;
  }
}

function incomplete({ arrived }: Session): Answer {
  return {
    status: 308,
    headers:
      arrived.length === 0
        ? {}
        : { range: `bytes=0-${String(arrived.length - 1)}` },
  };
}

function keptOf(body: Buffer, fault: FaultKind | undefined): Buffer {
  switch (fault) {
    case "half-dropped":
    case "half-kept": {
      const granules = Math.floor(body.length / 2 / GRANULE_BYTES);
      return body.subarray(0, granules * GRANULE_BYTES);
    }
    case "none-kept":
      return body.subarray(0, 0);
    default:
      return body;
  }
}

function requireLength(body: Buffer, wanted: number): void {
  if (body.length !== wanted) {
    throw invalid(`${String(body.length)} bytes instead of ${String(wanted)}`);
  }
}

function invalid(what: string): Refusal {
  return new Refusal(400, "invalid", `Invalid request: ${what}.`);
}
