import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { isDrError } from "../../src/core/errors.js";
import type { Output } from "./output.js";

/** Brings the incident document of a run up to date, if it has one; a run never fails for it. */
export async function refreshReport(
  folder: string,
  run: string,
  hre: HardhatRuntimeEnvironment,
  output: Output,
): Promise<void> {
  const [{ refreshIncident }, { incidentPorts }] = await Promise.all([
    import("../../src/incident/write-incident.js"),
    import("./incident-ports.js"),
  ]);
  try {
    const written = await refreshIncident(incidentPorts(hre, folder), run);
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
