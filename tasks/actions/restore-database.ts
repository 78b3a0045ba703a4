import { mkdir, rename } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";

import { extractTo } from "../../src/artifact/extract.js";
import {
  CHECKSUM_SUFFIX,
  MANIFEST_SUFFIX,
  plainNameOf,
} from "../../src/artifact/name.js";
import {
  checkArtifact,
  openArtifact,
  type ArtifactKeys,
} from "../../src/artifact/read-artifact.js";
import { placeFolder } from "../../src/backup/folder.js";
import type { DrConfig } from "../../src/config/types.js";
import { syncFolder } from "../../src/core/atomic-write.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { writing } from "../../src/core/writing.js";
import type { Output, TaskResult } from "./output.js";

export interface Extraction {
  readonly keys: ArtifactKeys;
  /** Proves it, and leaves nothing. */
  readonly dryRun: boolean;
  /** Where to, in the clear; absolute. */
  readonly into: string | undefined;
}

/**
 * Proves a database's backup to its last byte, then unpacks it into a folder,
 * or puts it, as it is, where this machine's own backups lie.
 */
export async function restoreDatabase(
  path: string,
  { keys, dryRun, into }: Extraction,
  dr: DrConfig,
  output: Output,
): Promise<TaskResult> {
  const stream = await openArtifact(await checkArtifact(path, keys), keys);
  const name = basename(path);
  if (dryRun) {
    await drain(stream);
    output.text(`${name} opens, to its last byte. Dry run: nothing is left.\n`);
    return { json: { status: "planned" }, exitCode: EXIT_CODES.done };
  }
  if (into !== undefined) {
    const file = join(into, plainNameOf(name));
    await extractTo(stream, file);
    output.text(
      `${file} is the database's dump, readable by you alone. Delete it when it is loaded.\n`,
    );
    return { json: { status: "done", file }, exitCode: EXIT_CODES.done };
  }
  await drain(stream);
  const file = await adopt(path, placeFolder(dr, "database"));
  output.text(
    `${file} is here, and opens to its last byte. To have the dump itself run it again with \`--into FOLDER\`.\n`,
  );
  return { json: { status: "done", file }, exitCode: EXIT_CODES.done };
}

/** Reads it to its end, where it fails unless all of it came through. */
export async function drain(stream: Readable): Promise<void> {
  stream.resume();
  await finished(stream);
}

/** The manifest last: it isn't there before that is. */
async function adopt(path: string, folder: string): Promise<string> {
  const name = basename(path);
  await writing(folder, async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const suffix of ["", CHECKSUM_SUFFIX, MANIFEST_SUFFIX]) {
      await rename(
        join(dirname(path), `${name}${suffix}`),
        join(folder, `${name}${suffix}`),
      );
    }
    await syncFolder(folder);
  });
  return join(folder, name);
}
