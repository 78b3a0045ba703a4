import { stat } from "node:fs/promises";
import { join } from "node:path";

import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { systemClock } from "../../src/core/clock.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { ifThere } from "../../src/core/if-there.js";
import { openEngine } from "../../src/database/open-engine.js";
import {
  formatReadiness,
  readinessToJson,
} from "../../src/display/readiness.js";
import { readCurrentContracts } from "../../src/readiness/contracts.js";
import { assessReadiness } from "../../src/readiness/readiness.js";
import { openTarget, parseAge } from "./offsite.js";
import { runTask } from "./output.js";
import { chosenNetwork, connect } from "./session.js";

interface ReadinessArguments {
  readonly maxAge: string;
  readonly json: boolean;
}

const action: NewTaskActionFunction<ReadinessArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    const maxAgeMs = parseAge("--max-age", args.maxAge);
    const { network, folder } = chosenNetwork(hre);
    const hasContracts = await ifThere(stat(join(folder, "deploy.json")));
    const readiness = await assessReadiness(
      {
        config: hre.config.dr,
        network,
        folder,
        clock: systemClock,
        ...(hasContracts === undefined
          ? {}
          : {
              readContracts: async () =>
                await readCurrentContracts((await connect(hre)).ports),
            }),
        engine: await openEngine(hre.config.dr, hre.config.paths.root),
        openTarget,
      },
      maxAgeMs,
    );
    output.text(formatReadiness(readiness, output.paint));
    return {
      json: readinessToJson(readiness),
      exitCode: readiness.isReady ? EXIT_CODES.done : EXIT_CODES.refused,
    };
  });

export default action;
