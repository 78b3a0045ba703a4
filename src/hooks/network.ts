import type { NetworkHooks } from "hardhat/types/hooks";

import type { DisasterRecovery } from "../session/disaster-recovery.js";
import type { SessionSource } from "../session/open-session.js";
import { withDeployments } from "../session/with-deployments.js";

/** Gives every connection its `dr`. */
export default async (): Promise<Partial<NetworkHooks>> =>
  await Promise.resolve({
    newConnection: async (context, next) => {
      const connection = await next(context);
      const { networkName, networkConfig, provider } = connection;
      connection.dr = loadedOnUse({
        networkName,
        networkConfig,
        provider,
        artifacts: context.artifacts,
        config: context.config.dr,
        root: context.config.paths.root,
      });
      return connection;
    },
  });

/** The same methods; their code is loaded when one is called. */
function loadedOnUse(source: SessionSource): DisasterRecovery {
  const load = async () => {
    const { createDisasterRecovery } =
      await import("../session/disaster-recovery.js");
    return createDisasterRecovery(source);
  };
  return {
    init: async (...args) => await (await load()).init(...args),
    status: async (...args) => await (await load()).status(...args),
    pause: async (...args) => await (await load()).pause(...args),
    unpause: async (...args) => await (await load()).unpause(...args),
    rollback: async (...args) => await (await load()).rollback(...args),
    upgrade: async (...args) => await (await load()).upgrade(...args),
    resume: async (...args) => await (await load()).resume(...args),
    snapshot: async () => await (await load()).snapshot(),
    withDeployments: (folder) => loadedOnUse(withDeployments(source, folder)),
  };
}
