import { mkdir, readdir, rename } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { drain } from "../../src/artifact/drain.js";
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
import { withBar } from "./progress.js";

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
  const name = basename(path);
  const file =
    dryRun || into === undefined ? undefined : join(into, plainNameOf(name));
  await withBar(
    {
      title: file === undefined ? "Check" : "Unpack",
      work: async (meter) => {
        const checked = await checkArtifact(path, keys, meter);
        const stream = await openArtifact(checked, keys, meter);
        await (file === undefined ? drain(stream) : extractTo(stream, file));
      },
      tell: () => `${name} is whole`,
    },
    output,
  );
  if (dryRun) {
    output.text(`${name} opens, to its last byte. Dry run: nothing is left.\n`);
    return { json: { status: "planned" }, exitCode: EXIT_CODES.done };
  }
  if (file !== undefined) {
    output.text(
      `${file} is the database's dump, readable by you alone. Delete it when it is loaded.\n`,
    );
    return { json: { status: "done", file }, exitCode: EXIT_CODES.done };
  }
  const adopted = await adopt(path, placeFolder(dr, "database"));
  output.text(
    `${adopted} is here, and opens to its last byte. To have the dump itself run it again with \`--into FOLDER\`.\n`,
  );
  return {
    json: { status: "done", file: adopted },
    exitCode: EXIT_CODES.done,
  };
}

/**
 * Puts a downloaded backup where this machine's own lie, with what is beside
 * it: an old script's may have nothing. The manifest last: it isn't there
 * before that is.
 */
export async function adopt(path: string, folder: string): Promise<string> {
  const name = basename(path);
  const there = await readdir(dirname(path));
  const files = ["", CHECKSUM_SUFFIX, MANIFEST_SUFFIX].map(
    (suffix) => `${name}${suffix}`,
  );
  await writing(folder, async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const file of files.filter((one) => there.includes(one))) {
      await rename(join(dirname(path), file), join(folder, file));
    }
    await syncFolder(folder);
  });
  return join(folder, name);
}
