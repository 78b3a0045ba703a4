import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as delay } from "node:timers/promises";

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { messageOf } from "../../src/core/errors.js";
import { namesIn } from "../../src/core/names-in.js";

/** What a task waits at most, when all is done and said, for the look at the incidents. */
const LIMIT_MS = 3_000;

/** What a task runs by itself needn't look again. */
const isInside = new AsyncLocalStorage<true>();

/**
 * A task's action that looks after the incidents meanwhile: what nobody has
 * acknowledged in time is escalated, whatever somebody came for. Nothing here
 * makes the task fail, or wait before it is through. What is cut off is told by
 * whoever looks next.
 */
export function watchedRun(
  action: NewTaskActionFunction,
  limitMs = LIMIT_MS,
): NewTaskActionFunction {
  return async (args, hre) => {
    if (isInside.getStore() === true) {
      return (await action(args, hre)) as unknown;
    }
    const looking = look(hre);
    try {
      return await isInside.run(
        true,
        async () => (await action(args, hre)) as unknown,
      );
    } finally {
      const over = new AbortController();
      const { signal } = over;
      await Promise.race([
        looking,
        delay(limitMs, undefined, { signal }).catch(() => undefined),
      ]);
      over.abort();
    }
  };
}

/** Never throws. */
async function look(hre: HardhatRuntimeEnvironment): Promise<void> {
  try {
    if ((await namesIn(hre.config.dr.paths.incidents)).length === 0) {
      return;
    }
    // Loaded here: most of the time there is no incident.
    const { lookForDue, responsePorts } = await import("./respond.js");
    const later: Promise<unknown>[] = [];
    const output = {
      progress: (line: string) => {
        process.stderr.write(`${line}\n`);
      },
      afterwards: (work: Promise<unknown>) => {
        later.push(work);
      },
    };
    await lookForDue(responsePorts(hre, output), output);
    await Promise.all(later);
  } catch (error) {
    process.stderr.write(
      `The incidents couldn't be looked after: ${messageOf(error)}\n`,
    );
  }
}
