/** A type as `format_type` writes it, taken apart: `numeric(10,2)[]`. */
interface TypeName {
  readonly base: string;
  /** What is in parentheses; none: as large as it gets. */
  readonly limits: readonly number[];
}

/** Each holds all values of those before it. */
const LADDERS: readonly (readonly string[])[] = [
  ["smallint", "integer", "bigint", "numeric"],
  ["real", "double precision"],
  ["character varying", "text"],
  ["bit", "bit varying"],
];

/**
 * Whether every value of a type is a value of another, unchanged. Of types that
 * aren't known to be so, no.
 *
 * @param from - As `format_type` writes it.
 */
export function isWidening(from: string, to: string): boolean {
  if (from === to) {
    return true;
  }
  const [narrow, wide] = [parseType(from), parseType(to)];
  if (narrow.base === wide.base) {
    return holds(wide.limits, narrow.limits, wide.base);
  }
  const ladder = LADDERS.find((steps) => steps.includes(narrow.base)) ?? [];
  return (
    wide.limits.length === 0 &&
    ladder.indexOf(wide.base) > ladder.indexOf(narrow.base)
  );
}

function parseType(text: string): TypeName {
  const limits = /\(([\d,]+)\)/.exec(text)?.[1];
  return {
    base: text.replace(/\([\d,]+\)/, ""),
    limits: limits === undefined ? [] : limits.split(",").map(Number),
  };
}

/** `numeric(p,s)` holds p - s digits before the point, and s after it. */
function holds(
  wide: readonly number[],
  narrow: readonly number[],
  base: string,
): boolean {
  if (wide.length === 0) {
    return base !== "character" && base !== "bit";
  }
  if (narrow.length === 0) {
    return false;
  }
  const [wideSize = 0, wideScale = 0] = wide;
  const [size = 0, scale = 0] = narrow;
  return base.startsWith("numeric")
    ? wideScale >= scale && wideSize - wideScale >= size - scale
    : // Padded to its size, a value of another size is another value.
      base !== "bit" && wideSize >= size;
}
