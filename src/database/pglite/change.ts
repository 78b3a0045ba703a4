import type { Clock } from "../../core/clock.js";
import { writing } from "../../core/writing.js";
import { requireThere } from "./copy.js";
import { copyDatabase, requireUnchanged, syncDatabase } from "./folder.js";
import type { Location } from "./location.js";
import { whileClaimed, withScratch } from "./scratch.js";
import { nameFree, swapFolders } from "./swap.js";

/**
 * Changes a copy of the database, and puts that in its place; what was there is
 * kept under another name. Nobody may use the database meanwhile: if anybody
 * did, all is left as it is.
 *
 * @param change - Gets the copy, open nowhere, and what it was when it was
 * made; leaves it closed.
 * @returns what came of it; where it was changed also what was there is called now.
 * @throws {DrError} DATABASE_MISSING, DATABASE_FOLDER_IN_USE,
 * DATABASE_FOLDER_CHANGED, RUN_LOCKED, NOT_WRITABLE, and what the change throws.
 */
export async function changeCopy<T extends object>(
  location: Location,
  clock: Clock,
  change: (
    copy: string,
    stamp: string,
  ) => Promise<{ readonly result: T; readonly isChanged: boolean }>,
): Promise<T & { readonly aside?: string }> {
  const { live } = location;
  return await whileClaimed(location, clock, async () => {
    await requireThere(live);
    return await withScratch(location, async (copy) => {
      const stamp = await copyDatabase(live, copy);
      const { result, isChanged } = await change(copy, stamp);
      if (!isChanged) {
        return result;
      }
      await writing(copy, async () => {
        await syncDatabase(copy);
      });
      await requireUnchanged(live, stamp);
      const aside = await nameFree(location, "before", clock.now());
      await swapFolders(location, { incoming: copy, aside });
      return { ...result, aside };
    });
  });
}
