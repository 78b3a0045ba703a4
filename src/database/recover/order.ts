/** A must be there before B, or together with it. */
export type Edge<T> = readonly [before: T, after: T];

/**
 * Groups things so that whatever must be there before is in an earlier group
 * or, where they need each other, in the same one.
 *
 * @see Tarjan, "Depth-first search and linear graph algorithms", 1972
 */
export function groupInOrder<T>(
  all: readonly T[],
  edges: readonly Edge<T>[],
): readonly (readonly T[])[] {
  const numbers = new Map<T, number>();
  const lowest = new Map<T, number>();
  const stack: T[] = [];
  const groups: T[][] = [];

  const visit = (one: T): number => {
    const number = numbers.size;
    numbers.set(one, number);
    lowest.set(one, number);
    stack.push(one);
    for (const [before, after] of edges) {
      if (after !== one || !all.includes(before)) {
        continue;
      }
      if (!numbers.has(before)) {
        visit(before);
        lower(one, lowest.get(before));
      } else if (stack.includes(before)) {
        lower(one, numbers.get(before));
      }
    }
    if (lowest.get(one) === number) {
      groups.push(stack.splice(stack.indexOf(one)));
    }
    return number;
  };
  const lower = (one: T, to = Infinity) => {
    lowest.set(one, Math.min(lowest.get(one) ?? to, to));
  };

  for (const one of all) {
    if (!numbers.has(one)) {
      visit(one);
    }
  }
  return groups;
}
