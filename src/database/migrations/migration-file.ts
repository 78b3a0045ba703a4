import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { DrError, messageOf } from "../../core/errors.js";
import { lexSql } from "./lex-sql.js";
import {
  linesIn,
  splitStatements,
  type Statement,
} from "./split-statements.js";

/** A way back, read and taken apart. */
export interface MigrationFile {
  readonly path: string;
  /** SHA-256 of the file, hexadecimal. */
  readonly hash: string;
  readonly statements: readonly Statement[];
  /** Of one that holds both ways: only the way back is taken. */
  readonly isDownPart: boolean;
  /** What it may be called where it is applied: file name and folder without what marks a way back. */
  readonly names: readonly string[];
  /** The migrations beside it, by their numbers; empty where there are none. */
  readonly neighbours: readonly string[];
  /** Drizzle's journal beside it: names by milliseconds. */
  readonly journal: ReadonlyMap<string, string>;
}

/**
 * How tools mark the two ways in one file: dbmate, node-pg-migrate, goose. The
 * mark is a comment of its own.
 */
const MARKS: readonly { readonly up: RegExp; readonly down: RegExp }[] = [
  { up: /^--\s*migrate:up\b/, down: /^--\s*migrate:down\b/ },
  { up: /^--[\s-]*up\s+migration/i, down: /^--[\s-]*down\s+migration/i },
  { up: /^--\s*\+goose\s+up\b/i, down: /^--\s*\+goose\s+down\b/i },
];

/**
 * Reads a migration that undoes another.
 *
 * @throws {DrError} MIGRATION_UNREADABLE; MIGRATION_IS_UP where the name or the
 * marks in it say that it is the way forward.
 */
export async function readMigrationFile(path: string): Promise<MigrationFile> {
  const bytes = await readBytes(path);
  const sql = decode(bytes, path);
  const name = basename(path);
  if (/\.up\.sql$/i.test(name) || /^up\.sql$/i.test(name)) {
    throw new DrError("MIGRATION_IS_UP", {
      file: path,
      reason: "its name says that it is the way forward",
    });
  }
  const down = takeDownPart(sql, path);
  const statements = splitStatements(down.sql, path, down.line);
  if (statements.length === 0) {
    throw new DrError("MIGRATION_UNREADABLE", {
      file: path,
      reason: "there is no statement in it",
    });
  }
  const folder = dirname(path);
  return {
    path,
    hash: createHash("sha256").update(bytes).digest("hex"),
    statements,
    isDownPart: down.isPart,
    names: namesOf(name, basename(folder)),
    neighbours: await readNeighbours(folder),
    journal: await readJournal(folder),
  };
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new DrError(
      "MIGRATION_UNREADABLE",
      { file: path, reason: messageOf(error) },
      { cause: error },
    );
  }
}

function decode(bytes: Buffer, file: string): string {
  try {
    // Without the mark that some editors put before everything else.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new DrError(
      "MIGRATION_UNREADABLE",
      { file, reason: "it isn't UTF-8" },
      { cause: error },
    );
  }
}

interface Part {
  readonly sql: string;
  /** Where it begins; the first is 1. */
  readonly line: number;
  readonly isPart: boolean;
}

interface Mark {
  readonly way: "up" | "down";
  readonly index: number;
}

function takeDownPart(sql: string, file: string): Part {
  const marks = findMarks(sql);
  if (marks.length === 0) {
    return { sql, line: 1, isPart: false };
  }
  const position = marks.findIndex(({ way }) => way === "down");
  const down = marks[position];
  if (down === undefined) {
    throw new DrError("MIGRATION_IS_UP", {
      file,
      reason: "it has a mark for the way forward, and none for the way back",
    });
  }
  const end = marks[position + 1]?.index;
  return {
    sql: sql.slice(down.index, end),
    line: 1 + linesIn(sql.slice(0, down.index)),
    isPart: true,
  };
}

function findMarks(sql: string): readonly Mark[] {
  const marks: Mark[] = [];
  let index = 0;
  for (const { type, text } of lexSql(sql)) {
    if (type === "comment") {
      const way = MARKS.flatMap(({ up, down }) => [
        ...(up.test(text) ? ["up" as const] : []),
        ...(down.test(text) ? ["down" as const] : []),
      ])[0];
      marks.push(...(way === undefined ? [] : [{ way, index }]));
    }
    index += text.length;
  }
  return marks;
}

/** `002_add_bio.down.sql` → `002_add_bio`; of `20240115_add_bio/down.sql` the folder. */
function namesOf(name: string, folder: string): readonly string[] {
  const stem = withoutEnding(name);
  const bare = stem
    .replace(/([._-](down|undo|rollback|revert))$/i, "")
    .replace(/^(down|undo|rollback|revert)[._-]/i, "");
  return /^(down|undo|rollback|revert|migration)$/i.test(bare)
    ? [folder]
    : [...new Set([bare, stem])];
}

/** Tools that run code keep the ending of its file. */
export function withoutEnding(name: string): string {
  return name.replace(/\.(sql|js|cjs|mjs|ts|cts|mts)$/i, "");
}

async function readNeighbours(folder: string): Promise<readonly string[]> {
  const files = await readdir(folder).catch(() => []);
  const names = files
    .filter((file) => /^\d.*\.sql$/i.test(file))
    .map((file) => file.replace(/(\.(up|down))?\.sql$/i, ""));
  return [...new Set(names)].toSorted((a, b) => {
    const [first, second] = [numberIn(a) ?? 0n, numberIn(b) ?? 0n];
    return first < second ? -1 : first > second ? 1 : a < b ? -1 : 1;
  });
}

/** The number that a migration begins with, or TypeORM's at the end: milliseconds. */
export function numberIn(name: string): bigint | undefined {
  const digits = /^\d+/.exec(name)?.[0] ?? /\d{13}$/.exec(name)?.[0];
  return digits === undefined ? undefined : BigInt(digits);
}

/** @see drizzle-kit: `meta/_journal.json`, `{ entries: [{ when, tag }] }` */
async function readJournal(
  folder: string,
): Promise<ReadonlyMap<string, string>> {
  try {
    const text = await readFile(join(folder, "meta/_journal.json"), "utf8");
    const { entries } = JSON.parse(text) as {
      readonly entries: readonly {
        readonly when: number;
        readonly tag: string;
      }[];
    };
    return new Map(entries.map(({ when, tag }) => [String(when), tag]));
  } catch {
    // Nothing but names depends on it.
    return new Map();
  }
}
