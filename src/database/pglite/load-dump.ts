import { isUtf8 } from "node:buffer";

import type { PGlite } from "@electric-sql/pglite";

import { DrError } from "../../core/errors.js";
import type { Meter } from "../../core/meter.js";
import { explainPostgres } from "../session.js";
import type { Access } from "../access.js";
import {
  isFollowedByData,
  type Statement,
} from "../migrations/split-statements.js";
import { PlainDump } from "../plain-dump.js";
import type { Loaded } from "../restore-load.js";
import type { Dump } from "../restore-source.js";
import { DumpSplitter, type DumpPiece } from "./dump-pieces.js";
import type { OpenDatabase } from "./open.js";

export interface LoadOptions {
  /** Everything belongs to one role, and nothing is granted. */
  readonly noOwner: boolean;
  readonly signal: AbortSignal;
  readonly meter: Meter;
}

/** Statements and rows are handed over so many characters at a time, more or less. */
const BATCH = 1_000_000;

/**
 * Loads a plain dump into an empty database; the first error ends it.
 *
 * @throws {DrError} DATABASE_FAILED, DATABASE_DUMP_CUT, DATABASE_DUMP_FOREIGN,
 * those of `openArtifact`, and the signal's reason: the database holds a part.
 */
export async function loadPlainDump(
  dump: Dump,
  { pglite, access }: OpenDatabase,
  { noOwner, signal, meter }: LoadOptions,
): Promise<Loaded> {
  const plain = new PlainDump(dump.name, false);
  const stream = await dump.open(meter);
  // What the stream fails with is what those who read from its end are told.
  stream.on("error", (error) => plain.destroy(error));
  const loader = new Loader(pglite, access, dump.name, noOwner);
  const splitter = new DumpSplitter();
  try {
    for await (const chunk of stream.pipe(plain) as AsyncIterable<Buffer>) {
      signal.throwIfAborted();
      // Each byte a character: what is cut in two between chunks isn't lost.
      await loader.load(splitter.push(chunk.toString("latin1")));
    }
    await loader.load(splitter.end());
    await loader.flush();
  } finally {
    stream.destroy();
  }
  signal.throwIfAborted();
  return { isComplete: plain.isByPgDump };
}

/** Hands a dump over to a database, many statements at a time. */
class Loader {
  readonly #pglite: PGlite;
  readonly #access: Access;
  readonly #name: string;
  readonly #noOwner: boolean;
  #statements = "";
  #rows = "";
  /** What {@link #rows} are for: without its semicolon. */
  #copy = "";

  constructor(pglite: PGlite, access: Access, name: string, noOwner: boolean) {
    this.#pglite = pglite;
    this.#access = access;
    this.#name = name;
    this.#noOwner = noOwner;
  }

  async load(pieces: readonly DumpPiece[]): Promise<void> {
    for (const piece of pieces) {
      switch (piece.kind) {
        case "statement":
          await this.#addStatement(piece.statement);
          break;
        case "rows":
          this.#rows += piece.lines;
          await this.#flushAbove(BATCH);
          break;
        case "command":
          requireHarmless(piece.line, this.#name);
          break;
      }
    }
  }

  async flush(): Promise<void> {
    await this.#flushAbove(0);
  }

  async #addStatement(statement: Statement): Promise<void> {
    const { text, normal } = statement;
    requireUnicode(normal, this.#name);
    await this.#flushRows(0);
    if (isFollowedByData(statement)) {
      await this.#flushStatements(0);
      this.#copy = text;
      return;
    }
    if (!(this.#noOwner && isAboutOwners(normal))) {
      this.#statements += `${text};\n`;
      await this.#flushStatements(BATCH);
    }
  }

  async #flushAbove(size: number): Promise<void> {
    await this.#flushStatements(size);
    await this.#flushRows(size);
  }

  async #flushStatements(size: number): Promise<void> {
    if (this.#statements.length > size) {
      const sql = toUtf8(this.#statements, this.#name);
      this.#statements = "";
      await this.#explaining(async () => await this.#pglite.exec(sql));
    }
  }

  async #flushRows(size: number): Promise<void> {
    if (this.#rows.length > size) {
      const blob = new Blob([Buffer.from(this.#rows, "latin1")]);
      this.#rows = "";
      const sql = toUtf8(this.#copy, this.#name).replace(
        /\bstdin\b/i,
        "'/dev/blob'",
      );
      await this.#explaining(
        async () => await this.#pglite.query(sql, [], { blob }),
      );
    }
  }

  async #explaining(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      throw explainPostgres(error, this.#access);
    }
  }
}

/** @throws {DrError} DATABASE_DUMP_FOREIGN. */
function toUtf8(text: string, name: string): string {
  const bytes = Buffer.from(text, "latin1");
  if (!isUtf8(bytes)) {
    const what = "texts that aren't UTF-8";
    throw new DrError("DATABASE_DUMP_FOREIGN", { name, what });
  }
  return bytes.toString("utf8");
}

/** psql's own safeguards. Other commands would lead elsewhere, or run programs. */
function requireHarmless(line: string, name: string): void {
  if (!/^\\(un)?restrict\b/.test(line)) {
    const what = `a command for psql, ${line.slice(0, 40)}`;
    throw new DrError("DATABASE_DUMP_FOREIGN", { name, what });
  }
}

const UNICODE = /^'(UTF-?8|UNICODE)'$/i;

function requireUnicode(normal: string, name: string): void {
  const [, encoding] =
    /^SET CLIENT_ENCODING (?:=|TO) ('[^']*'|\S+)$/.exec(normal) ?? [];
  if (encoding !== undefined && !UNICODE.test(encoding)) {
    const what = `texts in ${encoding}, where PGlite takes UTF-8`;
    throw new DrError("DATABASE_DUMP_FOREIGN", { name, what });
  }
}

/** What pg_restore leaves out with `--no-owner --no-privileges`. */
function isAboutOwners(normal: string): boolean {
  return /^(GRANT |REVOKE |ALTER DEFAULT PRIVILEGES |SET SESSION AUTHORIZATION |ALTER [^']* OWNER TO )/.test(
    normal,
  );
}
