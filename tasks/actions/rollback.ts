import type { NewTaskActionFunction } from "hardhat/types/tasks";

import type { RollbackResolution } from "../../src/recovery/rollback.js";
import { prepareRollback } from "../../src/session/procedure.js";
import { runChange } from "./change.js";
import { explainSafety, safetyOf } from "./safety.js";
import type { ChangingArguments } from "./session.js";

interface RollbackArguments extends ChangingArguments {
  readonly names: string[];
  readonly all: boolean;
  readonly to: string;
  readonly noPause: boolean;
  readonly keepPaused: boolean;
  readonly acceptStorageRisk?: string | undefined;
}

const action: NewTaskActionFunction<RollbackArguments> = async (args, hre) =>
  await runChange<RollbackResolution>(args, hre, {
    prepare: async (session) =>
      await prepareRollback(session, {
        ...args,
        pause: !args.noPause,
        acceptedSlots: args.acceptStorageRisk?.split(",") ?? [],
      }),
    explain: explainSafety,
    extend: safetyOf,
  });

export default action;
