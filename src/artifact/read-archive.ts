import { Writable, type Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";

import { extract, type Header } from "tar-stream";

import { DrError, messageOf } from "../core/errors.js";

export type TarEntry = AsyncIterable<unknown> & { readonly header: Header };

/**
 * One file of a tar; all of the tar is read, and with it whatever its stream
 * proves at its end.
 *
 * @returns undefined when there is no such file.
 * @throws {DrError} ARCHIVE_ENTRY_REFUSED when it is larger than that,
 * ARCHIVE_BROKEN, and what the archive's stream fails with.
 */
export async function readArchived(
  archive: Readable,
  path: string,
  maxBytes: number,
): Promise<Buffer | undefined> {
  let found: Buffer | undefined;
  await withEntries(archive, async (entries) => {
    for await (const entry of entries) {
      const { name, type, size } = entry.header;
      if (name !== path || type !== "file") {
        await skip(entry);
        continue;
      }
      if (size > maxBytes) {
        throw refused(name, "the archive holds more than it should");
      }
      found = await buffer(bytesOf(entry) as AsyncIterable<Buffer>);
    }
  });
  return found;
}

/** There is no next one before an entry's bytes are through. */
export async function skip(entry: TarEntry): Promise<void> {
  const nowhere = new Writable({
    write: (_chunk, _encoding, done) => {
      done();
    },
  });
  await pipeline(bytesOf(entry), nowhere);
}

export async function withEntries(
  archive: Readable,
  read: (entries: AsyncIterable<TarEntry>) => Promise<void>,
): Promise<void> {
  const entries = extract();
  // Another make of stream, which does what Node's do.
  const fed = pipeline(archive, entries as unknown as NodeJS.WritableStream);
  fed.catch(() => undefined); // it may fail before it is waited for
  try {
    await read(entries);
    await fed;
  } catch (error) {
    archive.destroy();
    await fed.catch(() => undefined);
    throw broken(error);
  }
}

export function broken(error: unknown): DrError {
  return error instanceof DrError
    ? error
    : new DrError(
        "ARCHIVE_BROKEN",
        { reason: messageOf(error) },
        { cause: error },
      );
}

/** So that what can't be read isn't taken for what can't be written. */
export async function* bytesOf(entry: TarEntry): AsyncGenerator {
  try {
    yield* entry;
  } catch (error) {
    throw broken(error);
  }
}

export function refused(path: string, reason: string): DrError {
  return new DrError("ARCHIVE_ENTRY_REFUSED", { path, reason });
}
