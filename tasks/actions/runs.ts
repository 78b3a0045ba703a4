import { join } from "node:path";

import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { formatRuns } from "../../src/display/runs.js";
import { listRuns } from "../../src/run/list-runs.js";
import { runTask } from "./output.js";

/** What Hardhat calls the network when none is named. */
const DEFAULT_NETWORK = "default";

const action: NewTaskActionFunction<{ readonly json: boolean }> = async (
  { json },
  { config, globalOptions },
) =>
  await runTask({ json }, async (output) => {
    // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- its type forgets that nobody need name it
    const network = globalOptions.network ?? DEFAULT_NETWORK;
    const folder = join(config.dr.paths.deployments, network);
    const runs = await listRuns(folder);
    output.text(formatRuns(runs, folder, output.paint));
    return {
      json: { network, runs: runs.map((run) => ({ ...run })) },
      exitCode: EXIT_CODES.done,
    };
  });

export default action;
