import { DrError } from "../../core/errors.js";
import { lexSql, type SqlToken } from "./lex-sql.js";

/** One statement of a file. */
export interface Statement {
  /** As it stands in the file, without its semicolon, and without the comments before and after it. */
  readonly text: string;
  /** Of the file, where it begins; the first is 1. */
  readonly line: number;
  /**
   * Its words, symbols and literals with one space between them, those that
   * aren't quoted in capitals: `CREATE INDEX CONCURRENTLY ON T ( "a" )`.
   */
  readonly normal: string;
}

/**
 * Splits SQL at the semicolons that end a statement, as psql does: not at those
 * in quotes, in parentheses (`CREATE RULE … DO (a; b)`), or in a function's
 * body that isn't quoted (`BEGIN ATOMIC … END`).
 *
 * @param file - Named in errors.
 * @param firstLine - Of the file, where the SQL begins.
 * @throws {DrError} MIGRATION_UNREADABLE: a quote or comment that doesn't end;
 * commands of psql's; `COPY … FROM STDIN`, whose data isn't SQL.
 * @see PostgreSQL src/fe_utils/psqlscan.l
 */
export function splitStatements(
  sql: string,
  file: string,
  firstLine = 1,
): readonly Statement[] {
  const statements: Statement[] = [];
  let current = new StatementBuilder();
  let line = firstLine;
  for (const token of lexSql(sql)) {
    requireSql(token, file, line);
    if (token.text === ";" && current.isComplete) {
      statements.push(...requireNoData(current.build(), file));
      current = new StatementBuilder();
    } else {
      current.add(token, line);
    }
    line += linesIn(token.text);
  }
  return [...statements, ...requireNoData(current.build(), file)];
}

function requireNoData(
  statements: readonly Statement[],
  file: string,
): readonly Statement[] {
  for (const statement of statements) {
    if (isFollowedByData(statement)) {
      throw unreadable(
        file,
        statement.line,
        "COPY … FROM STDIN has data that isn't SQL; write it as INSERT",
      );
    }
  }
  return statements;
}

/** The lines after it aren't SQL, up to one that is `\.`. */
export function isFollowedByData({
  normal,
}: Pick<Statement, "normal">): boolean {
  return /^COPY .* FROM STDIN\b/.test(normal);
}

/** Line ends. */
export function linesIn(text: string): number {
  return text.split("\n").length - 1;
}

function requireSql(
  { type, text }: SqlToken,
  file: string,
  line: number,
): void {
  if (type === "unterminated") {
    const what = text.startsWith("/*") ? "comment" : "quote";
    throw unreadable(file, line, `a ${what} begins there and doesn't end`);
  }
  if (type === "backslash") {
    throw unreadable(
      file,
      line,
      "it holds a command for psql, which isn't SQL",
    );
  }
}

function unreadable(file: string, line: number, reason: string): DrError {
  return new DrError("MIGRATION_UNREADABLE", {
    file,
    reason: `${reason} (line ${String(line)})`,
  });
}

const CREATE_ROUTINE = /^CREATE (OR REPLACE )?(FUNCTION|PROCEDURE) /;

/** Puts a statement together, token by token. */
export class StatementBuilder {
  #text = "";
  #line = 0;
  readonly #normal: string[] = [];
  #parentheses = 0;
  /** Of `BEGIN ATOMIC` and `CASE` that wait for their `END`. */
  #blocks = 0;
  /** Comments and space at the end, which may turn out to be between. */
  #pending = "";

  get isEmpty(): boolean {
    return this.#text === "";
  }

  get isComplete(): boolean {
    return this.#parentheses <= 0 && this.#blocks === 0;
  }

  add({ type, text }: SqlToken, line: number): void {
    if (type === "space" || type === "comment") {
      this.#pending += text;
      return;
    }
    if (this.#text === "") {
      this.#line = line;
      this.#pending = "";
    }
    this.#text += this.#pending + text;
    this.#pending = "";
    const normal = type === "word" ? text.toUpperCase() : text;
    this.#follow(type === "word" ? normal : "", text);
    this.#normal.push(normal);
  }

  /** None where there is nothing but comments. */
  build(): readonly Statement[] {
    if (this.#text === "") {
      return [];
    }
    const normal = this.#normal.join(" ");
    return [{ text: this.#text, line: this.#line, normal }];
  }

  #follow(word: string, text: string): void {
    if (text === "(" || text === ")") {
      this.#parentheses += text === "(" ? 1 : -1;
    } else if (word === "BEGIN" && this.#isRoutine()) {
      this.#blocks += 1;
    } else if (word === "CASE" && this.#blocks > 0) {
      this.#blocks += 1;
    } else if (word === "END" && this.#blocks > 0) {
      this.#blocks -= 1;
    }
  }

  #isRoutine(): boolean {
    return (
      this.#parentheses === 0 &&
      CREATE_ROUTINE.test(this.#normal.slice(0, 5).join(" "))
    );
  }
}
