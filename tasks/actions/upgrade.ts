import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { DrError } from "../../src/core/errors.js";
import { prepareUpgrade } from "../../src/session/procedure.js";
import { runChange } from "./change.js";
import type { ChangingArguments } from "./session.js";

interface UpgradeArguments extends ChangingArguments {
  readonly name: string;
  readonly to: string;
  readonly constructorArgs: string;
}

const action: NewTaskActionFunction<UpgradeArguments> = async (args, hre) =>
  await runChange(args, hre, {
    prepare: async (session) =>
      await prepareUpgrade(session, {
        name: args.name,
        to: args.to,
        constructorArguments: parseConstructorArguments(args.constructorArgs),
      }),
  });

/** @throws {DrError} OPTION_INVALID. */
export function parseConstructorArguments(text: string): readonly unknown[] {
  try {
    const parsed: unknown = JSON.parse(text);
    if (Array.isArray(parsed)) {
      return parsed;
    }
  } catch {
    // Said below, as for everything else that isn't an array.
  }
  throw new DrError("OPTION_INVALID", {
    option: "--constructor-args",
    value: text,
    expected: "a JSON array",
  });
}

export default action;
