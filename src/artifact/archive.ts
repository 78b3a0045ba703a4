import { createReadStream } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { pack, type Pack } from "tar-stream";

import { DrError } from "../core/errors.js";

/** Something in an archive. Paths are relative, their parts separated by `/`. */
export type ArchiveEntry = {
  readonly path: string;
  readonly modifiedAt: Date;
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
    const { path, modifiedAt: mtime } = entry;
    const header = { name: path, mtime, ...NOBODY };
    switch (entry.type) {
      case "file": {
        const { mode, sizeBytes: size, open } = entry;
        const sink = archive.entry({ ...header, type: "file", mode, size });
        // Another make of stream, which does what Node's do.
        await pipeline(open(), sink as unknown as NodeJS.WritableStream);
        break;
      }
      case "directory":
        archive.entry({ ...header, type: "directory", mode: entry.mode });
        break;
      case "link":
        archive.entry({ ...header, type: "symlink", linkname: entry.target });
        break;
    }
  }
  archive.finalize();
}

/** Users and groups are numbers of one machine. */
const NOBODY = { uid: 0, gid: 0, uname: "", gname: "" };

/**
 * Everything in a folder, by name: files, links as they are, folders, empty
 * ones too.
 *
 * @throws {DrError} ARCHIVE_ENTRY_REFUSED for devices, sockets and pipes.
 */
export async function* listFolder(
  folder: string,
  path = "",
): AsyncGenerator<ArchiveEntry> {
  const names = await readdir(join(folder, path));
  for (const name of names.toSorted()) {
    const own = path === "" ? name : `${path}/${name}`;
    const at = join(folder, own);
    const found = await lstat(at);
    const entry = { path: own, modifiedAt: found.mtime };
    const mode = found.mode & 0o7777;
    if (found.isSymbolicLink()) {
      yield { ...entry, type: "link", target: await readlink(at) };
    } else if (found.isDirectory()) {
      yield { ...entry, type: "directory", mode };
      yield* listFolder(folder, own);
    } else if (found.isFile()) {
      const sizeBytes = found.size;
      const open = () => createReadStream(at);
      yield { ...entry, type: "file", mode, sizeBytes, open };
    } else {
      const reason = "it is neither a file nor a folder nor a link";
      throw new DrError("ARCHIVE_ENTRY_REFUSED", { path: own, reason });
    }
  }
}
