import * as OxAddress from "ox/Address";

import { selectorOf } from "../chain/abi.js";
import type { BlockReader } from "../chain/block-reader.js";
import { ZERO_ADDRESS, type Address } from "../core/hex.js";
import { readAccessManager, type TargetFunction } from "./access-manager.js";
import type {
  AccessManagerAuthority,
  AuthorityEnd,
  ContractAuthority,
  SafeAuthority,
  TimelockAuthority,
} from "./authority.js";
import type { RoleReader } from "./role-members.js";
import { readSafe } from "./safe.js";
import { readTimelock, type TimelockRoles } from "./timelock.js";

/** An address to be followed, and what would be called from there. */
export interface Link {
  readonly address: Address;
  /** What an AccessManager at this address would be asked to execute. */
  readonly wanted?: TargetFunction;
}

/** One account of the graph, with links where an Authority has the next one. */
export type AuthorityNode =
  | AuthorityEnd
  | SafeAuthority<Link | AuthorityEnd>
  | TimelockAuthority<Link | AuthorityEnd>
  | AccessManagerAuthority<Link | AuthorityEnd>
  | ContractAuthority<Link | AuthorityEnd>;

const OWNER_GETTERS = [
  "function owner() view returns (address)",
  "function admin() view returns (address)",
];

/** What an owner that is no EOA calls to agree, propose or execute. */
const APPROVE_HASH = selectorOf("function approveHash(bytes32)");
const SCHEDULE = selectorOf(
  "function schedule(address,uint256,bytes,bytes32,bytes32,uint256)",
);
const EXECUTE = selectorOf(
  "function execute(address,uint256,bytes,bytes32,bytes32)",
);
const CANCEL = selectorOf("function cancel(bytes32)");

/** Code of an EOA that delegates. @see EIP-7702 */
const DELEGATION_PREFIX = "0xef0100";

/** Finds out what is at an address; all kinds are asked for in one go. */
export async function readNode(
  source: RoleReader,
  { address, wanted }: Link,
): Promise<AuthorityNode> {
  if (address === ZERO_ADDRESS) {
    return { kind: "nobody" };
  }
  const { reader } = source;
  const [code, safe, timelock, manager, owner] = await Promise.all([
    reader.code(address),
    readSafe(reader, address),
    readTimelock(source, address),
    readAccessManager(source, address, wanted),
    readOwner(reader, address),
  ]);
  if (code === "0x" || code.startsWith(DELEGATION_PREFIX)) {
    return { kind: "eoa", address };
  }
  if (safe !== undefined) {
    const approve = { target: address, selector: APPROVE_HASH };
    return { ...safe, owners: toLinks(safe.owners, approve) };
  }
  if (timelock !== undefined) {
    return toTimelockNode(address, timelock);
  }
  if (manager !== undefined) {
    const { roleId, isPublic, members } = manager;
    return {
      kind: "access-manager",
      address,
      roleId,
      members: isPublic
        ? [{ authority: { kind: "anyone" }, delaySeconds: 0n }]
        : (members?.map(({ account, delaySeconds }) => ({
            authority: { address: account },
            delaySeconds,
          })) ?? [{ authority: { kind: "unlisted" }, delaySeconds: 0n }]),
    };
  }
  return {
    kind: "contract",
    address,
    ...(owner === undefined ? {} : { owner: { address: owner } }),
  };
}

function toTimelockNode(
  address: Address,
  roles: TimelockRoles,
): TimelockAuthority<Link | AuthorityEnd> {
  const { delaySeconds, openExecutor } = roles;
  return {
    kind: "timelock",
    address,
    delaySeconds,
    proposers: toLinks(roles.proposers, {
      target: address,
      selector: SCHEDULE,
    }),
    executors: toLinks(roles.executors, { target: address, selector: EXECUTE }),
    cancellers: toLinks(roles.cancellers, {
      target: address,
      selector: CANCEL,
    }),
    openExecutor,
  };
}

function toLinks(
  addresses: readonly Address[] | undefined,
  wanted: TargetFunction,
): readonly (Link | AuthorityEnd)[] {
  return (
    addresses?.map((address) => ({ address, wanted })) ?? [{ kind: "unlisted" }]
  );
}

async function readOwner(
  reader: BlockReader,
  address: Address,
): Promise<Address | undefined> {
  const answers = await Promise.all(
    OWNER_GETTERS.map(async (getter) => await reader.call(address, getter)),
  );
  const owner = answers.find((answer) => typeof answer === "string");
  return owner === undefined ? undefined : OxAddress.checksum(owner);
}
