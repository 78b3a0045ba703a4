import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { openEngine } from "../../src/database/open-engine.js";
import {
  readRecord,
  restoreRecordFile,
} from "../../src/database/restore-record.js";
import {
  formatBrokenOff,
  formatRuns,
  type BrokenOffRestore,
} from "../../src/display/runs.js";
import { listRuns } from "../../src/run/list-runs.js";
import { runTask } from "./output.js";
import { chosenNetwork } from "./session.js";

const action: NewTaskActionFunction<{ readonly json: boolean }> = async (
  { json },
  hre,
) =>
  await runTask({ json }, async (output) => {
    const { network, folder } = chosenNetwork(hre);
    const runs = await listRuns(folder);
    output.text(formatRuns(runs, folder, output.paint));
    const restore = await findBrokenOff(hre);
    if (restore !== undefined) {
      output.text(formatBrokenOff(restore));
    }
    return {
      json: {
        network,
        runs: runs.map((run) => ({ ...run })),
        databaseRestore:
          restore === undefined
            ? null
            : {
                what: restore.what,
                database: restore.database,
                startedAt: restore.startedAt,
              },
      },
      exitCode: EXIT_CODES.done,
    };
  });

export default action;

/** What `dr:resume` goes on with first: written down here, or by the engine. */
async function findBrokenOff(
  hre: HardhatRuntimeEnvironment,
): Promise<BrokenOffRestore | undefined> {
  const record = await readRecord(restoreRecordFile(hre.config.dr));
  if (record !== undefined) {
    return { what: "restore", ...record };
  }
  const engine = await openEngine(hre.config.dr, hre.config.paths.root);
  const broken = await engine.findBrokenOff?.();
  return broken === undefined
    ? undefined
    : {
        what: broken.address === undefined ? "undo" : "restore",
        database: await engine.describe(),
        startedAt: broken.startedAt,
      };
}
