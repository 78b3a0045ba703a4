import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NewTaskActionFunction } from "hardhat/types/tasks";

import {
  formatPermission,
  permissionToJson,
} from "../../src/authority/describe.js";
import type { Json } from "../../src/core/canonical-json.js";
import { systemClock } from "../../src/core/clock.js";
import { messageOf } from "../../src/core/errors.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { formatStatus, statusToJson } from "../../src/display/status.js";
import { readStatus, type Status } from "../../src/recovery/status.js";
import { runTask, type Output } from "./output.js";
import { chosenNetwork, connect } from "./session.js";

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
    const reading = readStatus(ports, names);
    // Meanwhile, from the disk.
    const summing = summarize(hre, reading, output);
    const status = await reading;
    output.text(formatStatus(status, words, output.paint));
    const proofs = await summing;
    output.text(proofs.text);
    return {
      json: {
        ...(statusToJson(status, words) as object),
        proofs: proofs.json,
      },
      exitCode: EXIT_CODES.done,
    };
  });

export default action;

/** How things stand is shown whether or not it can be told what was proven. */
async function summarize(
  hre: HardhatRuntimeEnvironment,
  reading: Promise<Status>,
  { paint }: Output,
): Promise<{ readonly text: string; readonly json: Json }> {
  const now = systemClock.now();
  try {
    const [{ summarizeProofs }, { formatProofSummary, proofSummaryToJson }] =
      await Promise.all([
        import("../../src/readiness/summary.js"),
        import("../../src/display/readiness.js"),
      ]);
    const place = { ...chosenNetwork(hre), config: hre.config.dr, now };
    const summary = await summarizeProofs(place, reading);
    return {
      text: formatProofSummary(summary, now, paint),
      json: proofSummaryToJson(summary),
    };
  } catch (error) {
    const text = `Proofs can't be read: ${messageOf(error)}\n`;
    return { text, json: null };
  }
}
