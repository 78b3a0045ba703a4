import * as Hash from "ox/Hash";
import * as OxHex from "ox/Hex";

import type { BlockReader } from "../chain/block-reader.js";
import type { Address, Hex } from "../core/hex.js";

const DEFAULT_ADMIN_ROLE = "DEFAULT_ADMIN_ROLE";

/** Common names of the constants that hold a role's id. */
const NAMES = [
  "PAUSER_ROLE",
  "UNPAUSER_ROLE",
  "PAUSE_ROLE",
  "PAUSE_MANAGER_ROLE",
  "PAUSE_GUARDIAN_ROLE",
  "EMERGENCY_ROLE",
  "EMERGENCY_ADMIN_ROLE",
  "GUARDIAN_ROLE",
  "UPGRADER_ROLE",
  "UPGRADE_ROLE",
  "UPGRADE_MANAGER_ROLE",
  "OPERATOR_ROLE",
  "MANAGER_ROLE",
  "ADMIN_ROLE",
  "GOVERNOR_ROLE",
  "GOVERNANCE_ROLE",
  "MINTER_ROLE",
];

/** By id; mostly that is the hash of the name. */
const NAME_BY_ID: ReadonlyMap<string, string> = new Map([
  [`0x${"0".repeat(64)}`, DEFAULT_ADMIN_ROLE],
  ...NAMES.map((name): [string, string] => [
    Hash.keccak256(OxHex.fromString(name)),
    name,
  ]),
]);

/**
 * What people call a role: by its well-known id, or by the contract's own
 * constant; undefined when neither tells.
 */
export async function readRoleName(
  reader: BlockReader,
  contract: Address,
  role: Hex,
): Promise<string | undefined> {
  const known = NAME_BY_ID.get(role);
  if (known !== undefined) {
    return known;
  }
  const ids = await Promise.all(
    NAMES.map(
      async (name) =>
        await reader.call(
          contract,
          `function ${name}() view returns (bytes32)`,
        ),
    ),
  );
  return NAMES[ids.indexOf(role)];
}
