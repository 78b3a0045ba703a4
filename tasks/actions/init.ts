import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { DrError } from "../../src/core/errors.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { writeDeployFile } from "../../src/deployments/write.js";
import { formatInit, initToJson } from "../../src/display/init.js";
import type { Session } from "../../src/session/open-session.js";
import {
  prepareInit,
  type InitOptions,
} from "../../src/session/prepare-init.js";
import { requireConsentPossible } from "./apply.js";
import { runTask } from "./output.js";
import { connect } from "./session.js";

interface InitArguments {
  readonly contracts: string[];
  readonly import: boolean;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
}

const action: NewTaskActionFunction<InitArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    requireConsentPossible(args);
    const session = await connect(hre);
    const prepared = await prepareInit(session, initOptions(args));
    const { plan, target } = prepared;
    output.text(formatInit(prepared, output.paint));
    const isWritten = plan.status !== "unchanged" && !args.dryRun;
    if (isWritten) {
      await confirmWriting(session, args, hre);
      await writeDeployFile(target, plan.file);
    }
    return {
      json: initToJson(prepared, session.ports.network, isWritten),
      exitCode: EXIT_CODES.done,
    };
  });

export default action;

/** `--import foundry`: --import takes no value, so that it can stand alone, and the tool is an argument. */
function initOptions({
  contracts,
  import: isImport,
}: InitArguments): InitOptions {
  const tool = isImport
    ? contracts.find((argument) => !argument.includes("="))
    : undefined;
  return {
    contracts: contracts.filter((argument) => argument !== tool),
    ...(isImport ? { importFrom: tool ?? "auto" } : {}),
  };
}

/** @throws {DrError} NOT_CONFIRMED. */
async function confirmWriting(
  { ports, isDevelopment }: Session,
  { yes }: InitArguments,
  { interruptions }: HardhatRuntimeEnvironment,
): Promise<void> {
  if (yes) {
    return;
  }
  const question = isDevelopment
    ? "Write this? [y/N]"
    : `This is ${ports.network}. Type its name to write this`;
  const answer = (
    await interruptions.requestInput("hardhat-dr", question)
  ).trim();
  const isConfirmed = isDevelopment
    ? /^y(es)?$/i.test(answer)
    : answer === ports.network;
  if (!isConfirmed) {
    throw new DrError("NOT_CONFIRMED", {});
  }
}
