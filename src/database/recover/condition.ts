import { DrError } from "../../core/errors.js";
import { lexSql, type SqlToken } from "../migrations/lex-sql.js";
import type { Session } from "../session.js";

/**
 * Refuses what would end our parentheses, or what is around them: a condition
 * is one expression.
 *
 * @throws {DrError} RECOVER_WHERE_INVALID.
 */
export function requireWhole(where: string): void {
  let depth = 0;
  for (const { type, text } of lexSql(where)) {
    if (type === "unterminated") {
      throw invalid(`${text.slice(0, 2).trim()} is never closed`);
    }
    if (type === "symbol") {
      depth += text === "(" ? 1 : text === ")" ? -1 : 0;
    }
    if (depth < 0) {
      throw invalid("a ) closes nothing, so it isn't one whole condition");
    }
    if (type === "symbol" && text === ";") {
      throw invalid("a ; ends it, so it isn't one condition");
    }
  }
  if (depth > 0) {
    throw invalid("a ( is never closed");
  }
}

/** Volatile, but they only read. */
const HARMLESS = [
  "clock_timestamp",
  "gen_random_uuid",
  "lo_get",
  "random",
  "timeofday",
];

/**
 * A transaction that only reads keeps nobody from writing files and large
 * objects, from ending sessions, or from what another server would do. Functions
 * that do so are volatile, and not written in a language that the transaction watches.
 *
 * @throws {DrError} RECOVER_WHERE_INVALID.
 */
export async function refuseEffects(
  { query }: Session,
  where: string,
): Promise<void> {
  const [found] = await query<{ name: string }>(
    `SELECT p.proname AS name FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
     WHERE p.proname = ANY ($1) AND p.proname <> ALL ($2)
       AND p.provolatile = 'v' AND l.lanname IN ('internal', 'c') ORDER BY 1 LIMIT 1`,
    [calledIn(where), HARMLESS],
  );
  if (found !== undefined) {
    throw invalid(`${found.name}() may do more than read`);
  }
}

/** Names that a parenthesis follows. */
function calledIn(where: string): readonly string[] {
  const names: string[] = [];
  let before: SqlToken | undefined;
  for (const token of lexSql(where)) {
    const { type, text } = token;
    if (text === "(" && before?.type === "word") {
      names.push(before.text.toLowerCase());
    }
    if (text === "(" && before?.type === "quoted-name") {
      names.push(before.text.slice(1, -1).replaceAll('""', '"'));
    }
    if (type !== "space" && type !== "comment") {
      before = token;
    }
  }
  return names;
}

function invalid(reason: string): DrError {
  return new DrError("RECOVER_WHERE_INVALID", { reason });
}
