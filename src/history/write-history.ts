import { writeAtomically } from "../core/atomic-write.js";
import { DrError } from "../core/errors.js";
import { readIfThere } from "../core/if-there.js";
import { writing } from "../core/writing.js";
import {
  assembleParts,
  updateDocument,
  type DocumentPart,
} from "../incident/document.js";

export type HistoryStatus = "created" | "updated" | "unchanged";

/**
 * Writes the history of exercises, or brings it up to date. What a person has
 * written around it stays.
 *
 * @throws {DrError} HISTORY_EDITED, NOT_WRITABLE.
 */
export async function writeHistory(
  file: string,
  parts: readonly DocumentPart[],
): Promise<HistoryStatus> {
  return await writing(file, async () => {
    const before = await readIfThere(file);
    const text =
      before === undefined
        ? assembleParts(parts)
        : updateDocument(before, parts);
    if (text === undefined) {
      throw new DrError("HISTORY_EDITED", { file });
    }
    if (text === before) {
      return "unchanged";
    }
    await writeAtomically(file, text, {
      beforeRename: async () => {
        if ((await readIfThere(file)) !== before) {
          const reason = "somebody else wrote it meanwhile";
          throw new DrError("NOT_WRITABLE", { path: file, reason });
        }
      },
    });
    return before === undefined ? "created" : "updated";
  });
}
