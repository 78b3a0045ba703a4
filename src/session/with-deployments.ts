import type { SessionSource } from "./open-session.js";

/** The same source, its deployments in another folder. */
export function withDeployments(
  source: SessionSource,
  folder: string,
): SessionSource {
  const { config } = source;
  const paths = { ...config.paths, deployments: folder };
  return { ...source, config: { ...config, paths } };
}
