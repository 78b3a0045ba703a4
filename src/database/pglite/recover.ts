import type { Clock } from "../../core/clock.js";
import type { Access } from "../access.js";
import {
  recoverRows,
  type Recovery,
  type RecoveryPorts,
  type RecoveryRequest,
} from "../recover/recover.js";
import type { Location } from "./location.js";
import { withOpen } from "./open.js";
import { changeCopy } from "./change.js";

/**
 * Brings rows back in a copy of the database, and puts that in its place; what
 * was there is kept under another name.
 *
 * @throws {DrError} those of `changeCopy` and `recoverRows`.
 */
export async function recoverInFolder(
  location: Location,
  old: Access,
  request: RecoveryRequest,
  ports: RecoveryPorts,
  clock: Clock,
): Promise<Recovery> {
  return await changeCopy(location, clock, async (copy) => {
    const result = await withOpen(
      copy,
      location.live,
      async ({ access }) => await recoverRows(old, access, request, ports),
    );
    return { result, isChanged: result.isWritten };
  });
}
