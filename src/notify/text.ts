/** Line breaks, controls, and what turns the direction of writing round. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu;

/** The same in a text of several lines, of which the breaks stay. */
const UNPRINTABLE_IN_TEXT = /(?!\n)[\p{Cc}\p{Bidi_Control}]+/gu;

/** Any text as one line that can stand in a header or a heading. */
export function oneLine(text: string): string {
  return text.replace(UNPRINTABLE, " ").trim();
}

/** Any text as lines that show what they hold, and do nothing else. */
export function lines(text: string): string {
  return text
    .replace(/\r\n?|[\p{Zl}\p{Zp}]/gu, "\n")
    .replace(UNPRINTABLE_IN_TEXT, " ")
    .trim();
}

/**
 * As much of a text as there is room for, with an ellipsis where it was cut.
 *
 * @param limit - Of UTF-16 units, counted after `encode`.
 * @param encode - How a character will stand there; none is cut in two.
 */
export function clip(
  text: string,
  limit: number,
  encode: (character: string) => string = (character) => character,
): string {
  const pieces = Array.from(text, encode);
  const whole = pieces.join("");
  if (whole.length <= limit) {
    return whole;
  }
  let clipped = "";
  for (const piece of pieces) {
    if (clipped.length + piece.length > limit - 1) {
      break;
    }
    clipped += piece;
  }
  return `${clipped}…`;
}

/** A text in parts of at most `limit` UTF-16 units after `encode`. */
export function split(
  text: string,
  limit: number,
  encode: (character: string) => string,
): string[] {
  const parts: string[] = [];
  let part = "";
  for (const piece of Array.from(text, encode)) {
    if (part.length + piece.length > limit) {
      parts.push(part);
      part = "";
    }
    part += piece;
  }
  return [...parts, part].filter((each) => each.trim() !== "");
}
