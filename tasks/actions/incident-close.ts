import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { EXIT_CODES } from "../../src/core/exit-codes.js";
import {
  chooseIncident,
  closeIncident,
  requireOpen,
} from "../../src/incident/declared/respond.js";
import { writeReport } from "../../src/incident/declared/write-report.js";
import { runTask } from "./output.js";
import { reportPorts, responsePorts, showStanding } from "./respond.js";

interface CloseArguments {
  readonly incident: string | undefined;
  readonly resolution: string | undefined;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** Nobody is asked: nothing is lost by it, and what is found later can still be noted. */
const action: NewTaskActionFunction<CloseArguments> = async (args, hre) =>
  await runTask({ json: args.json }, async (output) => {
    const ports = responsePorts(hre, output);
    const found = await chooseIncident(ports.incidents, args.incident);
    requireOpen(found);
    if (args.dryRun) {
      const json = await showStanding(found, ports, output);
      return {
        json: { ...json, status: "planned" },
        exitCode: EXIT_CODES.done,
      };
    }
    await closeIncident(ports, found.id, args.resolution);
    const { incident, report, html, postMortem } = await writeReport(
      reportPorts(hre),
      found.id,
    );
    const json = await showStanding(incident, ports, output);
    output.text(
      `Report: ${report.path}\nPage: ${html}\nPost-mortem: ${postMortem?.path ?? ""}\n`,
    );
    return {
      json: {
        ...json,
        status: "closed",
        report: report.path,
        html,
        postMortemPath: postMortem?.path ?? null,
      },
      exitCode: EXIT_CODES.done,
    };
  });

export default action;
