import * as OxAddress from "ox/Address";

import type { BlockReader } from "../chain/block-reader.js";
import type { Address, Hex } from "../core/hex.js";
import type { RoleLog } from "./role-log.js";

const HAS_ROLE =
  "function hasRole(bytes32 role, address account) view returns (bool)";
const MEMBERS =
  "function getRoleMembers(bytes32 role) view returns (address[])";
const MEMBER_COUNT =
  "function getRoleMemberCount(bytes32 role) view returns (uint256)";
const MEMBER =
  "function getRoleMember(bytes32 role, uint256 index) view returns (address)";

/** A count beyond this is no count of people who can act. */
const MOST_MEMBERS = 1000n;

/** What it takes to find the members of roles. */
export interface RoleReader {
  readonly reader: BlockReader;
  readonly roleLog: RoleLog;
  /** Begins to read an account that will be followed, if it is confirmed. */
  readonly readAhead: (account: Address) => void;
}

/** `hasRole`; undefined when the contract isn't an AccessControl. */
export async function readHasRole(
  reader: BlockReader,
  contract: Address,
  role: Hex,
  account: Address,
): Promise<boolean | undefined> {
  const answer = await reader.call(contract, HAS_ROLE, [role, account]);
  return typeof answer === "boolean" ? answer : undefined;
}

/**
 * Who holds a role of an AccessControl contract: by its events, confirmed by
 * `hasRole`.
 *
 * @returns undefined when the node's logs don't tell.
 */
export async function readLoggedMembers(
  { reader, roleLog, readAhead }: RoleReader,
  contract: Address,
  role: Hex,
): Promise<readonly Address[] | undefined> {
  const { grants, isKept } = await roleLog.read(contract);
  if (!isKept) {
    return undefined;
  }
  const accounts = grants
    .filter((grant) => grant.role === role)
    .map(({ account }) => account);
  accounts.forEach(readAhead);
  const holds = await Promise.all(
    accounts.map(
      async (account) => await readHasRole(reader, contract, role, account),
    ),
  );
  return accounts.filter((_, index) => holds[index] === true);
}

/**
 * Who holds a role of an AccessControlEnumerable contract, by its own list.
 *
 * @returns undefined when it keeps none.
 */
export async function readListedMembers(
  reader: BlockReader,
  contract: Address,
  role: Hex,
): Promise<readonly Address[] | undefined> {
  const [members, count] = await Promise.all([
    reader.call(contract, MEMBERS, [role]),
    reader.call(contract, MEMBER_COUNT, [role]),
  ]);
  if (Array.isArray(members)) {
    return members.map((member) => OxAddress.checksum(member as Address));
  }
  if (typeof count !== "bigint" || count > MOST_MEMBERS) {
    return undefined;
  }
  const found = await Promise.all(
    Array.from(
      { length: Number(count) },
      async (_, index) =>
        await reader.call(contract, MEMBER, [role, BigInt(index)]),
    ),
  );
  return found.every((member) => typeof member === "string")
    ? found.map((member) => OxAddress.checksum(member as Address))
    : undefined;
}
