import type { Authority, SafeAuthority } from "../authority/authority.js";
import { AuthorityGraph } from "../authority/graph.js";
import {
  pausePermission,
  unpausePermission,
  upgradePermission,
} from "../authority/proxy-permission.js";
import type { BlockReader } from "../chain/block-reader.js";
import type { Address } from "../core/hex.js";
import type { DeployFile } from "../deployments/deploy-file.js";
import { inspectProxy } from "../proxy/inspect.js";
import { scanStart } from "../recovery/scan-start.js";

export interface AuthorityAccounts {
  /** With a key of their own; a Safe's owners are none: the Safe is. */
  readonly accounts: readonly Address[];
  readonly safes: readonly SafeSigners[];
}

export interface SafeSigners {
  readonly safe: Address;
  readonly threshold: number;
  readonly owners: number;
  /** Those of the owners that are accounts with a key. */
  readonly keys: readonly Address[];
}

/**
 * Who may pause, unpause or upgrade one of these contracts, or propose, execute
 * or schedule it for a timelock or an AccessManager.
 */
export async function findAuthorityAccounts(
  reader: BlockReader,
  file: DeployFile,
  proxies: readonly Address[],
): Promise<AuthorityAccounts> {
  const graph = new AuthorityGraph(reader, scanStart(file));
  const permissions = await Promise.all(
    proxies.map(async (proxy) => {
      const state = await inspectProxy(reader, proxy);
      return state === undefined
        ? []
        : await Promise.all([
            pausePermission(graph, state),
            unpausePermission(graph, state),
            upgradePermission(graph, state),
          ]);
    }),
  );
  const ends = permissions
    .flat()
    .flatMap(({ holders }) => holders)
    .flatMap(endsOf);
  const accounts = ends.flatMap((end) =>
    end.kind === "eoa" ? [end.address] : [],
  );
  const safes = ends.flatMap((end) => (end.kind === "safe" ? [end] : []));
  return {
    accounts: [...new Set(accounts)],
    safes: [
      ...new Map(
        safes.map((safe) => [safe.address, signersOf(safe)] as const),
      ).values(),
    ],
  };
}

function signersOf({
  address,
  threshold,
  owners,
}: SafeAuthority<Authority>): SafeSigners {
  return {
    safe: address,
    threshold,
    owners: owners.length,
    keys: owners.flatMap((owner) =>
      owner.kind === "eoa" ? [owner.address] : [],
    ),
  };
}

type End = Extract<Authority, { kind: "eoa" | "safe" }>;

function endsOf(authority: Authority): readonly End[] {
  switch (authority.kind) {
    case "eoa":
    case "safe":
      return [authority];
    case "timelock":
      return [...authority.proposers, ...authority.executors].flatMap(endsOf);
    case "access-manager":
      return authority.members.flatMap(({ authority: member }) =>
        endsOf(member),
      );
    case "contract":
    case "anyone":
    case "nobody":
    case "unlisted":
    case "unfollowed":
      return [];
  }
}
