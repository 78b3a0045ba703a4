import type { Json } from "../core/canonical-json.js";
import type { Address } from "../core/hex.js";
import type { Authority, Permission } from "./authority.js";

/** How an address is shown. In full wherever somebody acts on it. */
export type ShowAddress = (address: Address) => string;

/** `0x1234…abcd`: for tables only, since look-alikes are easily made. */
export const shortAddress: ShowAddress = (address) =>
  `${address.slice(0, 6)}…${address.slice(-4)}`;

const fullAddress: ShowAddress = (address) => address;

/** An authority on one line: `Safe 0x… 3 of 5`. */
export function formatAuthority(
  authority: Authority,
  show: ShowAddress = fullAddress,
): string {
  switch (authority.kind) {
    case "eoa":
      return show(authority.address);
    case "safe": {
      const { address, threshold, owners } = authority;
      return `Safe ${show(address)} ${String(threshold)} of ${String(owners.length)}`;
    }
    case "timelock": {
      const { address, delaySeconds, proposers, executors, openExecutor } =
        authority;
      const executed = openExecutor ? "anyone" : formatEach(executors, show);
      return `Timelock ${show(address)} ${formatDelay(delaySeconds)}, proposers ${formatEach(proposers, show)}, executors ${executed}`;
    }
    case "access-manager": {
      const { address, roleId, members } = authority;
      const each = members.map(({ authority: member, delaySeconds }) =>
        delaySeconds === 0n
          ? formatAuthority(member, show)
          : `${formatAuthority(member, show)} after ${formatDelay(delaySeconds)}`,
      );
      return `AccessManager ${show(address)} role ${String(roleId)}: ${join(each)}`;
    }
    case "contract": {
      const { address, owner } = authority;
      return owner === undefined
        ? `contract ${show(address)}`
        : `contract ${show(address)} owned by ${formatAuthority(owner, show)}`;
    }
    case "nobody":
      return "nobody";
    case "anyone":
      return "anyone";
    case "unlisted":
      return "someone the node's logs don't show";
    case "unfollowed":
      return `${show(authority.address)} (${authority.reason === "cycle" ? "as above" : "not followed further"})`;
  }
}

/** A permission on one line: `PAUSER_ROLE: Safe 0x… 3 of 5`. */
export function formatPermission(
  { mechanism, holders, confirmed }: Permission,
  show: ShowAddress = fullAddress,
): string {
  switch (mechanism.kind) {
    case "absent":
      return "no such function";
    case "unknown":
      return "unknown";
    case "role": {
      const role = mechanism.name ?? `role ${mechanism.role.slice(0, 10)}…`;
      return `${role}: ${formatEach(holders, show)}${doubt(confirmed)}`;
    }
    case "owner":
    case "access-manager":
    case "proxy-admin":
    case "proxy-admin-slot":
    case "open":
      return `${formatEach(holders, show)}${doubt(confirmed)}`;
  }
}

/** Who stands behind the Safes in there: `owners of Safe 0x…: 0x…, 0x…`; empty when there are none. */
export function formatSafeOwners({ holders }: Permission): string {
  return holders
    .flatMap((holder) =>
      holder.kind === "safe"
        ? [
            `owners of Safe ${holder.address}: ${holder.owners.map((owner) => formatAuthority(owner)).join(", ")}`,
          ]
        : [],
    )
    .join("; ");
}

/** For `--json`: addresses in full, delays as numbers, role ids as text. */
export function authorityToJson(authority: Authority): Json {
  switch (authority.kind) {
    case "safe":
      return { ...authority, owners: authority.owners.map(authorityToJson) };
    case "timelock":
      return {
        ...authority,
        delaySeconds: Number(authority.delaySeconds),
        proposers: authority.proposers.map(authorityToJson),
        executors: authority.executors.map(authorityToJson),
        cancellers: authority.cancellers.map(authorityToJson),
      };
    case "access-manager":
      return {
        ...authority,
        roleId: String(authority.roleId),
        members: authority.members.map(
          ({ authority: member, delaySeconds }) => ({
            authority: authorityToJson(member),
            delaySeconds: Number(delaySeconds),
          }),
        ),
      };
    case "contract": {
      const { owner, ...contract } = authority;
      return owner === undefined
        ? contract
        : { ...contract, owner: authorityToJson(owner) };
    }
    case "eoa":
    case "nobody":
    case "anyone":
    case "unlisted":
    case "unfollowed":
      return { ...authority };
  }
}

export function permissionToJson(permission: Permission): Json {
  const { mechanism, holders, confirmed } = permission;
  return {
    mechanism: { ...mechanism },
    holders: holders.map(authorityToJson),
    confirmed,
  };
}

function formatEach(
  authorities: readonly Authority[],
  show: ShowAddress,
): string {
  return join(authorities.map((each) => formatAuthority(each, show)));
}

function join(parts: readonly string[]): string {
  return parts.length === 0 ? "nobody" : parts.join(" or ");
}

function doubt(confirmed: boolean): string {
  return confirmed ? "" : " (unconfirmed)";
}

const UNITS = [
  { name: "d", seconds: 86_400n, from: 3n * 86_400n },
  { name: "h", seconds: 3_600n, from: 3_600n },
  { name: "min", seconds: 60n, from: 60n },
] as const;

/** Exact, in the largest unit that is: `48 h`, `90 min`, `7 d`. */
function formatDelay(seconds: bigint): string {
  const unit = UNITS.find(
    (each) => seconds >= each.from && seconds % each.seconds === 0n,
  );
  return unit === undefined
    ? `${String(seconds)} s`
    : `${String(seconds / unit.seconds)} ${unit.name}`;
}
