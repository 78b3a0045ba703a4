import type { Access } from "./access.js";
import { claimDatabase, withMaintenance } from "./maintenance.js";
import type { RestoredDatabase, RestoreOptions } from "./restore.js";
import { findOid } from "./scratch.js";
import {
  findAside,
  nameAside,
  requireSwapPossible,
  swapDatabases,
} from "./swap.js";

/**
 * Puts the database that was put aside last in the place of the live one,
 * which is put aside in its turn: undoing once more brings it back.
 *
 * @throws {DrError} DATABASE_NOTHING_TO_UNDO, DATABASE_BUSY, and those of `swapDatabases`.
 */
export async function undoRestore({
  access,
  clock,
  patienceMs,
}: Pick<
  RestoreOptions,
  "access" | "clock" | "patienceMs"
>): Promise<RestoredDatabase> {
  const live = access.database;
  return await withMaintenance(access, async (session) => {
    await claimDatabase(session, live);
    const incoming = await findAside(session, live);
    const isThere = (await findOid(session, live)) !== undefined;
    const aside = isThere
      ? { aside: await nameAside(session, live, clock.now()) }
      : {};
    await swapDatabases(
      session,
      { live, incoming, ...aside },
      patienceMs === undefined ? {} : { patienceMs },
    );
    return { database: live, ...aside };
  });
}

/** What {@link undoRestore} would bring back. @throws {DrError} DATABASE_NOTHING_TO_UNDO, DATABASE_SWAP_BLOCKED. */
export async function prepareUndo(access: Access): Promise<string> {
  return await withMaintenance(access, async (session) => {
    await requireSwapPossible(session, access.database);
    return await findAside(session, access.database);
  });
}
