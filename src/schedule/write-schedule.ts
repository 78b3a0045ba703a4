import { join } from "node:path";

import { writeAtomically } from "../core/atomic-write.js";
import { DrError } from "../core/errors.js";
import { readIfThere } from "../core/if-there.js";
import { writing } from "../core/writing.js";
import type { ScheduleFile } from "./context.js";

/** A file of a schedule, and what is in its place. */
export interface PlannedFile extends ScheduleFile {
  /** Absolute. */
  readonly file: string;
  readonly status: "new" | "same" | "differs";
  /** What is there now, where it differs. */
  readonly present?: string;
}

/** Looks what of a schedule is there already. */
export async function planSchedule(
  files: readonly ScheduleFile[],
  folder: string,
): Promise<readonly PlannedFile[]> {
  return await Promise.all(
    files.map(async ({ path, text }): Promise<PlannedFile> => {
      const file = join(folder, path);
      const present = await readIfThere(file);
      if (present === undefined) {
        return { path, text, file, status: "new" };
      }
      return present === text
        ? { path, text, file, status: "same" }
        : { path, text, file, status: "differs", present };
    }),
  );
}

/**
 * Writes a schedule: each file whole or not at all.
 *
 * @param force - Also in the place of files that say something else.
 * @throws {DrError} SCHEDULE_DIFFERS before anything is written, NOT_WRITABLE.
 */
export async function writeSchedule(
  planned: readonly PlannedFile[],
  force: boolean,
): Promise<void> {
  const differing = planned.filter(({ status }) => status === "differs");
  if (differing.length > 0 && !force) {
    const files = differing.map(({ file }) => file).join(", ");
    throw new DrError("SCHEDULE_DIFFERS", { files });
  }
  for (const { file, text } of planned.filter(
    ({ status }) => status !== "same",
  )) {
    await writing(file, async () => {
      await writeAtomically(file, text);
    });
  }
}
