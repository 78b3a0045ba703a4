import { basename, resolve } from "node:path";

import type { DrConfig, DrUserConfig } from "./types.js";

/** Fills in the defaults. @param root - The project's folder, absolute. */
export function resolveDrConfig(
  section: DrUserConfig = {},
  root: string,
): DrConfig {
  const { project, paths, transactions, safeContracts, verify } = section;
  return {
    project: project ?? basename(root),
    paths: { deployments: resolve(root, paths?.deployments ?? "deployments") },
    transactions: {
      ...transactions,
      stuckAfterSeconds: transactions?.stuckAfterSeconds ?? 30,
      giveUpAfterSeconds: transactions?.giveUpAfterSeconds ?? 1800,
    },
    safeContracts: (safeContracts ?? {}) as DrConfig["safeContracts"],
    verify: verify ?? {},
  };
}
