import { mkdir, rename, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Readable } from "node:stream";

import { drain } from "../../src/artifact/drain.js";
import { extractTo } from "../../src/artifact/extract.js";
import { openLegacyArtifact } from "../../src/artifact/legacy.js";
import { plainNameOf } from "../../src/artifact/name.js";
import { unpackArchive } from "../../src/artifact/unpack.js";
import { DrError } from "../../src/core/errors.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { removeTree } from "../../src/core/remove-tree.js";
import {
  removeAbandoned,
  temporaryBeside,
} from "../../src/core/temporary-file.js";
import { writing } from "../../src/core/writing.js";
import type { Output, TaskResult } from "./output.js";
import { withBar } from "./progress.js";
import type { Extraction } from "./restore-database.js";

/** Many times what compression makes of anything that isn't made to fill disks. */
const LARGEST_FACTOR = 1000;
const MOST_ENTRIES = 1_000_000;

/**
 * Unpacks what an old script made: a dump as a file, an archive as a folder.
 * Where its parts belong nobody has written down. The user has accepted that
 * nothing proves it.
 *
 * @throws {DrError} FILE_EXISTS, and those of `openLegacyArtifact`.
 */
export async function restoreOldScripts(
  path: string,
  { keys, dryRun, into }: Extraction,
  output: Output,
): Promise<TaskResult> {
  const name = basename(path);
  const place = join(into ?? dirname(path), plainNameOf(name));
  const isArchive = place.endsWith(".tar");
  const folder = place.replace(/\.tar$/, "");
  await withBar(
    {
      title: dryRun ? "Check" : "Unpack",
      work: async (meter) => {
        const accepted = { acceptUnauthenticated: true, meter };
        const stream = await openLegacyArtifact(path, keys, accepted);
        if (dryRun) {
          await drain(stream);
        } else if (isArchive) {
          await unpackBeside(folder, stream, (await stat(path)).size);
        } else {
          await extractTo(stream, place);
        }
      },
      tell: () => `${name} opens`,
    },
    output,
  );
  if (dryRun) {
    output.text(`${name} opens, to its end. Dry run: nothing is left.\n`);
    return { json: { status: "planned" }, exitCode: EXIT_CODES.done };
  }
  if (isArchive) {
    output.text(`${folder} holds what was in it.\n`);
    return { json: { status: "done", folder }, exitCode: EXIT_CODES.done };
  }
  output.text(`${place} is what was in it, readable by you alone.\n`);
  return { json: { status: "done", file: place }, exitCode: EXIT_CODES.done };
}

/** Under its own name when all of it is there, or not at all. */
async function unpackBeside(
  folder: string,
  archive: Readable,
  storedBytes: number,
): Promise<void> {
  const isThere = await stat(folder).then(
    () => true,
    () => false,
  );
  if (isThere) {
    throw new DrError("FILE_EXISTS", { path: folder });
  }
  const stage = temporaryBeside(folder);
  await writing(folder, async () => {
    await mkdir(dirname(folder), { recursive: true });
    await removeAbandoned(dirname(folder));
    await mkdir(stage, { mode: 0o700 });
  });
  try {
    await unpackArchive(archive, stage, {
      sizeBytes: storedBytes * LARGEST_FACTOR,
      entries: MOST_ENTRIES,
    });
    await writing(folder, async () => {
      await rename(stage, folder);
    });
  } finally {
    await removeTree(stage);
  }
}
