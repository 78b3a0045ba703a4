/** Chance that can be had again: the same seed gives the same choices. */
export interface Random {
  /** One of these. */
  choose<T>(from: readonly [T, ...T[]]): T;
}

/**
 * Mulberry32: enough to choose by, and nothing secret depends on it.
 *
 * @param seed - A whole number from 0 up to 2³².
 */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    choose: (from) => from[Math.floor(next() * from.length)] ?? from[0],
  };
}
