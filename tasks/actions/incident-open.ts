import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { DrError } from "../../src/core/errors.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { SEVERITIES, type Severity } from "../../src/core/severity.js";
import { folderOf } from "../../src/incident/declared/incident-journal.js";
import {
  openIncident,
  planOpening,
  type Opening,
} from "../../src/incident/declared/respond.js";
import { TOOL_VERSION } from "../../src/session/tool-version.js";
import { parseTime } from "./offsite.js";
import { runTask } from "./output.js";
import {
  lookForDue,
  requireText,
  responsePorts,
  showStanding,
} from "./respond.js";
import { chosenNetwork } from "./session.js";

interface OpenArguments {
  readonly title: string;
  readonly severity: string;
  readonly impact: string | undefined;
  readonly detectedAt: string | undefined;
  readonly detection: string | undefined;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/**
 * Nobody is asked: it writes a folder of its own and calls people, and whoever
 * opens an incident at night has no time for a prompt.
 */
const action: NewTaskActionFunction<OpenArguments> = async (args, hre) =>
  await runTask({ json: args.json }, async (output) => {
    const ports = responsePorts(hre, output);
    const opening = parseOpening(args, hre, ports.clock.now());
    if (args.dryRun) {
      const planned = planOpening(ports, opening);
      const json = await showStanding(planned, ports, output);
      return {
        json: { ...json, incident: null, status: "planned" },
        exitCode: EXIT_CODES.done,
      };
    }
    const incident = await openIncident(ports, opening);
    const folder = folderOf(ports.incidents, incident.id);
    const json = await showStanding(incident, ports, output);
    output.text(
      `Folder: ${folder}\nEvery task from now on is entered by itself. Next: npx hardhat dr:pause --all\n`,
    );
    await lookForDue(ports, output);
    return {
      json: { ...json, status: "opened", folder },
      exitCode: EXIT_CODES.done,
    };
  });

export default action;

/** @throws {DrError} OPTION_INVALID. */
function parseOpening(
  { title, severity, impact, detectedAt, detection }: OpenArguments,
  hre: HardhatRuntimeEnvironment,
  now: Date,
): Opening {
  return {
    title: requireText("--title", title).replace(/\s+/g, " "),
    severity: parseSeverity(severity),
    source: `${hre.config.dr.project} on ${chosenNetwork(hre).network}`,
    toolVersion: TOOL_VERSION,
    ...(impact === undefined ? {} : { impact }),
    ...(detection === undefined ? {} : { detection }),
    ...(detectedAt === undefined
      ? {}
      : { detectedAt: parsePast("--detected-at", detectedAt, now) }),
  };
}

function parseSeverity(value: string): Severity {
  const severity = SEVERITIES.find((one) => one === value);
  if (severity === undefined) {
    const expected = `one of ${SEVERITIES.join(", ")}`;
    throw new DrError("OPTION_INVALID", {
      option: "--severity",
      value,
      expected,
    });
  }
  return severity;
}

function parsePast(option: string, value: string, now: Date): Date {
  const time = parseTime(option, value);
  if (time > now) {
    const expected = "a time that has passed";
    throw new DrError("OPTION_INVALID", { option, value, expected });
  }
  return time;
}
