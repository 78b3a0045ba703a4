import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { formatIncident } from "../../src/display/incident.js";
import type { IncidentPorts } from "../../src/incident/write-incident.js";
import { createSealing } from "../../src/safe/sealing.js";

/** Where a network's incidents are read from and written to. */
export function incidentPorts(
  { config: { dr } }: HardhatRuntimeEnvironment,
  folder: string,
): IncidentPorts {
  return {
    folder,
    sealing: createSealing(dr.goBag),
    incidents: dr.paths.incidents,
    format: formatIncident,
  };
}
