import { createWriteStream } from "node:fs";
import { chmod, mkdir, symlink, utimes } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { writing } from "../core/writing.js";
import { isInside, isLinkInside, linkedOut } from "./inside.js";
import {
  bytesOf,
  refused,
  skip,
  withEntries,
  type TarEntry,
} from "./read-archive.js";

export interface UnpackLimits {
  /** Of all files together; an archive that holds more is refused. */
  readonly sizeBytes: number;
  readonly entries: number;
  /** Which of its entries are wanted, by their paths; default: all. */
  readonly isWanted?: (path: string) => boolean;
}

const WRITABLE = 0o700;
const PERMISSIONS = 0o777;
/** Of folders too whose their files shall be, and who may remove them. */
const FOLDER_PERMISSIONS = 0o3777;

/**
 * Unpacks a tar into a folder that has none of its files yet. What leads out
 * of it is refused, and so is what is neither a file nor a folder nor a link;
 * then the folder holds a part, and is to be thrown away.
 *
 * @throws {DrError} ARCHIVE_ENTRY_REFUSED, ARCHIVE_BROKEN, NOT_WRITABLE, and
 * what the archive's stream fails with.
 */
export async function unpackArchive(
  archive: Readable,
  folder: string,
  limits: UnpackLimits,
): Promise<void> {
  await withEntries(archive, async (entries) => {
    await unpackAll(entries, folder, limits);
  });
}

async function unpackAll(
  entries: AsyncIterable<TarEntry>,
  folder: string,
  limits: UnpackLimits,
): Promise<void> {
  const later: Later = { links: [], folders: [] };
  let [sizeBytes, count] = [0, 0];
  for await (const entry of entries) {
    const { header } = entry;
    count += 1;
    sizeBytes += header.size;
    if (count > limits.entries || sizeBytes > limits.sizeBytes) {
      throw refused(header.name, "the archive holds more than it should");
    }
    if (header.type === "directory" && /^\.?\/*$/.test(header.name)) {
      continue; // the folder itself, as tar writes it
    }
    const path = requireInside(header.name);
    if (limits.isWanted?.(path) === false) {
      await skip(entry);
      continue;
    }
    await writing(join(folder, path), async () => {
      await unpackEntry(entry, folder, path, later);
    });
  }
  for (const work of [...later.links, ...later.folders.toReversed()]) {
    await work();
  }
}

/** What is done at the end: nothing is written through a link, and folders stay writable until all is in them. */
interface Later {
  readonly links: (() => Promise<void>)[];
  readonly folders: (() => Promise<void>)[];
}

async function unpackEntry(
  entry: TarEntry,
  folder: string,
  path: string,
  later: Later,
): Promise<void> {
  const { type, linkname, mtime } = entry.header;
  const at = join(folder, path);
  const mode =
    entry.header.mode &
    (type === "directory" ? FOLDER_PERMISSIONS : PERMISSIONS);
  switch (type) {
    case "file": {
      await mkdir(dirname(at), { recursive: true, mode: WRITABLE });
      await pipeline(
        bytesOf(entry),
        createWriteStream(at, { flags: "wx", mode }),
      );
      await chmod(at, mode);
      await utimes(at, mtime, mtime);
      return;
    }
    case "directory": {
      await mkdir(at, { recursive: true, mode: WRITABLE });
      later.folders.push(async () => {
        await chmod(at, mode);
        await utimes(at, mtime, mtime);
      });
      return;
    }
    case "symlink": {
      const target = requireTarget(path, linkname);
      later.links.push(async () => {
        await mkdir(dirname(at), { recursive: true });
        await symlink(target, at);
      });
      return;
    }
    default:
      throw refused(path, `it is a ${type}`);
  }
}

/** @returns the path without a slash at its end. */
function requireInside(name: string): string {
  if (!isInside(name)) {
    throw refused(name, "its path leads out of the archive");
  }
  return posix.normalize(name.replace(/\/+$/, ""));
}

function requireTarget(path: string, target: string): string {
  if (!isLinkInside(path, target)) {
    throw refused(path, linkedOut(target));
  }
  return target;
}
