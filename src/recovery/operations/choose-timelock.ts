import * as OxAddress from "ox/Address";

import { DrError } from "../../core/errors.js";
import type { Address } from "../../core/hex.js";
import { readMinDelay } from "../../timelock/operation-state.js";
import type { World } from "../ports.js";
import { readGovernance } from "./governance.js";

/**
 * The timelock that is meant: the one named, else deploy.json's, else the only
 * one that stands over its contracts.
 *
 * @throws {DrError} NOT_A_TIMELOCK, TIMELOCK_NOT_NAMED.
 */
export async function chooseTimelock(
  world: World,
  named: Address | undefined,
): Promise<Address> {
  const wanted = named ?? world.document.file.governance?.timelock;
  if (wanted !== undefined) {
    await readMinDelay(world.reader, wanted);
    return OxAddress.checksum(wanted);
  }
  const { timelocks } = await readGovernance(world);
  const [only, ...others] = timelocks;
  if (only === undefined || others.length > 0) {
    throw new DrError("TIMELOCK_NOT_NAMED", {
      found: timelocks.join(", ") || "none",
    });
  }
  return only;
}
