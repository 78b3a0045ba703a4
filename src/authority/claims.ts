import * as OxAddress from "ox/Address";

import type { BlockReader } from "../chain/block-reader.js";
import { ZERO_ADDRESS, type Address, type Hex } from "../core/hex.js";
import type { Mechanism } from "./authority.js";
import { readHasRole } from "./role-members.js";

/** Beside `owner`; the more specific, the earlier. */
const OTHER_GETTERS = [
  "pauser",
  "guardian",
  "governor",
  "admin",
  "getOwner",
] as const;
const SUPPORTS_INTERFACE =
  "function supportsInterface(bytes4 interfaceId) view returns (bool)";
const ACCESS_CONTROL_ENUMERABLE: Hex = "0x5a05180f";
const DEFAULT_ADMIN_ROLE: Hex = `0x${"0".repeat(64)}`;

/** An address that may be the one who may, and why. */
export interface Candidate {
  readonly address: Address;
  readonly mechanism: Mechanism;
}

/** What a contract says on its own account; nothing of it is proven. */
export interface Claims {
  readonly owner: Candidate | undefined;
  /** An AccessManager, if the contract is AccessManaged. */
  readonly manager: Address | undefined;
  /** Whether it lists the members of its roles itself. */
  readonly listsMembers: boolean;
}

/** Asks for the common forms of access control, all at once. */
export async function readClaims(
  reader: BlockReader,
  to: Address,
): Promise<Claims> {
  const [owner, pendingOwner, manager, listsMembers] = await Promise.all([
    readAddress(reader, to, getterOf("owner")),
    readAddress(reader, to, getterOf("pendingOwner")),
    readAddress(reader, to, getterOf("authority")),
    reader.call(to, SUPPORTS_INTERFACE, [ACCESS_CONTROL_ENUMERABLE]),
  ]);
  const isPending = pendingOwner !== undefined && pendingOwner !== ZERO_ADDRESS;
  const mechanism: Mechanism = {
    kind: "owner",
    getter: "owner",
    ...(isPending ? { pendingOwner } : {}),
  };
  return {
    owner: owner === undefined ? undefined : { address: owner, mechanism },
    manager,
    listsMembers: listsMembers === true,
  };
}

/** Those whom a contract names by getters that few have. */
export async function readOtherOwners(
  reader: BlockReader,
  to: Address,
): Promise<readonly Candidate[]> {
  const addresses = await Promise.all(
    OTHER_GETTERS.map(
      async (getter) => await readAddress(reader, to, getterOf(getter)),
    ),
  );
  return OTHER_GETTERS.flatMap((getter, index): Candidate[] => {
    const address = addresses[index];
    return address === undefined
      ? []
      : [{ address, mechanism: { kind: "owner", getter } }];
  });
}

/** Whether a contract has roles as AccessControl has them. */
export async function hasRoles(
  reader: BlockReader,
  to: Address,
): Promise<boolean> {
  const answer = await readHasRole(
    reader,
    to,
    DEFAULT_ADMIN_ROLE,
    ZERO_ADDRESS,
  );
  return answer !== undefined;
}

function getterOf(name: string): string {
  return `function ${name}() view returns (address)`;
}

async function readAddress(
  reader: BlockReader,
  to: Address,
  signature: string,
): Promise<Address | undefined> {
  const answer = await reader.call(to, signature);
  return typeof answer === "string" ? OxAddress.checksum(answer) : undefined;
}
