/** The known word a mistyped one most likely means; undefined when none is near. */
export function findClosest(
  word: string,
  known: readonly string[],
): string | undefined {
  const lower = word.toLowerCase();
  const ranked = known
    .map((candidate) => ({
      candidate,
      distance: editDistance(lower, candidate.toLowerCase()),
    }))
    .sort((a, b) => a.distance - b.distance);
  const [best] = ranked;
  const tolerated = Math.max(1, Math.floor(word.length / 3));
  return best !== undefined && best.distance <= tolerated
    ? best.candidate
    : undefined;
}

/** Levenshtein: insertions, deletions and replacements between two words. */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const inserted = (current[j - 1] ?? 0) + 1;
      const deleted = (previous[j] ?? 0) + 1;
      current.push(Math.min(replaced, inserted, deleted));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
