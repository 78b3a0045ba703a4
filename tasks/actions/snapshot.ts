import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { formatSnapshot, snapshotToJson } from "../../src/display/snapshot.js";
import { runTask } from "./output.js";
import { connect } from "./session.js";
import { snapshotWithBar } from "./snapshot-with-bar.js";

interface SnapshotArguments {
  readonly json: boolean;
}

const action: NewTaskActionFunction<SnapshotArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    const { ports } = await connect(hre);
    const { dr } = hre.config;
    const taken = await snapshotWithBar(ports, dr, output);
    for (const name of Object.keys(dr.snapshot.views)) {
      if (!Object.hasOwn(taken.snapshot.contracts, name)) {
        output.progress(
          `dr.snapshot.views names ${name}, which isn't in deploy.json.`,
        );
      }
    }
    output.text(formatSnapshot(taken, output.paint));
    return { json: snapshotToJson(taken), exitCode: EXIT_CODES.done };
  });

export default action;
