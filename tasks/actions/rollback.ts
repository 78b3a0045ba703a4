import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { formatSafety, safetyToJson } from "../../src/display/safety.js";
import { prepareRollback } from "../../src/session/procedure.js";
import { runChange } from "./change.js";
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
  await runChange(args, hre, {
    prepare: async (session) =>
      await prepareRollback(session, {
        ...args,
        pause: !args.noPause,
        acceptedSlots: args.acceptStorageRisk?.split(",") ?? [],
      }),
    explain: ({ safety }, output) => {
      for (const [name, report] of Object.entries(safety)) {
        output.text(formatSafety(name, report, output.paint));
      }
    },
    extend: (name, { safety }) => {
      const report = safety[name];
      return { safety: report === undefined ? null : safetyToJson(report) };
    },
  });

export default action;
