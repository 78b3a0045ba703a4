import { resolve } from "node:path";

import type { NewTaskActionFunction } from "hardhat/types/tasks";

import {
  generateKey,
  KEY_PURPOSES,
  type KeyPurpose,
} from "../../src/artifact/generate-keys.js";
import { DrError } from "../../src/core/errors.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import {
  formatGeneratedKey,
  generatedKeyToJson,
} from "../../src/display/keys.js";
import { runTask } from "./output.js";

interface GenerateArguments {
  readonly file: string;
  readonly for: string;
  readonly json: boolean;
}

const action: NewTaskActionFunction<GenerateArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    const file = resolve(hre.config.paths.root, args.file);
    const key = await generateKey(parsePurpose(args.for), file);
    output.text(formatGeneratedKey(key, output.paint));
    return { json: generatedKeyToJson(key), exitCode: EXIT_CODES.done };
  });

export default action;

/** @throws {DrError} OPTION_INVALID. */
function parsePurpose(value: string): KeyPurpose {
  const purpose = KEY_PURPOSES.find((one) => one === value);
  if (purpose === undefined) {
    throw new DrError("OPTION_INVALID", {
      option: "--for",
      value,
      expected: `one of ${KEY_PURPOSES.join(", ")}`,
    });
  }
  return purpose;
}
