import { createReadStream, type BigIntStats } from "node:fs";
import { readlink } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { pack, type Pack } from "tar-stream";

import { DrError } from "../core/errors.js";
import { walkFolder } from "./walk.js";

/** Numbers of users and groups of the machine that it was on. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Something in an archive. Paths are relative, their parts separated by `/`. */
export type ArchiveEntry = {
  readonly path: string;
  readonly modifiedAt: Date;
  /** Absent: nobody's, where the archive shall be the same whoever makes it. */
  readonly owner?: Owner;
} & (
  | {
      readonly type: "file";
      /** Permissions, e.g. 0o644. */
      readonly mode: number;
      readonly sizeBytes: number;
      readonly open: () => Readable;
    }
  | { readonly type: "directory"; readonly mode: number }
  | {
      readonly type: "link";
      /** As it was written. */
      readonly target: string;
    }
);

/**
 * A tar of entries, in their order. The same entries give the same bytes,
 * whoever packs them, and when.
 */
export function packArchive(
  entries: Iterable<ArchiveEntry> | AsyncIterable<ArchiveEntry>,
): Readable {
  const archive = pack();
  packAll(archive, entries).catch((error: unknown) => {
    archive.destroy(error as Error);
  });
  return Readable.from(archive, { objectMode: false });
}

async function packAll(
  archive: Pack,
  entries: Iterable<ArchiveEntry> | AsyncIterable<ArchiveEntry>,
): Promise<void> {
  for await (const entry of entries) {
    const mtime = inTarTime(entry.modifiedAt);
    const header = { name: entry.path, mtime, ...ownedBy(entry.owner) };
    switch (entry.type) {
      case "file": {
        const { mode, sizeBytes: size, open } = entry;
        const sink = archive.entry({
          ...header,
          type: "file",
          mode: mode | REGULAR_FILE,
          size,
        });
        // Another make of stream, which does what Node's do.
        await pipeline(open(), sink as unknown as NodeJS.WritableStream);
        break;
      }
      case "directory":
        archive.entry({
          ...header,
          type: "directory",
          mode: entry.mode | REGULAR_FILE,
        });
        break;
      case "link":
        archive.entry({ ...header, type: "symlink", linkname: entry.target });
        break;
    }
  }
  archive.finalize();
}

/** A bit that isn't written: mode 0 would be taken for none given. */
const REGULAR_FILE = 0o100000;

/** The last second that the library can write. */
const LAST_TAR_SECOND = 2 ** 31 - 1;

function inTarTime(date: Date): Date {
  const seconds = Math.floor(date.getTime() / 1000);
  return new Date(Math.min(Math.max(seconds, 0), LAST_TAR_SECOND) * 1000);
}

/** The library writes six octal digits; larger numbers go into an extension that all tars read. */
const LARGEST_IN_HEADER = 0o777777;

function ownedBy({ uid, gid }: Owner = { uid: 0, gid: 0 }) {
  const header = { uid, gid, uname: "", gname: "" };
  return Math.max(uid, gid) > LARGEST_IN_HEADER
    ? { ...header, pax: { uid: String(uid), gid: String(gid) } }
    : header;
}

/**
 * Everything in a folder, by name: files, links as they are, folders, empty
 * ones too.
 *
 * @throws {DrError} ARCHIVE_ENTRY_REFUSED for devices, sockets and pipes, and
 * for names that can't be written down.
 */
export async function* listFolder(
  folder: string,
): AsyncGenerator<ArchiveEntry> {
  for await (const { path, at, stats } of walkFolder(folder)) {
    if (stats?.isSymbolicLink()) {
      const target = await readlink(at);
      yield { path, modifiedAt: stats.mtime, type: "link", target };
    } else if (stats?.isDirectory()) {
      yield { path, ...propertiesOf(stats), type: "directory" };
    } else if (stats?.isFile()) {
      const sizeBytes = Number(stats.size);
      const open = () => createReadStream(at);
      yield { path, ...propertiesOf(stats), type: "file", sizeBytes, open };
    } else {
      const reason = strangeness(stats);
      throw new DrError("ARCHIVE_ENTRY_REFUSED", { path, reason });
    }
  }
}

/** What a file or a folder is in an archive. */
export function propertiesOf({ mode, mtime }: BigIntStats): {
  readonly mode: number;
  readonly modifiedAt: Date;
} {
  return { mode: Number(mode) & 0o7777, modifiedAt: mtime };
}

export function ownerOf({ uid, gid }: BigIntStats): Owner {
  return { uid: Number(uid), gid: Number(gid) };
}

/** Why something found is in no archive. */
export function strangeness(stats: BigIntStats | undefined): string {
  return stats === undefined
    ? "its name isn't UTF-8"
    : "it is neither a file nor a folder nor a link";
}
