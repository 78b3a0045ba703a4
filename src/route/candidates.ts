import type { Authority, Permission } from "../authority/authority.js";
import { sameAddress, type Address } from "../core/hex.js";
import { totalDelay, type DirectChoice, type RouteChoice } from "./choice.js";

/**
 * What matters when there are several ways. `fastest`: stop the damage.
 * `governed`: an account of ours first, then the way that a delay protects; a
 * Safe that could bypass it only where there is no other.
 */
export type RoutePreference = "fastest" | "governed";

/**
 * Every way in which these accounts can have a call made by those who may, the
 * best first.
 *
 * @param permission - Who may, followed to the ends.
 * @param accounts - Of this machine, in order of preference.
 */
export function findCandidates(
  { mechanism, holders }: Permission,
  accounts: readonly Address[],
  preference: RoutePreference,
): readonly RouteChoice[] {
  const ways = holders.flatMap((holder) =>
    mechanism.kind === "access-manager" && holder.kind === "access-manager"
      ? waysToManaged(holder, accounts, preference)
      : waysThrough(holder, accounts, preference),
  );
  return inOrder(ways, preference);
}

function waysThrough(
  authority: Authority,
  accounts: readonly Address[],
  preference: RoutePreference,
): readonly RouteChoice[] {
  switch (authority.kind) {
    case "eoa":
      return accounts
        .filter((account) => sameAddress(account, authority.address))
        .map(direct);
    case "anyone":
      return accounts.slice(0, 1).map(direct);
    case "safe": {
      const { address, version, threshold, owners } = authority;
      const signers = owners.flatMap((owner) =>
        owner.kind === "eoa"
          ? accounts.filter((one) => sameAddress(one, owner.address))
          : [],
      );
      return accounts.slice(0, 1).map((account) => ({
        kind: "safe",
        safe: address,
        version,
        threshold,
        owners: owners.length,
        signers,
        executor: direct(account),
      }));
    }
    case "timelock": {
      const { address, delaySeconds, openExecutor } = authority;
      const executors: readonly Authority[] = openExecutor
        ? [{ kind: "anyone" }]
        : authority.executors;
      const [proposer] = best(authority.proposers, accounts, preference);
      const [executor] = best(executors, accounts, preference);
      return proposer === undefined || executor === undefined
        ? []
        : [
            {
              kind: "timelock",
              timelock: address,
              delaySeconds: String(delaySeconds),
              proposer,
              executor,
            },
          ];
    }
    case "access-manager":
      return authority.members.flatMap(({ authority: member, delaySeconds }) =>
        waysThrough(member, accounts, preference).map((way) =>
          managed(authority.address, way, delaySeconds),
        ),
      );
    case "contract":
    case "nobody":
    case "unlisted":
    case "unfollowed":
      return [];
  }
}

/** A contract under an AccessManager is called by its members themselves, unless they have to schedule. */
function waysToManaged(
  { address, members }: Authority & { readonly kind: "access-manager" },
  accounts: readonly Address[],
  preference: RoutePreference,
): readonly RouteChoice[] {
  return members.flatMap(({ authority, delaySeconds }) =>
    waysThrough(authority, accounts, preference).map((way) =>
      delaySeconds === 0n ? way : managed(address, way, delaySeconds),
    ),
  );
}

function best(
  authorities: readonly Authority[],
  accounts: readonly Address[],
  preference: RoutePreference,
): readonly RouteChoice[] {
  const ways = authorities.flatMap((one) =>
    waysThrough(one, accounts, preference),
  );
  return inOrder(ways, preference);
}

function direct(from: Address): DirectChoice {
  return { kind: "direct", from };
}

function managed(
  manager: Address,
  member: RouteChoice,
  delaySeconds: bigint,
): RouteChoice {
  return {
    kind: "access-manager",
    manager,
    member,
    delaySeconds: String(delaySeconds),
  };
}

function inOrder(
  ways: readonly RouteChoice[],
  preference: RoutePreference,
): readonly RouteChoice[] {
  return ways.toSorted((a, b) => {
    const [delayA, delayB] = [totalDelay(a), totalDelay(b)];
    const [signaturesA, signaturesB] = [countSafes(a), countSafes(b)];
    if (preference === "fastest") {
      return compare(delayA, delayB) || signaturesA - signaturesB;
    }
    return (
      rank(delayA, signaturesA) - rank(delayB, signaturesB) ||
      compare(delayA, delayB) ||
      signaturesA - signaturesB
    );
  });
}

/** At once and alone; behind a delay; at once with the signatures of a Safe. */
function rank(delaySeconds: bigint, safes: number): number {
  if (delaySeconds > 0n) {
    return 1;
  }
  return safes === 0 ? 0 : 2;
}

function countSafes(choice: RouteChoice): number {
  switch (choice.kind) {
    case "direct":
      return 0;
    case "safe":
      return 1;
    case "timelock":
      return countSafes(choice.proposer) + countSafes(choice.executor);
    case "access-manager":
      return countSafes(choice.member);
  }
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
