/** A piece of SQL text; the pieces of a text, joined, are the text. */
export interface SqlToken {
  readonly type: SqlTokenType;
  readonly text: string;
}

export type SqlTokenType =
  | "space"
  | "comment"
  /** A keyword or a name without quotes. */
  | "word"
  | "quoted-name"
  | "string"
  /** Any other single character. */
  | "symbol"
  /** A backslash outside of all quotes: a command of psql's. */
  | "backslash"
  /** A quote or a comment that never ends; the last token then. */
  | "unterminated";

const LETTER = "A-Za-z_\\u0080-\\uffff";
/** Between the parts of a string in several lines: at least one line end. */
const CONTINUED =
  "[ \\t\\f\\v]*(?:--[^\\n\\r]*)?[\\n\\r](?:[ \\t\\n\\r\\f\\v]|--[^\\n\\r]*[\\n\\r])*";
const ESCAPED = "'[^'\\\\]*(?:(?:\\\\[^]|'')[^'\\\\]*)*'";

/** In the order in which they are tried. Each matches in one way only: one that doesn't end is given up at once. */
const PATTERNS: readonly (readonly [SqlTokenType, RegExp])[] = [
  ["space", /[ \t\n\r\f\v]+/y],
  ["comment", /--[^\n\r]*/y],
  // The later parts of such a string have escapes too, without their own E.
  ["string", new RegExp(`[eE]${ESCAPED}(?:${CONTINUED}${ESCAPED})*`, "y")],
  ["unterminated", /[eE]'[^]*/y],
  ["string", /'[^']*(?:''[^']*)*'/y],
  ["quoted-name", /"[^"]*(?:""[^"]*)*"/y],
  ["unterminated", /['"][^]*/y],
  ["word", new RegExp(`[${LETTER}][${LETTER}0-9$]*`, "y")],
  ["backslash", /\\/y],
];
const DOLLAR_QUOTE = new RegExp(`\\$(?:[${LETTER}][${LETTER}0-9]*)?\\$`, "y");
const COMMENT_EDGE = /\/\*|\*\//g;

/**
 * Takes SQL apart as PostgreSQL's own scanner does, with
 * `standard_conforming_strings` on, as far as it takes to know what is quoted
 * and what isn't.
 *
 * @see PostgreSQL src/backend/parser/scan.l
 */
export function* lexSql(sql: string): Generator<SqlToken, void> {
  let index = 0;
  while (index < sql.length) {
    const token = tokenAt(sql, index);
    yield token;
    index += token.text.length;
  }
}

function tokenAt(sql: string, index: number): SqlToken {
  if (sql.startsWith("/*", index)) {
    return blockComment(sql, index);
  }
  const quote = matchAt(DOLLAR_QUOTE, sql, index);
  if (quote !== undefined) {
    return dollarQuoted(sql, index, quote);
  }
  for (const [type, pattern] of PATTERNS) {
    const text = matchAt(pattern, sql, index);
    if (text !== undefined) {
      return { type, text };
    }
  }
  return { type: "symbol", text: sql.charAt(index) };
}

function matchAt(
  pattern: RegExp,
  sql: string,
  index: number,
): string | undefined {
  pattern.lastIndex = index;
  return pattern.exec(sql)?.[0];
}

/** One may hold another. */
function blockComment(sql: string, start: number): SqlToken {
  let depth = 0;
  COMMENT_EDGE.lastIndex = start;
  for (;;) {
    const edge = COMMENT_EDGE.exec(sql);
    if (edge === null) {
      return { type: "unterminated", text: sql.slice(start) };
    }
    depth += edge[0] === "/*" ? 1 : -1;
    if (depth === 0) {
      return {
        type: "comment",
        text: sql.slice(start, COMMENT_EDGE.lastIndex),
      };
    }
  }
}

function dollarQuoted(sql: string, start: number, quote: string): SqlToken {
  const end = sql.indexOf(quote, start + quote.length);
  return end === -1
    ? { type: "unterminated", text: sql.slice(start) }
    : { type: "string", text: sql.slice(start, end + quote.length) };
}
