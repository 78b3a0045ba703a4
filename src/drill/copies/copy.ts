/** What a drill can break, each a copy that it has made itself. */
export const PARTS = [
  "database",
  "contracts",
  "deployments",
  "files",
  "backups",
  "offsite",
  "service",
] as const;

export type Part = (typeof PARTS)[number];

/** For people, after "the". */
export const PART_NAMES: Readonly<Record<Part, string>> = {
  database: "database",
  contracts: "contracts",
  deployments: "deployments folder",
  files: "files",
  backups: "backups of this machine",
  offsite: "offsite targets",
  service: "service",
};

/** A copy of something real, and what it was when it was made: the baseline. */
export interface Copy {
  readonly part: Part;
  /** What it is when nothing is wrong with it, for people: `2 tables, 84 rows`. */
  readonly summary: string;
  /**
   * Asked immediately before anything is broken.
   *
   * @throws {DrError} DRILL_NOT_ITS_OWN unless the drill made this very thing.
   */
  requireOwn(): Promise<void>;
  /** What it has otherwise than the baseline, a sentence each; none: it is the same. */
  differences(): Promise<readonly string[]>;
}
