import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { EXIT_CODES } from "../../src/core/exit-codes.js";
import {
  formatGovernance,
  governanceToJson,
} from "../../src/display/operations.js";
import { readOperations } from "../../src/recovery/operations/read.js";
import { runTask } from "./output.js";
import { connect, parseAddress } from "./session.js";

interface TimelockStatusArguments {
  readonly timelock: string;
  readonly all: boolean;
  readonly json: boolean;
}

const action: NewTaskActionFunction<TimelockStatusArguments> = async (
  { timelock, all, json },
  hre,
) =>
  await runTask({ json }, async (output) => {
    const chosen =
      timelock === "" ? {} : { contract: parseAddress("TIMELOCK", timelock) };
    const { ports } = await connect(hre);
    const found = await readOperations(ports, { ...chosen, all });
    output.text(formatGovernance(found, output.paint));
    return { json: governanceToJson(found), exitCode: EXIT_CODES.done };
  });

export default action;
