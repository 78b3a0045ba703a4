import { createWriteStream } from "node:fs";
import {
  access,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  rm,
} from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { Measure, measuring, requireExtent } from "../../artifact/measure.js";
import type { FsTarget } from "../../config/types.js";
import { syncFolder } from "../../core/atomic-write.js";
import { DrError, hasCode, isDrError, messageOf } from "../../core/errors.js";
import { ifThere } from "../../core/if-there.js";
import { removeAbandoned, temporaryBeside } from "../../core/temporary-file.js";
import type {
  ByteRange,
  ObjectPage,
  PutOptions,
  Source,
  Storage,
  StoredObject,
} from "../storage.js";

const PAGE = 1000;

/**
 * Objects as files in a folder: another disk, a share. The folder must be
 * there: where its disk isn't mounted nothing is written in its place.
 */
export class FsStorage implements Storage {
  readonly address: string;
  readonly capabilities = { confirms: false, resumes: false, locks: false };
  readonly #directory: string;
  readonly #folder: string;
  readonly #pageSize: number;

  constructor(
    { directory, prefix }: Pick<FsTarget, "directory" | "prefix">,
    { pageSize = PAGE }: { readonly pageSize?: number } = {},
  ) {
    this.#directory = directory;
    this.#folder = join(directory, prefix);
    this.address = this.#folder;
    this.#pageSize = pageSize;
  }

  async listPage(prefix: string, from = ""): Promise<ObjectPage> {
    return await this.#do("list", "", async () => {
      const names = await filesBelow(this.#folder);
      const keys = names
        .filter((key) => key.startsWith(prefix) && key > from)
        .toSorted();
      const page = keys.slice(0, this.#pageSize);
      const found = await Promise.all(page.map((key) => this.#look(key)));
      const next = keys.length > page.length ? page.at(-1) : undefined;
      return {
        objects: found.filter((one) => one !== undefined),
        ...(next === undefined ? {} : { next }),
      };
    });
  }

  async stat(key: string): Promise<StoredObject | undefined> {
    return await this.#do("stat", key, async () => await this.#look(key));
  }

  async put(
    key: string,
    source: Source,
    { onProgress, signal }: PutOptions = {},
  ): Promise<void> {
    const path = this.#path(key);
    await this.#do("put", key, async () => {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await removeAbandoned(dirname(path));
      const temporary = temporaryBeside(path);
      const measure = new Measure();
      try {
        await pipeline(
          await measuring(measure, onProgress)(source.open()),
          createWriteStream(temporary, {
            flags: "wx",
            mode: 0o600,
            flush: true,
          }),
          signal === undefined ? {} : { signal },
        );
        requireExtent(key, source, measure.extent());
        // Unlike a rename it fails when there is one.
        await link(temporary, path);
      } catch (error) {
        signal?.throwIfAborted();
        throw error;
      } finally {
        await rm(temporary, { force: true });
      }
      await syncFolder(dirname(path));
    });
  }

  async get(key: string, range?: ByteRange): Promise<Readable> {
    return await this.#do("get", key, async () => {
      const handle = await open(this.#path(key));
      const bytes = handle.createReadStream(
        range === undefined ? {} : { start: range.start, end: range.end - 1 },
      );
      return Readable.from(this.#explained(key, bytes), { objectMode: false });
    });
  }

  async *#explained(key: string, bytes: Readable): AsyncGenerator {
    try {
      yield* bytes;
    } catch (error) {
      throw this.#explain("get", key, error);
    }
  }

  async delete(key: string): Promise<void> {
    await this.#do("delete", key, async () => {
      await rm(this.#path(key), { force: true });
    });
  }

  async #look(key: string): Promise<StoredObject | undefined> {
    const found = await ifThere(lstat(this.#path(key)));
    return found?.isFile() === true
      ? { key, sizeBytes: found.size, modifiedAt: found.mtime }
      : undefined;
  }

  #path(key: string): string {
    return join(this.#folder, key);
  }

  async #do<T>(
    operation: string,
    key: string,
    work: () => Promise<T>,
  ): Promise<T> {
    try {
      await this.#requireDirectory(operation);
      return await work();
    } catch (error) {
      throw this.#explain(operation, key, error);
    }
  }

  async #requireDirectory(operation: string): Promise<void> {
    try {
      await access(this.#directory);
    } catch (error) {
      if (!hasCode(error, "ENOENT", "ENOTDIR")) {
        throw error;
      }
      const reason = "there is no such folder: mount its disk, or make it";
      const { address: storage } = this;
      throw new DrError("OFFSITE_FAILED", { storage, operation, reason });
    }
  }

  #explain(operation: string, key: string, error: unknown): Error {
    if (isDrError(error)) {
      return error;
    }
    const { address: storage } = this;
    const [reason, options] = [messageOf(error), { cause: error }];
    if (hasCode(error, "EEXIST")) {
      return new DrError("OFFSITE_EXISTS", { storage, key }, options);
    }
    if (hasCode(error, "ENOENT")) {
      return new DrError("OFFSITE_MISSING", { storage, key }, options);
    }
    if (hasCode(error, "ENOSPC", "EDQUOT")) {
      return new DrError("OFFSITE_FULL", { storage, reason }, options);
    }
    if (hasCode(error, "EACCES", "EPERM", "EROFS")) {
      const way =
        "Give the user who runs this the right to write there, or name another folder.";
      const values = { storage, operation, reason, way };
      return new DrError("OFFSITE_DENIED", values, options);
    }
    const isGone = hasCode(error, "EIO", "ESTALE", "ETIMEDOUT", "EHOSTDOWN");
    return new DrError(
      isGone ? "OFFSITE_UNREACHABLE" : "OFFSITE_FAILED",
      { storage, operation, reason },
      options,
    );
  }
}

/** Paths of all files below a folder, with `/`; none where there is no folder yet. */
async function filesBelow(folder: string): Promise<string[]> {
  const options = { recursive: true, withFileTypes: true } as const;
  const entries = (await ifThere(readdir(folder, options))) ?? [];
  return entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith("."))
    .map(({ parentPath, name }) =>
      relative(folder, join(parentPath, name)).replaceAll("\\", "/"),
    );
}
