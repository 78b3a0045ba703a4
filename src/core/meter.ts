/** Told how far something is that goes through bytes. */
export interface Meter {
  /** What it goes through now, and how much that is; undefined where nobody knows. */
  readonly begin: (what: string, totalBytes: number | undefined) => void;
  /** Of that, bytes so far. */
  readonly reach: (doneBytes: number) => void;
}

/** Where nobody looks. */
export const UNWATCHED: Meter = {
  begin: () => undefined,
  reach: () => undefined,
};
