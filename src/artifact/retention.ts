import { baseOf } from "./base.js";
import type { ArtifactStatus } from "./catalogue.js";
import type { Manifest } from "./manifest.js";
import type { ArtifactKind } from "./name.js";
import { originOf } from "./origin.js";

const DAY_MILLISECONDS = 86_400_000;

/** What retention needs to know of an artifact; names are unique. */
export interface RetentionEntry {
  readonly name: string;
  readonly kind: ArtifactKind;
  readonly createdAt: Date;
  readonly status: ArtifactStatus;
  /** The database that it is of: nobody's backup stands in for another's. Absent: any does. */
  readonly database?: string;
  /** When it was last restored on trial, and was good. */
  readonly provenAt?: Date;
  /** The store keeps it until then. */
  readonly lockedUntil?: Date;
  /** The name of the one it builds on, of the same kind. */
  readonly base?: string;
}

/** What an artifact builds on, and which database it is of, by its manifest. */
export type Relations = Pick<RetentionEntry, "base" | "database">;

export function relationsIn(manifest: Manifest): Relations {
  const [base, database] = [baseOf(manifest), originOf(manifest.contents)];
  return {
    ...(base === undefined ? {} : { base: base.artifact }),
    ...(database === undefined ? {} : { database }),
  };
}

/** Why an artifact stays; the first that holds, in this order. */
export type Keeping =
  /** What contracts were is never forgotten; they are small. */
  | "contracts"
  /** Made later than now: a clock is or was wrong, and its age says nothing. */
  | "future"
  /** The store wouldn't let it go. */
  | "locked"
  /** It isn't older than the time. */
  | "young"
  /** An old script's: nothing replaces it, and it isn't ours to judge. */
  | "legacy"
  /** The newest of its kind, and of its database, that can be restored. */
  | "newest"
  /** The last of its kind that was restored on trial. */
  | "proven"
  /** One that stays builds on it. */
  | "base";

export interface Retained {
  readonly name: string;
  readonly why: Keeping;
}

/** Both lists have the newest first: what is incremental goes before its base. */
export interface RetentionDecision {
  readonly keep: readonly Retained[];
  readonly remove: readonly string[];
}

/**
 * Which artifacts go, being older than so many days: all for whose staying
 * there is no reason. Those that can't be restored go too: a manifest without
 * an artifact, an artifact that was never finished, an incremental one whose
 * base is gone.
 *
 * @param entries - All of one place, in any order.
 */
export function decideRetention(
  entries: readonly RetentionEntry[],
  days: number,
  now: Date,
): RetentionDecision {
  const sorted = entries.toSorted(newestFirst);
  const best = new Map([
    ...lastProven(sorted).map(({ name }) => [name, "proven"] as const),
    ...newestGood(sorted, now).map(({ name }) => [name, "newest"] as const),
  ]);
  const reasons = new Map<string, Keeping>();
  for (const entry of sorted) {
    const why = reasonOf(entry, days, now) ?? best.get(entry.name);
    if (why !== undefined) {
      reasons.set(entry.name, why);
    }
  }
  addBases(sorted, reasons);
  return {
    keep: sorted.flatMap(({ name }) => {
      const why = reasons.get(name);
      return why === undefined ? [] : [{ name, why }];
    }),
    remove: sorted.map(({ name }) => name).filter((name) => !reasons.has(name)),
  };
}

function newestFirst(a: RetentionEntry, b: RetentionEntry): number {
  return (
    b.createdAt.getTime() - a.createdAt.getTime() || (a.name < b.name ? 1 : -1)
  );
}

/** What an entry says for itself. */
function reasonOf(
  { kind, createdAt, lockedUntil, status }: RetentionEntry,
  days: number,
  now: Date,
): Keeping | undefined {
  const age = now.getTime() - createdAt.getTime();
  if (kind === "contracts") {
    return "contracts";
  }
  if (age < 0) {
    return "future";
  }
  if (lockedUntil !== undefined && lockedUntil > now) {
    return "locked";
  }
  if (age <= days * DAY_MILLISECONDS) {
    return "young";
  }
  return status === "legacy" ? "legacy" : undefined;
}

/**
 * Of each kind, and of each database, the newest that can be restored, with all
 * it builds on. One from the future doesn't count: it would stand in for the
 * last good one.
 */
function newestGood(
  sorted: readonly RetentionEntry[],
  now: Date,
): readonly RetentionEntry[] {
  const byName = index(sorted);
  return firstOfKinds(
    sorted.filter(
      (entry) => entry.createdAt <= now && isRestorable(entry, byName),
    ),
  );
}

function lastProven(
  sorted: readonly RetentionEntry[],
): readonly RetentionEntry[] {
  const byName = index(sorted);
  const proven = sorted.filter(
    (entry) => entry.provenAt !== undefined && isRestorable(entry, byName),
  );
  // Stable: of two that were proven together the newer one.
  return firstOfKinds(proven.toSorted((a, b) => provenTime(b) - provenTime(a)));
}

function provenTime({ provenAt }: RetentionEntry): number {
  return provenAt?.getTime() ?? 0;
}

function firstOfKinds(
  entries: readonly RetentionEntry[],
): readonly RetentionEntry[] {
  return entries.filter(
    ({ kind, database }, at) =>
      entries.findIndex(
        (one) =>
          one.kind === kind &&
          (database === undefined || one.database === database),
      ) === at,
  );
}

type ByName = ReadonlyMap<string, RetentionEntry>;

function index(entries: readonly RetentionEntry[]): ByName {
  return new Map(entries.map((entry) => [entry.name, entry]));
}

function isRestorable(entry: RetentionEntry, byName: ByName): boolean {
  const chain = [...basesOf(entry, byName)];
  const isWhole = chain.at(-1)?.base === undefined;
  return isWhole && chain.every(({ status }) => status === "complete");
}

/** An entry, the one it builds on, and so on, as far as they are there. */
function* basesOf(
  entry: RetentionEntry,
  byName: ByName,
): Generator<RetentionEntry> {
  const seen = new Set<string>();
  let next: RetentionEntry | undefined = entry;
  while (next?.kind === entry.kind && !seen.has(next.name)) {
    seen.add(next.name);
    yield next;
    next = next.base === undefined ? undefined : byName.get(next.base);
  }
}

function addBases(
  sorted: readonly RetentionEntry[],
  reasons: Map<string, Keeping>,
): void {
  const byName = index(sorted);
  for (const entry of sorted.filter(({ name }) => reasons.has(name))) {
    for (const { name } of basesOf(entry, byName)) {
      reasons.set(name, reasons.get(name) ?? "base");
    }
  }
}
