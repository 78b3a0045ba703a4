import type {
  ResolvedConfigurationVariable,
  SensitiveString,
} from "hardhat/types/config";
import type { ConfigHooks } from "hardhat/types/hooks";

import type { DrConfig, DrUserConfig } from "../config/types.js";
import { resolveDrConfig } from "../config/resolve.js";
import {
  withRecoveryOutputs,
  type OutputSelection,
} from "../implementation/output-selection.js";

interface CompilerSettings {
  outputSelection?: OutputSelection;
}

/** The `dr` section; and in every compilation what safety reports and snapshots need. */
export default async (): Promise<Partial<ConfigHooks>> =>
  await Promise.resolve({
    validateUserConfig: async ({ dr }) => {
      if (dr === undefined) {
        return [];
      }
      // Every command of Hardhat comes by here: load no file in vain.
      const { validateDrConfig } = await import("../config/validate.js");
      return validateDrConfig(dr);
    },
    resolveUserConfig: async (userConfig, resolveVariable, next) => {
      const config = await next(userConfig, resolveVariable);
      for (const profile of Object.values(config.solidity.profiles)) {
        const overrides = Object.values(profile.overrides);
        for (const compiler of [...profile.compilers, ...overrides]) {
          const settings = compiler.settings as CompilerSettings;
          settings.outputSelection = withRecoveryOutputs(
            settings.outputSelection,
          );
        }
      }
      return {
        ...config,
        dr: {
          ...resolveDrConfig(
            userConfig.dr,
            config.paths.root,
            resolveVariable,
            process.env,
          ),
          ...resolveSafeService(userConfig.dr, resolveVariable),
        },
      };
    },
  });

/** The key stays a promise until somebody asks the service. */
function resolveSafeService(
  { safeService }: DrUserConfig = {},
  resolveVariable: (value: SensitiveString) => ResolvedConfigurationVariable,
): Pick<DrConfig, "safeService"> {
  if (safeService === undefined) {
    return {};
  }
  const { url, apiKey } = safeService;
  return {
    safeService: {
      ...(url === undefined ? {} : { url }),
      ...(apiKey === undefined ? {} : { apiKey: resolveVariable(apiKey) }),
    },
  };
}
