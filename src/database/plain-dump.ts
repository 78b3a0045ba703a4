import { randomBytes } from "node:crypto";
import { Transform } from "node:stream";

import { DrError } from "../core/errors.js";
import type { ToolVersion } from "./tools.js";

/** Minor versions of psql from which `\restrict` keeps everything that is no SQL from being carried out. */
const RESTRICTING: Readonly<Record<number, number>> = {
  13: 22,
  14: 19,
  15: 14,
  16: 10,
  17: 6,
};

export function canRestrict({ major, minor }: ToolVersion): boolean {
  const first = RESTRICTING[major];
  return first === undefined ? major >= 18 : minor >= first;
}

/** More than comments and settings before the first object, or after the last. */
const END_BYTES = 4096;

const HEADER = "-- PostgreSQL database dump";
const TRAILER = "-- PostgreSQL database dump complete";
/** How new versions of pg_dump begin: nothing but comments is before it. */
const RESTRICT = /^((?:--[^\n]*\n|[ \t\r]*\n)*)\\restrict [^\n]*\n/;
const UNRESTRICT = /\n\\unrestrict [^\n]*\s*$/;

/** Whether it begins as `pg_dump -Fc` does. */
function isArchive(head: Buffer): boolean {
  return head.subarray(0, 5).toString("latin1") === "PGDMP";
}

/**
 * A plain dump on its way to psql. psql also carries out what is no SQL:
 * `\!` runs programs here, `\connect` leads into another database. All of it is
 * restricted to SQL with a key that the dump doesn't know, and so can't lift;
 * its own restriction, which it could, is taken out.
 *
 * One that pg_dump made must end as pg_dump ends it. psql takes the end of a
 * file for the end of the rows: one that is cut off would seem to go well.
 *
 * @param isRestricted - Whether this psql can.
 */
export class PlainDump extends Transform {
  readonly #name: string;
  readonly #isRestricted: boolean;
  #head: Buffer | undefined = Buffer.alloc(0);
  #tail = Buffer.alloc(0);
  #isByPgDump = false;

  constructor(name: string, isRestricted: boolean) {
    super();
    this.#name = name;
    this.#isRestricted = isRestricted;
  }

  /** Whether pg_dump made it; else nothing shows where it should end. */
  get isByPgDump(): boolean {
    return this.#isByPgDump;
  }

  override _transform(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    if (this.#head === undefined) {
      this.#pass(chunk);
    } else {
      this.#head = Buffer.concat([this.#head, chunk]);
      if (isArchive(this.#head)) {
        done(this.#noSql());
        return;
      }
      if (this.#head.length >= END_BYTES) {
        this.#begin(this.#head);
      }
    }
    done();
  }

  #noSql(): DrError {
    const name = this.#name;
    const reason = `it is in pg_dump's own format, and without a manifest only SQL is taken: \`pg_restore -f ${name}.sql ${name}\` makes SQL of it`;
    return new DrError("ARTIFACT_NOT_OPENED", { name, reason });
  }

  override _flush(done: (error?: Error | null) => void): void {
    if (this.#head !== undefined) {
      this.#begin(this.#head);
    }
    const tail = this.#tail.toString("latin1");
    if (this.#isByPgDump && !tail.includes(TRAILER)) {
      done(new DrError("DATABASE_DUMP_CUT", { name: this.#name }));
      return;
    }
    this.push(Buffer.from(tail.replace(UNRESTRICT, "\n"), "latin1"));
    done();
  }

  #begin(head: Buffer): void {
    this.#head = undefined;
    // Each byte a character, so that all of them come out as they were.
    const text = head.toString("latin1");
    this.#isByPgDump = text.slice(0, END_BYTES).includes(HEADER);
    if (this.#isRestricted) {
      this.push(`\\restrict ${randomBytes(24).toString("hex")}\n`);
    }
    this.#pass(Buffer.from(text.replace(RESTRICT, "$1"), "latin1"));
  }

  /** The end is kept back until it is known to be the end. */
  #pass(chunk: Buffer): void {
    const all = Buffer.concat([this.#tail, chunk]);
    const kept = Math.max(0, all.length - END_BYTES);
    if (kept > 0) {
      this.push(all.subarray(0, kept));
    }
    this.#tail = Buffer.from(all.subarray(kept));
  }
}
