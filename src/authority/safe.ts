import * as OxAddress from "ox/Address";

import type { BlockReader } from "../chain/block-reader.js";
import { ZERO_ADDRESS, type Address, type Hex } from "../core/hex.js";
import type { SafeAuthority } from "./authority.js";

const THRESHOLD = "function getThreshold() view returns (uint256)";
const OWNERS = "function getOwners() view returns (address[])";
const VERSION = "function VERSION() view returns (string)";

/** The same since Safe 1.0. @see safe-smart-account, libraries/SafeStorage.sol */
const OWNER_COUNT_SLOT: Hex = `0x${"3".padStart(64, "0")}`;
const THRESHOLD_SLOT: Hex = `0x${"4".padStart(64, "0")}`;

/**
 * A Safe, of any version from 1.0 on. What its functions say must be what a
 * Safe's storage says, so that nothing else with owners is taken for one.
 *
 * @returns undefined when the address is no Safe.
 */
export async function readSafe(
  reader: BlockReader,
  address: Address,
): Promise<SafeAuthority<Address> | undefined> {
  const [threshold, owners, version, storedThreshold, storedCount] =
    await Promise.all([
      reader.call(address, THRESHOLD),
      reader.call(address, OWNERS),
      reader.call(address, VERSION),
      reader.storage(address, THRESHOLD_SLOT),
      reader.storage(address, OWNER_COUNT_SLOT),
    ]);
  if (
    typeof threshold !== "bigint" ||
    typeof version !== "string" ||
    !Array.isArray(owners) ||
    threshold === 0n ||
    threshold > BigInt(owners.length) ||
    owners.includes(ZERO_ADDRESS) ||
    BigInt(storedThreshold) !== threshold ||
    BigInt(storedCount) !== BigInt(owners.length)
  ) {
    return undefined;
  }
  return {
    kind: "safe",
    address,
    version,
    threshold: Number(threshold),
    owners: owners.map((owner) => OxAddress.checksum(owner as Address)),
  };
}
