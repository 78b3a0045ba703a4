import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { DrError } from "../../src/core/errors.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { writeIncident } from "../../src/incident/write-incident.js";
import { findRun, listRuns } from "../../src/run/list-runs.js";
import { incidentPorts } from "./incident-ports.js";
import { runTask } from "./output.js";
import { chosenNetwork } from "./session.js";

interface ReportArguments {
  readonly run: string;
  readonly title?: string | undefined;
  readonly json: boolean;
}

const action: NewTaskActionFunction<ReportArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    const { folder } = chosenNetwork(hre);
    const run = await chooseRun(folder, args.run);
    const { title } = args;
    const { path, status, leftAlone } = await writeIncident(
      incidentPorts(hre, folder),
      { run, ...(title === undefined ? {} : { title }) },
    );
    if (leftAlone !== undefined) {
      output.progress(
        `${leftAlone} was left alone: its generated parts were changed by hand. The run's account is in the new document beside it.`,
      );
    }
    output.text(`${path}: ${status}\n`);
    return {
      json: { run, path, status, leftAlone: leftAlone ?? null },
      exitCode: EXIT_CODES.done,
    };
  });

export default action;

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
