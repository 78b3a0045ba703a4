import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { EXIT_CODES } from "../../src/core/exit-codes.js";
import {
  readRecord,
  restoreRecordFile,
} from "../../src/database/restore-record.js";
import { formatBrokenOff, formatRuns } from "../../src/display/runs.js";
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
    const restore = await readRecord(restoreRecordFile(hre.config.dr));
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
            : { database: restore.database, startedAt: restore.startedAt },
      },
      exitCode: EXIT_CODES.done,
    };
  });

export default action;
