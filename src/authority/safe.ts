import type { BlockReader } from "../chain/block-reader.js";
import type { Address } from "../core/hex.js";
import { probeSafe } from "../safe/safe-state.js";
import type { SafeAuthority } from "./authority.js";

/** @returns undefined when the address is no Safe. */
export async function readSafe(
  reader: BlockReader,
  address: Address,
): Promise<SafeAuthority<Address> | undefined> {
  const safe = await probeSafe(reader, address);
  return safe === undefined ? undefined : { kind: "safe", address, ...safe };
}
