import type { Authority, Permission } from "../../authority/authority.js";
import { AuthorityGraph } from "../../authority/graph.js";
import {
  pausePermission,
  upgradePermission,
} from "../../authority/proxy-permission.js";
import { sameAddress, type Address } from "../../core/hex.js";
import type { DeployFile } from "../../deployments/deploy-file.js";
import { inspectProxy } from "../../proxy/inspect.js";
import type { World } from "../ports.js";
import { scanStart } from "../scan-start.js";

/** The contracts that make others wait: what is under way stands in them. */
export interface Governance {
  /** The one that deploy.json names first. */
  readonly timelocks: readonly Address[];
  readonly managers: readonly Address[];
}

/** deploy.json's timelock, and all that stand over its contracts. */
export async function readGovernance({
  document: { file },
  reader,
}: World): Promise<Governance> {
  const graph = new AuthorityGraph(reader, scanStart(file));
  const permissions = await Promise.all(
    Object.values(file.contracts).map(async ({ proxy }) => {
      const state = await inspectProxy(reader, proxy);
      return state === undefined
        ? []
        : await Promise.all([
            pausePermission(graph, state),
            upgradePermission(graph, state),
          ]);
    }),
  );
  return governanceIn(file, permissions.flat());
}

/** The same, from permissions that are read already. */
export function governanceIn(
  { governance }: DeployFile,
  permissions: readonly Permission[],
): Governance {
  const found = permissions
    .flatMap(({ holders }) => holders)
    .flatMap(governorsIn);
  const named = governance?.timelock;
  return {
    timelocks: unique([
      ...(named === undefined ? [] : [named]),
      ...addressesOf(found, "timelock"),
    ]),
    managers: unique(addressesOf(found, "access-manager")),
  };
}

type Governor = Extract<
  Authority,
  { readonly kind: "timelock" | "access-manager" }
>;

function addressesOf(
  governors: readonly Governor[],
  kind: Governor["kind"],
): readonly Address[] {
  return governors
    .filter((governor) => governor.kind === kind)
    .map(({ address }) => address);
}

function governorsIn(authority: Authority): readonly Governor[] {
  switch (authority.kind) {
    case "safe":
      return authority.owners.flatMap(governorsIn);
    case "timelock":
      return [
        authority,
        ...authority.proposers.flatMap(governorsIn),
        ...authority.executors.flatMap(governorsIn),
        ...authority.cancellers.flatMap(governorsIn),
      ];
    case "access-manager":
      return [
        authority,
        ...authority.members.flatMap((member) => governorsIn(member.authority)),
      ];
    case "contract":
      return authority.owner === undefined ? [] : governorsIn(authority.owner);
    case "eoa":
    case "nobody":
    case "anyone":
    case "unlisted":
    case "unfollowed":
      return [];
  }
}

function unique(addresses: readonly Address[]): readonly Address[] {
  return addresses.filter(
    (address, index) =>
      addresses.findIndex((other) => sameAddress(other, address)) === index,
  );
}
