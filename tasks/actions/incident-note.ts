import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { EXIT_CODES } from "../../src/core/exit-codes.js";
import {
  chooseIncident,
  noteIncident,
} from "../../src/incident/declared/respond.js";
import {
  readAccount,
  type AccountFor,
} from "../../src/incident/declared/run-account.js";
import { findRun } from "../../src/run/list-runs.js";
import { runTask } from "./output.js";
import {
  lookForDue,
  requireText,
  responsePorts,
  showStanding,
} from "./respond.js";
import { chosenNetwork } from "./session.js";

interface NoteArguments {
  readonly incident: string | undefined;
  readonly run: string | undefined;
  readonly text: string[];
  readonly json: boolean;
}

const action: NewTaskActionFunction<NoteArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    const ports = responsePorts(hre, output);
    const text = requireText("TEXT", args.text.join(" "));
    const { id } = await chooseIncident(ports.incidents, args.incident);
    const account =
      args.run === undefined ? undefined : await findAccount(args.run, hre);
    await lookForDue(ports, output);
    const incident = await noteIncident(ports, id, text, account);
    const json = await showStanding(incident, ports, output);
    return { json: { ...json, status: "noted" }, exitCode: EXIT_CODES.done };
  });

export default action;

/** @throws {DrError} RUN_UNKNOWN, JOURNAL_TAMPERED, JOURNAL_EMPTY. */
async function findAccount(
  wanted: string,
  hre: HardhatRuntimeEnvironment,
): Promise<AccountFor> {
  const { folder } = chosenNetwork(hre);
  return await readAccount(folder, await findRun(folder, wanted));
}
