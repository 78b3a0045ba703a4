import type { Authority } from "../authority/authority.js";
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

/**
 * Accounts with a key that may pause, unpause or upgrade one of these
 * contracts, or propose, execute or schedule it for a timelock or an
 * AccessManager. A Safe's owners are none: the Safe is.
 */
export async function findAuthorityAccounts(
  reader: BlockReader,
  file: DeployFile,
  proxies: readonly Address[],
): Promise<readonly Address[]> {
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
  const accounts = permissions
    .flat()
    .flatMap(({ holders }) => holders)
    .flatMap(keysOf);
  return [...new Set(accounts)];
}

function keysOf(authority: Authority): readonly Address[] {
  switch (authority.kind) {
    case "eoa":
      return [authority.address];
    case "timelock":
      return [...authority.proposers, ...authority.executors].flatMap(keysOf);
    case "access-manager":
      return authority.members.flatMap(({ authority: member }) =>
        keysOf(member),
      );
    case "safe":
    case "contract":
    case "anyone":
    case "nobody":
    case "unlisted":
    case "unfollowed":
      return [];
  }
}
