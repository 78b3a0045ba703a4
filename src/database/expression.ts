/** A text in parentheses is the list of what is between them. */
type Token = string | readonly Token[];

const TOKEN =
  /\s+|[eE]?'(?:[^']|'')*'|"(?:[^"]|"")*"|::|[\w$.]+|[^\s\w$.'"()]|[()]/gu;

/** Types of more than one word, as PostgreSQL writes them: what may follow the first. */
const LATER_WORDS = new Set([
  "varying",
  "precision",
  "with",
  "without",
  "time",
  "zone",
]);
const FIRST_WORDS = new Set([
  "character",
  "bit",
  "double",
  "timestamp",
  "time",
]);

/**
 * An expression as PostgreSQL shows it, in a form that survives a dump and a
 * restore. It reads `(ARRAY['a'::varchar])::text[]` as `ARRAY['a'::varchar::text]`,
 * so that a CHECK on a varchar is shown otherwise from then on. Casts, and
 * parentheses that hold but one thing, are therefore left out.
 */
export function normaliseExpression(sql: string): string {
  return write(simplify(nest(sql)));
}

function nest(sql: string): Token[] {
  const top: Token[] = [];
  const open: Token[][] = [top];
  for (const [token] of sql.matchAll(TOKEN)) {
    if (token === "(") {
      const group: Token[] = [];
      open.at(-1)?.push(group);
      open.push(group);
    } else if (token === ")" && open.length > 1) {
      open.pop();
    } else if (token.trim() !== "") {
      open.at(-1)?.push(token);
    }
  }
  return top;
}

function simplify(tokens: readonly Token[]): Token[] {
  const simple: Token[] = [];
  for (const token of withoutCasts(tokens)) {
    const before = simple.at(-1);
    simple.push(
      typeof token === "string" ? token : unwrap(simplify(token), before),
    );
  }
  return simple;
}

/** What follows a word may be a function's argument: there it stays. */
function unwrap(group: readonly Token[], before: Token | undefined): Token {
  const [only, ...others] = group;
  if (only === undefined || others.length > 0) {
    return group;
  }
  if (typeof only !== "string") {
    return only;
  }
  return typeof before === "string" && /[\w"]$/.test(before) ? group : only;
}

function withoutCasts(tokens: readonly Token[]): Token[] {
  const kept: Token[] = [];
  for (let index = 0; index < tokens.length; index += 1) {
    const token = tokens[index];
    if (token === "::") {
      index = endOfType(tokens, index + 1) - 1;
    } else if (token !== undefined) {
      kept.push(token);
    }
  }
  return kept;
}

/** @param start - Where the type begins. @returns where what comes after it begins. */
function endOfType(tokens: readonly Token[], start: number): number {
  let index = start + 1;
  // `public."My Type"` are several tokens.
  while (isDot(tokens[index], "starts") || isDot(tokens[index - 1], "ends")) {
    index += 1;
  }
  if (FIRST_WORDS.has(String(tokens[start]))) {
    while (
      LATER_WORDS.has(String(tokens[index])) ||
      (Array.isArray(tokens[index]) &&
        LATER_WORDS.has(String(tokens[index + 1])))
    ) {
      index += 1;
    }
  }
  if (Array.isArray(tokens[index])) {
    index += 1;
  }
  while (tokens[index] === "[" && tokens[index + 1] === "]") {
    index += 2;
  }
  return index;
}

function isDot(token: Token | undefined, where: "starts" | "ends"): boolean {
  return typeof token === "string" && token[`${where}With`](".");
}

function write(tokens: readonly Token[]): string {
  return tokens
    .map((token) => (typeof token === "string" ? token : `(${write(token)})`))
    .join(" ");
}
