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
 * Accounts with a key that alone may pause, unpause or upgrade one of these
 * contracts. A Safe's owners are none: the Safe is.
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
    .flatMap((holder) => (holder.kind === "eoa" ? [holder.address] : []));
  return [...new Set(accounts)];
}
