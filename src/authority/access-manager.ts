import type { BlockReader } from "../chain/block-reader.js";
import { ZERO_ADDRESS, type Address, type Hex } from "../core/hex.js";
import type { RoleReader } from "./role-members.js";

const PUBLIC_ROLE_GETTER = "function PUBLIC_ROLE() view returns (uint64)";
const EXPIRATION = "function expiration() view returns (uint32)";
const FUNCTION_ROLE =
  "function getTargetFunctionRole(address target, bytes4 selector) view returns (uint64)";
const HAS_ROLE =
  "function hasRole(uint64 roleId, address account) view returns (bool isMember, uint32 executionDelay)";
const CAN_CALL =
  "function canCall(address caller, address target, bytes4 selector) view returns (bool immediate, uint32 delay)";

/** Held by all, at once. */
const PUBLIC_ROLE = 2n ** 64n - 1n;
/** May do what no other role may, and set all roles. */
const ADMIN_ROLE = 0n;

/** The function of which contract someone wants to call. */
export interface TargetFunction {
  readonly target: Address;
  readonly selector: Hex;
}

export interface ManagedRole {
  readonly roleId: bigint;
  /** A role everybody holds: then it has no members. */
  readonly isPublic: boolean;
  /** undefined when the node's logs don't tell. */
  readonly members:
    | readonly { readonly account: Address; readonly delaySeconds: bigint }[]
    | undefined;
}

/**
 * Who may call a function through an OpenZeppelin AccessManager, or without
 * one who administers the manager.
 *
 * @returns undefined when the address is no AccessManager.
 */
export async function readAccessManager(
  { reader, roleLog, readAhead }: RoleReader,
  manager: Address,
  wanted?: TargetFunction,
): Promise<ManagedRole | undefined> {
  const [publicRole, expiration] = await Promise.all([
    reader.call(manager, PUBLIC_ROLE_GETTER),
    reader.call(manager, EXPIRATION),
  ]);
  if (publicRole !== PUBLIC_ROLE || typeof expiration !== "number") {
    return undefined;
  }
  const [functionRole, { grants, isKept }] = await Promise.all([
    readFunctionRole(reader, manager, wanted),
    roleLog.read(manager),
  ]);
  if (functionRole === undefined) {
    return undefined;
  }
  if (functionRole === PUBLIC_ROLE) {
    const delay = await readDelay(reader, manager, ZERO_ADDRESS, wanted);
    return { roleId: functionRole, isPublic: delay === 0n, members: [] };
  }
  const granted = grants.filter(({ role }) => BigInt(role) === functionRole);
  const members = await Promise.all(
    granted.map(async ({ account }) => {
      readAhead(account);
      const delaySeconds = await readDelay(reader, manager, account, wanted);
      return { account, delaySeconds };
    }),
  );
  return {
    roleId: functionRole,
    isPublic: false,
    members: isKept ? members.filter(isMember) : undefined,
  };
}

async function readFunctionRole(
  reader: BlockReader,
  manager: Address,
  wanted: TargetFunction | undefined,
): Promise<bigint | undefined> {
  if (wanted === undefined) {
    return ADMIN_ROLE;
  }
  const { target, selector } = wanted;
  const role = await reader.call(manager, FUNCTION_ROLE, [target, selector]);
  return typeof role === "bigint" ? role : undefined;
}

/**
 * Seconds this account has to wait between schedule and execute; undefined
 * when it may not at all: not a member yet or any more, or the target is closed.
 */
async function readDelay(
  reader: BlockReader,
  manager: Address,
  account: Address,
  wanted: TargetFunction | undefined,
): Promise<bigint | undefined> {
  const answer = await (wanted === undefined
    ? reader.call(manager, HAS_ROLE, [ADMIN_ROLE, account])
    : reader.call(manager, CAN_CALL, [
        account,
        wanted.target,
        wanted.selector,
      ]));
  if (!Array.isArray(answer)) {
    return undefined;
  }
  const [yes, delay] = answer as [boolean, number];
  // canCall says no together with a delay to those who have to schedule.
  const may = yes || (wanted !== undefined && delay > 0);
  return may ? BigInt(delay) : undefined;
}

function isMember<M extends { readonly delaySeconds: bigint | undefined }>(
  member: M,
): member is M & { readonly delaySeconds: bigint } {
  return member.delaySeconds !== undefined;
}
