import { randomBytes } from "node:crypto";
import { join } from "node:path";

import { writeAtomically } from "../core/atomic-write.js";
import { DrError } from "../core/errors.js";
import { readIfThere } from "../core/if-there.js";
import { writing } from "../core/writing.js";

/**
 * What a drill writes on all that it makes. Nothing is broken that doesn't
 * bear it at that very moment: so what is real can't be taken for a copy.
 */
export interface Mark {
  readonly drillId: string;
  /** 32 bytes, hexadecimal; no other drill has the same. */
  readonly token: string;
}

export function createMark(drillId: string): Mark {
  return { drillId, token: randomBytes(32).toString("hex") };
}

/** As the comment of a database, and in a folder's file. */
export function formatMark({ drillId, token }: Mark): string {
  return `hardhat-dr drill ${drillId} ${token}`;
}

/** In each folder that a drill may break or remove. */
const MARK_FILE = ".hardhat-dr-drill";

/** @throws {DrError} NOT_WRITABLE. */
export async function markFolder(folder: string, mark: Mark): Promise<void> {
  const file = join(folder, MARK_FILE);
  await writing(file, async () => {
    await writeAtomically(file, `${formatMark(mark)}\n`);
  });
}

/** Whether a drill made the folder: this one. */
export async function isMarkedFolder(
  folder: string,
  mark: Mark,
): Promise<boolean> {
  const text = await readIfThere(join(folder, MARK_FILE));
  return text?.trim() === formatMark(mark);
}

/** @throws {DrError} DRILL_NOT_ITS_OWN. */
export async function requireMarkedFolder(
  folder: string,
  mark: Mark,
): Promise<void> {
  if (!(await isMarkedFolder(folder, mark))) {
    throw notItsOwn(folder);
  }
}

/** @param what - Bears no mark of this drill, or another's. */
export function notItsOwn(what: string): DrError {
  return new DrError("DRILL_NOT_ITS_OWN", { what });
}
