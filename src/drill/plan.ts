import type { SessionSource } from "../session/open-session.js";
import { chooseParts, findConfigured } from "./configured.js";
import { reportsFolder } from "./drill.js";
import { parseDatabaseUrl } from "../database/access.js";
import { nameOfServer } from "./copies/postgres.js";
import { PART_NAMES } from "./copies/copy.js";
import type { Scenario } from "./scenario.js";
import { serverUrlOf } from "./with-copies.js";

/** What a drill would make, and remove again, a line each; nothing is asked but the configuration. */
export async function planDrill(
  source: SessionSource,
  scenarios: readonly Scenario[],
): Promise<readonly string[]> {
  const { config, networkName } = source;
  const configured = await findConfigured(source);
  const copies = scenarios.map((scenario) => {
    const { name } = scenario;
    const chosen = chooseParts(scenario, configured);
    return "reason" in chosen
      ? `${name}: skipped. ${chosen.reason}`
      : `${name}: copies of ${chosen.parts.map((part) => PART_NAMES[part]).join(", ")}`;
  });
  const server =
    configured.database && config.database?.engine === "postgres"
      ? [
          `a database dr_drill_… for each scenario that needs one, at ${nameOfServer(parseDatabaseUrl(await serverUrlOf(config)))}`,
        ]
      : [];
  const fork = configured.contracts
    ? [`forks of ${networkName}, in this process`]
    : [];
  const targets = config.offsite.targets.map(
    ({ name }) => `objects below drills/… in the offsite target ${name}`,
  );
  return [
    `a folder .dr_drill_… in ${config.paths.backups}`,
    ...server,
    ...fork,
    ...targets,
    ...copies,
    `a log and a report in ${reportsFolder(config)}, which stay`,
  ];
}
