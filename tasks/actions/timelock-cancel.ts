import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { prepareCancel } from "../../src/session/timelock-procedure.js";
import type { ChangingArguments } from "./session.js";
import { changeOperation } from "./timelock-change.js";
import { describeEnding, parseOperation } from "./timelock-ending.js";

interface CancelArguments extends ChangingArguments {
  readonly id: string;
  readonly timelock?: string | undefined;
}

const action: NewTaskActionFunction<CancelArguments> = async (args, hre) =>
  await changeOperation(args, hre, async (session) => {
    const wanted = parseOperation(args);
    return describeEnding(
      wanted.id,
      "cancelled",
      await prepareCancel(session, wanted),
    );
  });

export default action;
