import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { prepareExecute } from "../../src/session/timelock-procedure.js";
import { parseWord, type ChangingArguments } from "./session.js";
import { changeOperation } from "./timelock-change.js";
import { describeEnding, parseOperation } from "./timelock-ending.js";

interface ExecuteArguments extends ChangingArguments {
  readonly id: string;
  readonly timelock?: string | undefined;
  readonly salt?: string | undefined;
}

const action: NewTaskActionFunction<ExecuteArguments> = async (args, hre) =>
  await changeOperation(args, hre, async (session) => {
    const wanted = parseOperation(args);
    const { salt } = args;
    const prepared = await prepareExecute(session, {
      ...wanted,
      ...(salt === undefined ? {} : { salt: parseWord("--salt", salt) }),
    });
    return describeEnding(wanted.id, "executed", prepared);
  });

export default action;
