import { compareTypes } from "./type-change.js";
import type { Variable } from "./variables.js";

/** How storage written by the current implementation looks to the target. */
export interface StorageComparison {
  /** The target doesn't know of them. */
  readonly orphaned: readonly Variable[];
  /** The current doesn't know of them: the target finds what was there before. */
  readonly revived: readonly Variable[];
  readonly retyped: readonly Retyped[];
  /** Read under another name, or with more or less inside. */
  readonly changed: readonly Retyped[];
}

export interface Retyped {
  readonly current: Variable;
  readonly target: Variable;
  readonly why: string;
}

/**
 * Compares by place: a variable is what its bytes are, whatever the order of
 * declarations that put it there.
 */
export async function compareStorage(
  current: readonly Variable[],
  target: readonly Variable[],
): Promise<StorageComparison> {
  const pairs = current.flatMap((ours) =>
    target
      .filter((theirs) => overlap(ours, theirs))
      .map((theirs) => ({ current: ours, target: theirs })),
  );
  const fates = await Promise.all(
    pairs.map(async (pair) => ({
      ...pair,
      ...(await comparePair(pair.current, pair.target, current, target)),
    })),
  );
  const read = new Set(pairs.map((pair) => pair.current));
  const written = new Set(pairs.map((pair) => pair.target));
  return {
    orphaned: current.filter((variable) => !read.has(variable)),
    revived: target.filter((variable) => !written.has(variable)),
    retyped: fates.filter(({ kind }) => kind === "corrupt"),
    changed: fates.filter(({ kind }) => kind === "compatible"),
  };
}

async function comparePair(
  current: Variable,
  target: Variable,
  allCurrent: readonly Variable[],
  allTarget: readonly Variable[],
): Promise<{ kind: "same" | "compatible" | "corrupt"; why: string }> {
  if (current.begin !== target.begin) {
    return { kind: "corrupt", why: "they overlap without being the same" };
  }
  const change = await compareTypes(current, target);
  if (change.kind === "corrupt" || current.label === target.label) {
    return { why: "", ...change };
  }
  if (
    isElsewhere(current, allTarget, allCurrent) ||
    isElsewhere(target, allCurrent, allTarget)
  ) {
    return { kind: "corrupt", why: "variables changed places" };
  }
  return { kind: "compatible", why: change.kind === "same" ? "" : change.why };
}

/** Whether the other side has this variable, by name, at a place of its own. */
function isElsewhere(
  variable: Variable,
  others: readonly Variable[],
  own: readonly Variable[],
): boolean {
  const isAt = (one: Variable, begin: bigint): boolean =>
    one.label === variable.label && one.begin === begin;
  return others.some(
    ({ label, begin }) =>
      label === variable.label &&
      begin !== variable.begin &&
      !own.some((one) => isAt(one, begin)),
  );
}

function overlap(a: Variable, b: Variable): boolean {
  return a.begin < b.begin + b.bytes && b.begin < a.begin + a.bytes;
}
