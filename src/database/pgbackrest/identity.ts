import { stat } from "node:fs/promises";
import { dirname } from "node:path";

import { DrError } from "../../core/errors.js";
import { ifThere } from "../../core/if-there.js";

/** As whom programs run: a server refuses root, and reads only what is its own. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Whose data folder it is; where it is lost, whose the folder around it is.
 *
 * @throws {DrError} PGBACKREST_FOREIGN when this process may not act for them.
 */
export async function identityOf(dataFolder: string): Promise<Identity> {
  const { uid, gid } =
    (await ifThere(stat(dataFolder))) ?? (await stat(dirname(dataFolder)));
  const me = process.geteuid?.() ?? uid;
  if (me !== 0 && me !== uid) {
    throw new DrError("PGBACKREST_FOREIGN", { folder: dataFolder, uid, me });
  }
  return { uid, gid };
}

/** What `spawn` needs to be told: nothing where this process is it already. */
export function asSpawned({ uid, gid }: Identity): Partial<Identity> {
  return process.geteuid?.() === uid ? {} : { uid, gid };
}
