import { isDeepStrictEqual } from "node:util";

import { formatPath } from "./problem.js";

/** One place at which two files differ. */
export interface Difference {
  /** `contracts.SkillProfile.history[1].block` */
  readonly path: string;
  /** undefined when there was nothing. */
  readonly before: unknown;
  /** undefined when there is nothing any more. */
  readonly after: unknown;
}

/**
 * Where two JSON values differ, as deep as possible; the order of keys doesn't
 * count. An entry added in the middle of a list is one difference, not one for
 * each entry that moved.
 */
export function compareJson(
  before: unknown,
  after: unknown,
  path: readonly string[] = [],
): Difference[] {
  if (isDeepStrictEqual(before, after)) {
    return [];
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    return compareLists(before, after, path);
  }
  if (isObject(before) && isObject(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].flatMap((key) =>
      compareJson(before[key], after[key], [...path, key]),
    );
  }
  return [{ path: formatPath(path), before, after }];
}

function compareLists(
  before: readonly unknown[],
  after: readonly unknown[],
  path: readonly string[],
): Difference[] {
  const shortest = Math.min(before.length, after.length);
  const start = countEqual(shortest, (i) => [before[i], after[i]]);
  const end = countEqual(shortest - start, (i) => [
    before[before.length - 1 - i],
    after[after.length - 1 - i],
  ]);
  const removed = before.slice(start, before.length - end);
  const added = after.slice(start, after.length - end);
  const at = (index: number): string[] => [...path, String(start + index)];
  if (removed.length === added.length) {
    return removed.flatMap((item, index) =>
      compareJson(item, added[index], at(index)),
    );
  }
  return [
    ...removed.map((item, index) => ({
      path: formatPath(at(index)),
      before: item,
      after: undefined,
    })),
    ...added.map((item, index) => ({
      path: formatPath(at(index)),
      before: undefined,
      after: item,
    })),
  ];
}

function countEqual(
  limit: number,
  pair: (index: number) => readonly [unknown, unknown],
): number {
  let count = 0;
  while (count < limit && isDeepStrictEqual(...pair(count))) {
    count += 1;
  }
  return count;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
