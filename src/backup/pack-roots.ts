import type { BigIntStats } from "node:fs";
import { readlink, stat } from "node:fs/promises";
import { Readable } from "node:stream";

import {
  ownerOf,
  propertiesOf,
  strangeness,
  type ArchiveEntry,
} from "../artifact/archive.js";
import { isLinkInside, linkedOut } from "../artifact/inside.js";
import { Measure } from "../artifact/measure.js";
import { walkFolder, type Found } from "../artifact/walk.js";
import { hasCode } from "../core/errors.js";
import {
  encodeFileIndex,
  type FileEntry,
  type FileIndex,
  type IndexEntry,
  type LeftOut,
} from "./file-index.js";
import type { KeyGuard } from "./key-guard.js";
import { openSteadily, stampOf, type OpenFile } from "./read-steadily.js";
import { reading, unreadable } from "./reading.js";
import { INDEX_PATH, type BackupRoot } from "./roots.js";
import { isPutAside } from "./swap.js";

/**
 * Clocks of disks tick in steps, the coarsest of them (FAT's) this long. A file
 * that was changed so shortly before it was read may have been changed again
 * without a trace.
 */
const TICK_MILLISECONDS = 2000;

/** The backup that an incremental one builds on. */
export interface PackBase {
  readonly artifact: string;
  readonly index: FileIndex;
}

/** What was found, and what of it is in the archive. */
export interface PackResult {
  readonly index: FileIndex;
  /** As it is in the archive. */
  readonly indexBytes: Buffer;
  readonly packed: { readonly files: number; readonly sizeBytes: number };
  /** How much the base had that isn't there any more. */
  readonly removed: number;
  /** Files that somebody wrote to while they were read. */
  readonly changing: readonly string[];
}

/**
 * Packs roots: all their folders and links, and those files that the base
 * doesn't have as they are.
 *
 * A file counts as unchanged when its size, its times and its inode are, and
 * the last change of it lies clearly before the base's beginning. No program
 * can set the time of the last change, so none is missed while the clock goes
 * right. A restore changes it, and what follows holds every file once more.
 */
export class RootPacker {
  readonly #roots: readonly BackupRoot[];
  readonly #guard: KeyGuard;
  readonly #startedAt: Date;
  readonly #base: PackBase | undefined;
  readonly #known: ReadonlyMap<string, FileEntry>;
  readonly #entries: IndexEntry[] = [];
  readonly #leftOut: LeftOut[] = [];
  readonly #changing: string[] = [];
  #packed = { files: 0, sizeBytes: 0 };
  #indexBytes: Buffer = Buffer.alloc(0);

  /** @param startedAt - Before anything is looked at. */
  constructor(
    roots: readonly BackupRoot[],
    guard: KeyGuard,
    startedAt: Date,
    base?: PackBase,
  ) {
    this.#roots = roots;
    this.#guard = guard;
    this.#startedAt = startedAt;
    this.#base = base;
    this.#known = filesOf(base);
  }

  /**
   * How many bytes the files have that will be packed, as it looks now.
   *
   * @throws {DrError} BACKUP_SOURCE_UNREADABLE.
   */
  async survey(): Promise<number> {
    let sizeBytes = 0;
    for (const root of this.#roots) {
      for await (const { path, stats } of this.#walk(root)) {
        if (
          stats?.isFile() === true &&
          this.#baseHas(path, stats) === undefined
        ) {
          sizeBytes += Number(stats.size);
        }
      }
    }
    return sizeBytes;
  }

  /**
   * What goes into the archive, the index last.
   *
   * @throws {DrError} BACKUP_SOURCE_UNREADABLE, BACKUP_HOLDS_KEY, FILE_CHANGING.
   */
  async *entries(): AsyncGenerator<ArchiveEntry> {
    for (const root of this.#roots) {
      for await (const found of this.#walk(root)) {
        yield* this.#pack(found);
      }
    }
    this.#indexBytes = encodeFileIndex(this.#index());
    yield {
      path: INDEX_PATH,
      modifiedAt: this.#startedAt,
      type: "file",
      mode: 0o600,
      sizeBytes: this.#indexBytes.length,
      open: () => Readable.from([this.#indexBytes], { objectMode: false }),
    };
  }

  /** Once all entries were taken. */
  result(): PackResult {
    const here = new Set(this.#entries.map(({ path }) => path));
    const before = this.#base?.index.entries ?? [];
    return {
      index: this.#index(),
      indexBytes: this.#indexBytes,
      packed: this.#packed,
      removed: before.filter(({ path }) => !here.has(path)).length,
      changing: this.#changing,
    };
  }

  #index(): FileIndex {
    return {
      startedAt: this.#startedAt.toISOString(),
      roots: this.#roots.map(({ path }) => path),
      entries: this.#entries,
      leftOut: this.#leftOut,
    };
  }

  /** The root, and all that is in it. */
  async *#walk({ path, at }: BackupRoot): AsyncGenerator<Found> {
    const stats = await reading(
      at,
      async () => await stat(at, { bigint: true }),
    );
    yield { path, at, stats };
    if (!stats.isDirectory()) {
      return;
    }
    try {
      for await (const found of walkFolder(at)) {
        if (!isPutAside(found.path)) {
          yield { ...found, path: `${path}/${found.path}` };
        }
      }
    } catch (error) {
      throw unreadable(at, error);
    }
  }

  async *#pack({ path, at, stats }: Found): AsyncGenerator<ArchiveEntry> {
    if (stats?.isSymbolicLink()) {
      yield* this.#packLink(path, at, stats);
    } else if (stats?.isDirectory()) {
      const { mode, modifiedAt } = propertiesOf(stats);
      const owner = ownerOf(stats);
      this.#entries.push({ type: "directory", path, mode, owner });
      yield { type: "directory", path, mode, modifiedAt, owner };
    } else if (stats?.isFile()) {
      yield* this.#packFile(path, at, stats);
    } else {
      this.#leaveOut(path, strangeness(stats));
    }
  }

  #leaveOut(path: string, reason: string): void {
    this.#leftOut.push({ path, reason });
  }

  async *#packLink(
    path: string,
    at: string,
    stats: BigIntStats,
  ): AsyncGenerator<ArchiveEntry> {
    const target = await readLink(at);
    if (target === undefined) {
      return;
    }
    // No restore would make it: better said now than then.
    if (!isLinkInside(path, target)) {
      this.#leaveOut(path, linkedOut(target));
      return;
    }
    const owner = ownerOf(stats);
    this.#entries.push({ type: "link", path, target, owner });
    yield { type: "link", path, target, modifiedAt: stats.mtime, owner };
  }

  async *#packFile(
    path: string,
    at: string,
    found: BigIntStats,
  ): AsyncGenerator<ArchiveEntry> {
    await this.#guard.requireNoKey(path, at, found);
    const known = this.#baseHas(path, found);
    if (known !== undefined) {
      this.#entries.push({ ...known, owner: ownerOf(found) });
      return;
    }
    const file = await openSteadily(at, path);
    if (file === undefined) {
      return; // gone since the folder was read
    }
    try {
      yield* this.#packOpen(path, file);
    } finally {
      await file.close();
    }
  }

  /** @returns undefined of one that is new, or has changed. */
  #baseHas(path: string, stats: BigIntStats): FileEntry | undefined {
    const known = this.#known.get(path);
    return known !== undefined && this.#isUnchanged(known, stats)
      ? known
      : undefined;
  }

  #isUnchanged(known: FileEntry, stats: BigIntStats): boolean {
    const before = Date.parse(this.#base?.index.startedAt ?? "");
    return (
      BigInt(known.sizeBytes) === stats.size &&
      known.stamp === stampOf(stats) &&
      Number(stats.ctimeMs) < before - TICK_MILLISECONDS
    );
  }

  async *#packOpen(path: string, file: OpenFile): AsyncGenerator<ArchiveEntry> {
    const { stats, sizeBytes } = file;
    const { mode, modifiedAt } = propertiesOf(stats);
    const owner = ownerOf(stats);
    const measure = new Measure();
    yield {
      type: "file",
      path,
      mode,
      modifiedAt,
      owner,
      sizeBytes,
      open: () =>
        Readable.from(measured(file, path, measure), { objectMode: false }),
    };
    if (!(await file.isSteady())) {
      this.#changing.push(path);
    }
    this.#packed = {
      files: this.#packed.files + 1,
      sizeBytes: this.#packed.sizeBytes + sizeBytes,
    };
    this.#entries.push({
      type: "file",
      path,
      mode,
      sizeBytes,
      modifiedAt: modifiedAt.toISOString(),
      owner,
      sha256: measure.extent().sha256,
      stamp: stampOf(stats),
    });
  }
}

/** With the artifact that holds each. */
function filesOf(base: PackBase | undefined): ReadonlyMap<string, FileEntry> {
  const files = base?.index.entries.filter((entry) => entry.type === "file");
  return new Map(
    files?.map((entry) => [
      entry.path,
      { ...entry, artifact: entry.artifact ?? base?.artifact ?? "" },
    ]),
  );
}

async function* measured(
  file: OpenFile,
  path: string,
  measure: Measure,
): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of file.read()) {
      measure.add(chunk);
      yield chunk;
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** @returns undefined when it is gone. */
async function readLink(at: string): Promise<string | undefined> {
  try {
    return await readlink(at);
  } catch (error) {
    if (hasCode(error, "ENOENT")) {
      return undefined;
    }
    throw unreadable(at, error);
  }
}
