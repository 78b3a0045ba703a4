import type { NewTaskActionFunction } from "hardhat/types/tasks";

import {
  formatPermission,
  permissionToJson,
} from "../../src/authority/describe.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { formatStatus, statusToJson } from "../../src/display/status.js";
import { readStatus } from "../../src/recovery/status.js";
import { runTask } from "./output.js";
import { connect } from "./session.js";

interface StatusArguments {
  readonly names: string[];
  readonly json: boolean;
}

const words = { toText: formatPermission, toJson: permissionToJson };

const action: NewTaskActionFunction<StatusArguments> = async (
  { names, json },
  hre,
) =>
  await runTask({ json }, async (output) => {
    const { ports } = await connect(hre);
    const status = await readStatus(ports, names);
    output.text(formatStatus(status, words, output.paint));
    return { json: statusToJson(status, words), exitCode: EXIT_CODES.done };
  });

export default action;
