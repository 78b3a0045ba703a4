import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { EXIT_CODES } from "../../src/core/exit-codes.js";
import {
  chooseIncident,
  noteIncident,
} from "../../src/incident/declared/respond.js";
import { runTask } from "./output.js";
import {
  lookForDue,
  requireText,
  responsePorts,
  showStanding,
} from "./respond.js";

interface NoteArguments {
  readonly incident: string | undefined;
  readonly text: string[];
  readonly json: boolean;
}

const action: NewTaskActionFunction<NoteArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    const ports = responsePorts(hre, output);
    const text = requireText("TEXT", args.text.join(" "));
    const { id } = await chooseIncident(ports.incidents, args.incident);
    await lookForDue(ports, output);
    const incident = await noteIncident(ports, id, text);
    const json = await showStanding(incident, ports, output);
    return { json: { ...json, status: "noted" }, exitCode: EXIT_CODES.done };
  });

export default action;
