import type { Clock } from "../../core/clock.js";
import { writing } from "../../core/writing.js";
import type { Access } from "../access.js";
import {
  recoverRows,
  type Recovery,
  type RecoveryPorts,
  type RecoveryRequest,
} from "../recover/recover.js";
import { copyDatabase, requireUnchanged, syncDatabase } from "./folder.js";
import type { Location } from "./location.js";
import { withOpen } from "./open.js";
import { requireThere } from "./backup.js";
import { whileClaimed, withScratch } from "./scratch.js";
import { nameFree, swapFolders } from "./swap.js";

/**
 * Brings rows back in a copy of the database, and puts that in its place; what
 * was there is kept under another name. Nobody may use the database meanwhile:
 * if anybody did, all is left as it is.
 *
 * @throws {DrError} DATABASE_MISSING, DATABASE_FOLDER_IN_USE,
 * DATABASE_FOLDER_CHANGED, RUN_LOCKED, and those of `recoverRows`.
 */
export async function recoverInFolder(
  location: Location,
  old: Access,
  request: RecoveryRequest,
  ports: RecoveryPorts,
  clock: Clock,
): Promise<Recovery> {
  const { live } = location;
  return await whileClaimed(location, clock, async () => {
    await requireThere(live);
    return await withScratch(location, async (copy) => {
      const stamp = await copyDatabase(live, copy);
      const recovery = await withOpen(
        copy,
        live,
        async ({ access }) => await recoverRows(old, access, request, ports),
      );
      if (recovery.isWritten) {
        await writing(copy, async () => {
          await syncDatabase(copy);
        });
        await requireUnchanged(live, stamp);
        const aside = await nameFree(location, "before", clock.now());
        await swapFolders(location, { incoming: copy, aside });
      }
      return recovery;
    });
  });
}
