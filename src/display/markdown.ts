/** What would be more than text: in Markdown, in HTML, in a table's cell. */
const SPECIAL = /[\\`*_[\]|~#!]/g;
const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
};

/** Any text as one line of Markdown that shows it, and does nothing else. */
export function markdown(text: string): string {
  return (
    text
      // Line breaks, controls, and what turns the direction of writing round.
      .replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu, " ")
      .replace(/[&<>]/g, (character) => ENTITIES[character] ?? "")
      .replace(SPECIAL, "\\$&")
      .trim()
  );
}

/** An address, a hash, a name as code; anything odd as text. */
export function code(text: string): string {
  return /^[\w.:-]+$/.test(text) ? `\`${text}\`` : markdown(text);
}

/** Cells are Markdown already. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join(
    "\n",
  );
}
