export type Operation =
  | "token"
  | "list"
  | "stat"
  | "get"
  | "delete"
  | "insert"
  | "begin"
  | "chunk"
  | "status"
  | "cancel";

export type FaultKind =
  /** The connection breaks, before it is done or after. */
  | "drop-before"
  | "drop-after"
  /** Nothing ever comes, and it isn't done or it is. */
  | "stall-before"
  | "stall-after"
  /** A byte changes on its way. */
  | "corrupt"
  /** A byte changes once it has been checked. */
  | "rot"
  /** Of a download half comes: the connection breaks, ends, or stalls. */
  | "cut"
  | "short"
  | "hang"
  /** Of a chunk half is kept: the connection breaks, or the answer says so. */
  | "half-dropped"
  | "half-kept"
  /** Of a chunk nothing is kept, and the answer says so. */
  | "none-kept"
  /** What was written lately isn't in lists. */
  | "lag"
  /** Somebody else answers: 200, with a page for people. */
  | "portal"
  /** The resource says nothing of what keeps the object. */
  | "early"
  /** The resource has no digest. */
  | "no-digest";

/** A refusal out of turn. */
export interface RefusalFault {
  readonly status: number;
  readonly word?: string;
  readonly message?: string;
}

export interface Fault {
  readonly operation: Operation;
  readonly what: FaultKind | RefusalFault;
  /** So many of the operation go well before it. */
  readonly after: number;
}

/** What goes wrong, each once. */
export class Faults {
  #waiting: Fault[] = [];

  add(operation: Operation, what: Fault["what"], after = 0): void {
    this.#waiting.push({ operation, what, after });
  }

  /** Of a request that has just come. */
  next(operation: Operation): Fault["what"] | undefined {
    const due = this.#waiting.find(
      (fault) => fault.operation === operation && fault.after === 0,
    );
    this.#waiting = this.#waiting
      .filter((fault) => fault !== due)
      .map((fault) =>
        fault.operation === operation && fault.after > 0
          ? { ...fault, after: fault.after - 1 }
          : fault,
      );
    return due?.what;
  }

  clear(): void {
    this.#waiting = [];
  }
}
