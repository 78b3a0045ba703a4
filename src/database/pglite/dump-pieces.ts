import { lexSql } from "../migrations/lex-sql.js";
import {
  isFollowedByData,
  StatementBuilder,
  type Statement,
} from "../migrations/split-statements.js";

/** A piece of a plain dump. Each byte is a character. */
export type DumpPiece =
  | { readonly kind: "statement"; readonly statement: Statement }
  /** Rows for the last `COPY … FROM STDIN`, in whole lines. */
  | { readonly kind: "rows"; readonly lines: string }
  /** A line for psql, which isn't SQL. */
  | { readonly kind: "command"; readonly line: string };

const END_OF_ROWS = "\\.\n";

/** Takes a plain dump apart as it comes. */
export class DumpSplitter {
  #text = "";
  /** What is there isn't looked at again before there is so much. */
  #enough = 0;
  #isInRows = false;

  /** @param text - Each byte a character. */
  push(text: string): readonly DumpPiece[] {
    this.#text += text;
    return this.#text.length < this.#enough ? [] : this.#take(false);
  }

  /** The end of the dump. */
  end(): readonly DumpPiece[] {
    return this.#take(true);
  }

  #take(isEnd: boolean): readonly DumpPiece[] {
    const pieces: DumpPiece[] = [];
    for (;;) {
      const found = this.#isInRows
        ? this.#takeRows(isEnd)
        : this.#takeStatement(isEnd);
      pieces.push(...found.pieces);
      if (!found.isMore) {
        // A statement that is longer still is read again from its beginning.
        this.#enough = this.#isInRows ? 0 : 2 * this.#text.length;
        return pieces;
      }
    }
  }

  #takeRows(isEnd: boolean): Taken {
    const isAtEnd = this.#text.startsWith(END_OF_ROWS);
    const found = isAtEnd ? 0 : this.#text.indexOf(`\n${END_OF_ROWS}`) + 1;
    if (isAtEnd || found > 0) {
      const lines = this.#text.slice(0, found);
      this.#text = this.#text.slice(found + END_OF_ROWS.length);
      this.#isInRows = false;
      return { pieces: rowsOf(lines), isMore: true };
    }
    // The last line may be the beginning of the end.
    const whole = isEnd
      ? this.#text.length
      : Math.max(this.#text.lastIndexOf("\n", this.#text.length - 2) + 1, 0);
    const lines = this.#text.slice(0, whole);
    this.#text = this.#text.slice(whole);
    return { pieces: rowsOf(lines), isMore: false };
  }

  #takeStatement(isEnd: boolean): Taken {
    const builder = new StatementBuilder();
    let index = 0;
    for (const { type, text } of lexSql(this.#text)) {
      if (type === "backslash" && builder.isEmpty) {
        return this.#takeCommand(index, isEnd);
      }
      index += text.length;
      // The last token may go on in what is still to come.
      if (index === this.#text.length && !isEnd && text !== ";") {
        return NOTHING;
      }
      if (text === ";" && builder.isComplete) {
        return this.#takeBuilt(builder, index);
      }
      builder.add({ type, text }, 1);
    }
    this.#text = isEnd ? "" : this.#text;
    return isEnd ? { pieces: statementsOf(builder), isMore: false } : NOTHING;
  }

  #takeBuilt(builder: StatementBuilder, end: number): Taken {
    const pieces = statementsOf(builder);
    const isData = pieces.some(({ statement }) => isFollowedByData(statement));
    if (isData) {
      const lineEnd = this.#text.indexOf("\n", end);
      if (lineEnd === -1) {
        return NOTHING;
      }
      this.#isInRows = true;
      this.#text = this.#text.slice(lineEnd + 1);
    } else {
      this.#text = this.#text.slice(end);
    }
    return { pieces, isMore: true };
  }

  #takeCommand(start: number, isEnd: boolean): Taken {
    const found = this.#text.indexOf("\n", start);
    if (found === -1 && !isEnd) {
      return NOTHING;
    }
    const end = found === -1 ? this.#text.length : found;
    const line = this.#text.slice(start, end);
    this.#text = this.#text.slice(end + 1);
    return { pieces: [{ kind: "command", line }], isMore: true };
  }
}

interface Taken {
  readonly pieces: readonly DumpPiece[];
  readonly isMore: boolean;
}

const NOTHING: Taken = { pieces: [], isMore: false };

function rowsOf(lines: string): readonly DumpPiece[] {
  return lines === "" ? [] : [{ kind: "rows", lines }];
}

function statementsOf(
  builder: StatementBuilder,
): readonly Extract<DumpPiece, { kind: "statement" }>[] {
  return builder
    .build()
    .map((statement) => ({ kind: "statement", statement }) as const);
}
