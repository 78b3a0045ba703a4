import { join } from "node:path";

import type { SessionSource } from "./open-session.js";

/** The same source, its deployments and backups in another folder. */
export function withDeployments(
  source: SessionSource,
  folder: string,
): SessionSource {
  const { config } = source;
  const backups = join(folder, "backups");
  const paths = { ...config.paths, deployments: folder, backups };
  return { ...source, config: { ...config, paths } };
}
