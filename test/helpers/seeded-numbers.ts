/** Random numbers, which are the same again with the `KILL_SEED` that is printed. */
export function seededNumbers(): () => number {
  const seed = Number(process.env.KILL_SEED ?? Date.now() % 2 ** 31);
  process.stderr.write(`      KILL_SEED=${String(seed)}\n`);
  return randomNumbers(seed);
}

/** Mulberry32: the same seed, the same numbers, each in [0, 1). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
