import { createWriteStream } from "node:fs";
import { chmod, mkdir, symlink, utimes } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { extract, type Header } from "tar-stream";

import { DrError, messageOf } from "../core/errors.js";
import { writing } from "../core/writing.js";

export interface UnpackLimits {
  /** Of all files together; an archive that holds more is refused. */
  readonly sizeBytes: number;
  readonly entries: number;
}

type Entry = AsyncIterable<unknown> & { readonly header: Header };

const WRITABLE = 0o700;
const PERMISSIONS = 0o777;

/**
 * Unpacks a tar into an empty folder. What leads out of it is refused, and so
 * is what is neither a file nor a folder nor a link; then the folder holds a
 * part, and is to be thrown away.
 *
 * @throws {DrError} ARCHIVE_ENTRY_REFUSED, ARCHIVE_BROKEN, NOT_WRITABLE, and
 * what the archive's stream fails with.
 */
export async function unpackArchive(
  archive: Readable,
  folder: string,
  limits: UnpackLimits,
): Promise<void> {
  const entries = extract();
  // Another make of stream, which does what Node's do.
  const fed = pipeline(archive, entries as unknown as NodeJS.WritableStream);
  fed.catch(() => undefined); // it may fail before it is waited for
  try {
    await unpackAll(entries, folder, limits);
    await fed;
  } catch (error) {
    archive.destroy();
    await fed.catch(() => undefined);
    throw broken(error);
  }
}

function broken(error: unknown): DrError {
  return error instanceof DrError
    ? error
    : new DrError(
        "ARCHIVE_BROKEN",
        { reason: messageOf(error) },
        { cause: error },
      );
}

/** So that what can't be read isn't taken for what can't be written. */
async function* bytesOf(entry: Entry): AsyncGenerator {
  try {
    yield* entry;
  } catch (error) {
    throw broken(error);
  }
}

async function unpackAll(
  entries: AsyncIterable<Entry>,
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
  entry: Entry,
  folder: string,
  path: string,
  later: Later,
): Promise<void> {
  const { type, linkname, mtime } = entry.header;
  const at = join(folder, path);
  const mode = entry.header.mode & PERMISSIONS;
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
  const path = posix.normalize(name.replace(/\/+$/, ""));
  const leadsOut =
    name.startsWith("/") ||
    path === ".." ||
    path.startsWith("../") ||
    /^[A-Za-z]:/.test(name);
  if (leadsOut || path === "." || path === "" || /[\0\\]/.test(name)) {
    throw refused(name, "its path leads out of the archive");
  }
  return path;
}

/**
 * A link may point to whatever is in the archive, also if it isn't there. It
 * goes up only at its start, where its path has real folders: `a/..` leads
 * elsewhere when `a` is a link.
 */
function requireTarget(path: string, target: string): string {
  const resolved = posix.normalize(posix.join(posix.dirname(path), target));
  const leadsOut = resolved === ".." || resolved.startsWith("../");
  const isStrange = target === "" || /^\/|[\0\\]/.test(target);
  if (leadsOut || isStrange || goesUpLater(target)) {
    throw refused(path, `it is a link to ${target}, out of the archive`);
  }
  return target;
}

function goesUpLater(target: string): boolean {
  const parts = target.split("/").filter((part) => !["", "."].includes(part));
  const down = parts.findIndex((part) => part !== "..");
  return down >= 0 && parts.slice(down).includes("..");
}

function refused(path: string, reason: string): DrError {
  return new DrError("ARCHIVE_ENTRY_REFUSED", { path, reason });
}
