import * as OxAddress from "ox/Address";

import type { BlockReader } from "../chain/block-reader.js";
import { ZERO_ADDRESS, type Address } from "../core/hex.js";

const ADMIN_OF = "function adminOf(address proxy) view returns (address)";

/**
 * Who may upgrade a proxy through the factory that made it, and that alone
 * can: Solady's ERC1967Factory keeps the admins of all its proxies.
 *
 * @returns undefined when the address is no such factory, or not this proxy's.
 */
export async function readFactoryAdmin(
  reader: BlockReader,
  factory: Address,
  proxy: Address,
): Promise<Address | undefined> {
  const admin = await reader.call(factory, ADMIN_OF, [proxy]);
  return typeof admin === "string" && admin !== ZERO_ADDRESS
    ? OxAddress.checksum(admin)
    : undefined;
}
