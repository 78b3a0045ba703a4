import { stat } from "node:fs/promises";

import type { DrConfig } from "../../src/config/types.js";
import { ifThere } from "../../src/core/if-there.js";
import { formatHistoryMarkdown } from "../../src/display/history.js";
import { readHistory } from "../../src/history/exercises.js";
import { writeHistory } from "../../src/history/write-history.js";
import { tellError } from "./keep-report.js";

/**
 * Brings the document of exercises up to date where there is one. An exercise
 * stands without it: what goes wrong here is told and nothing more.
 */
export async function refreshExercises(config: DrConfig): Promise<void> {
  const file = config.paths.exercises;
  try {
    if ((await ifThere(stat(file))) !== undefined) {
      const history = await readHistory(config);
      await writeHistory(file, formatHistoryMarkdown(history));
    }
  } catch (error) {
    tellError(error);
  }
}
