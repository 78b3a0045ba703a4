import { AsyncLocalStorage } from "node:async_hooks";

import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { systemClock } from "../../src/core/clock.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { whoRuns } from "../../src/core/who-runs.js";
import {
  recordTask,
  type TaskEnd,
} from "../../src/incident/declared/record-task.js";
import { describeArguments } from "../../src/incident/declared/task-arguments.js";
import { chosenNetwork } from "./session.js";

/** What a task runs by itself, a drill above all, isn't part of the incident. */
const isInside = new AsyncLocalStorage<true>();

/** A task's action that enters when it began, how it ended, and the run it made. */
export function recordedRun(
  task: string,
  action: NewTaskActionFunction,
): NewTaskActionFunction {
  return async (args, hre) => {
    if (isInside.getStore() === true) {
      return (await action(args, hre)) as unknown;
    }
    const { network, folder } = chosenNetwork(hre);
    const recording = recordTask(
      {
        incidents: hre.config.dr.paths.incidents,
        clock: systemClock,
        deployments: folder,
        onFailure: (reason) => {
          process.stderr.write(
            `Not entered into the incident's timeline: ${reason}\n`,
          );
        },
      },
      {
        task,
        arguments: describeArguments(args),
        network,
        by: whoRuns(),
      },
    );
    try {
      const result = await isInside.run(
        true,
        async () => (await action(args, hre)) as unknown,
      );
      await recording.end(endOf(result));
      return result;
    } catch (error) {
      await recording.end({ exitCode: EXIT_CODES.error });
      throw error;
    }
  };
}

/** As `runTask` has left it: the exit code, and in what `--json` prints the rest. */
function endOf(result: unknown): TaskEnd {
  const { run, error } = (result ?? {}) as {
    readonly run?: unknown;
    readonly error?: { readonly code?: unknown };
  };
  return {
    exitCode: Number(process.exitCode ?? EXIT_CODES.done),
    ...(typeof run === "string" ? { run } : {}),
    ...(typeof error?.code === "string" ? { code: error.code } : {}),
  };
}
