import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { EXIT_CODES } from "../../src/core/exit-codes.js";
import {
  acknowledgeIncident,
  chooseIncident,
} from "../../src/incident/declared/respond.js";
import { runTask } from "./output.js";
import { responsePorts, showStanding } from "./respond.js";

interface AckArguments {
  readonly incident: string | undefined;
  readonly json: boolean;
}

const action: NewTaskActionFunction<AckArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    const ports = responsePorts(hre, output);
    const { id } = await chooseIncident(ports.incidents, args.incident);
    const { incident, already } = await acknowledgeIncident(ports, id);
    const json = await showStanding(incident, ports, output);
    return {
      json: { ...json, status: already ? "already" : "acknowledged" },
      exitCode: EXIT_CODES.done,
    };
  });

export default action;
