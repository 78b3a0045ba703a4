import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { isDrError } from "../../src/core/errors.js";
import type { Output } from "./output.js";

/** Brings the incident document of a run up to date, if it has one; a run never fails for it. */
export async function refreshReport(
  folder: string,
  run: string,
  { config }: HardhatRuntimeEnvironment,
  output: Output,
): Promise<void> {
  const [{ refreshIncident }, { formatIncident }] = await Promise.all([
    import("../../src/incident/write-incident.js"),
    import("../../src/display/incident.js"),
  ]);
  const { incidents } = config.dr.paths;
  try {
    const written = await refreshIncident(
      { folder, incidents, format: formatIncident },
      run,
    );
    if (written !== undefined) {
      output.progress(`${written.path}: ${written.status}`);
    }
  } catch (error) {
    if (!isDrError(error)) {
      throw error;
    }
    output.progress(`${error.message} ${error.fix}`);
  }
}
