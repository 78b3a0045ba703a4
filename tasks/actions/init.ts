import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { writeDeployFile } from "../../src/deployments/write.js";
import { formatInit, initToJson } from "../../src/display/init.js";
import {
  prepareInit,
  type InitOptions,
} from "../../src/session/prepare-init.js";
import { requireConsent, requireConsentPossible } from "./apply.js";
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
      await requireConsent("write this", session, args, hre);
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
