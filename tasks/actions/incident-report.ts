import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { DrError } from "../../src/core/errors.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { isIncidentId } from "../../src/incident/declared/incident-journal.js";
import {
  chooseIncident,
  openIncidents,
} from "../../src/incident/declared/respond.js";
import { writeReport } from "../../src/incident/declared/write-report.js";
import type { WrittenDocument } from "../../src/incident/write-document.js";
import { writeIncident } from "../../src/incident/write-incident.js";
import { findRun, listRuns } from "../../src/run/list-runs.js";
import { incidentPorts } from "./incident-ports.js";
import { runTask, type Output, type TaskResult } from "./output.js";
import {
  lookForDue,
  reportPorts,
  responsePorts,
  showStanding,
} from "./respond.js";
import { chosenNetwork } from "./session.js";

interface ReportArguments {
  /** Or an incident. */
  readonly run: string;
  readonly title?: string | undefined;
  readonly json: boolean;
}

const action: NewTaskActionFunction<ReportArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    const incident = await incidentMeant(args.run, hre);
    return incident === undefined
      ? await reportRun(args, hre, output)
      : await reportIncident(incident, hre, output);
  });

export default action;

/** @throws {DrError} INCIDENT_UNKNOWN, INCIDENT_AMBIGUOUS, INCIDENT_TAMPERED, INCIDENT_UNREADABLE. */
async function incidentMeant(
  wanted: string,
  { config }: HardhatRuntimeEnvironment,
): Promise<string | undefined> {
  const { incidents } = config.dr.paths;
  if (isIncidentId(wanted)) {
    return (await chooseIncident(incidents, wanted)).id;
  }
  const isOpen = wanted === "" && (await openIncidents(incidents)).length > 0;
  return isOpen ? (await chooseIncident(incidents, undefined)).id : undefined;
}

async function reportIncident(
  id: string,
  hre: HardhatRuntimeEnvironment,
  output: Output,
): Promise<TaskResult> {
  const ports = responsePorts(hre, output);
  await lookForDue(ports, output);
  const written = await writeReport(reportPorts(hre), id);
  const { incident, report, html, postMortem } = written;
  tellLeftAlone(report, output);
  const json = await showStanding(incident, ports, output);
  output.text(`${report.path}: ${report.status}\n${html}\n`);
  if (postMortem !== undefined) {
    tellLeftAlone(postMortem, output);
    output.text(`${postMortem.path}: ${postMortem.status}\n`);
  }
  return {
    json: {
      ...json,
      path: report.path,
      status: report.status,
      leftAlone: report.leftAlone ?? null,
      html,
      postMortemPath: postMortem?.path ?? null,
    },
    exitCode: EXIT_CODES.done,
  };
}

async function reportRun(
  args: ReportArguments,
  hre: HardhatRuntimeEnvironment,
  output: Output,
): Promise<TaskResult> {
  const { folder } = chosenNetwork(hre);
  const run = await chooseRun(folder, args.run);
  const { title } = args;
  const written = await writeIncident(incidentPorts(hre, folder), {
    run,
    ...(title === undefined ? {} : { title }),
  });
  const { path, status, leftAlone } = written;
  tellLeftAlone(written, output);
  output.text(`${path}: ${status}\n`);
  return {
    json: { run, path, status, leftAlone: leftAlone ?? null },
    exitCode: EXIT_CODES.done,
  };
}

function tellLeftAlone({ leftAlone }: WrittenDocument, output: Output): void {
  if (leftAlone !== undefined) {
    output.progress(
      `${leftAlone} was left alone: its generated parts were changed by hand. What is known now is in the new document beside it.`,
    );
  }
}

/** @throws {DrError} RUN_UNKNOWN, NO_RUNS. */
async function chooseRun(folder: string, wanted: string): Promise<string> {
  if (wanted !== "") {
    return await findRun(folder, wanted);
  }
  const [newest] = await listRuns(folder);
  if (newest === undefined) {
    throw new DrError("NO_RUNS", { folder });
  }
  return newest.run;
}
