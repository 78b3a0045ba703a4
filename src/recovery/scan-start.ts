import type { DeployFile } from "../deployments/deploy-file.js";

/** The block of the oldest deployment on record, where a look at logs may begin; 0 when one is unknown. */
export function scanStart({ contracts }: DeployFile): bigint {
  const blocks = Object.values(contracts).map(
    ({ history }) => history[0]?.block ?? 0,
  );
  return BigInt(Math.min(...blocks, Number.MAX_SAFE_INTEGER));
}
