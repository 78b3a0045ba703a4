import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { formatTime } from "../../src/core/time.js";
import { readScheduled } from "../../src/recovery/operations/schedule.js";
import { prepareSchedule } from "../../src/session/timelock-procedure.js";
import {
  parseAddress,
  parseSeconds,
  parseWord,
  type ChangingArguments,
} from "./session.js";
import { changeOperation } from "./timelock-change.js";

interface ScheduleArguments extends ChangingArguments {
  readonly calls: string[];
  readonly timelock?: string | undefined;
  readonly salt?: string | undefined;
  readonly predecessor?: string | undefined;
  readonly delay?: string | undefined;
}

const action: NewTaskActionFunction<ScheduleArguments> = async (args, hre) =>
  await changeOperation(args, hre, async (session) => {
    const { plan, resolution } = await prepareSchedule(
      session,
      parseOptions(args),
    );
    const { intent } = resolution;
    const { timelock, id, calls, predecessor, salt, delaySeconds } = intent;
    return {
      plan,
      facts: {
        timelock,
        id,
        salt,
        predecessor,
        delaySeconds: Number(delaySeconds),
        calls: calls.map((call) => ({ ...call })),
      },
      tell: async () => {
        const state = await readScheduled(session.ports, intent);
        const readyAt =
          "readyAt" in state ? formatTime(state.readyAt) : undefined;
        return {
          text: `${id} is ready at ${readyAt ?? "(done)"}; then: npx hardhat dr:timelock:execute ${id}\n`,
          json: { readyAt: readyAt ?? null },
        };
      },
    };
  });

function parseOptions({
  calls,
  timelock,
  salt,
  predecessor,
  delay,
}: ScheduleArguments): Parameters<typeof prepareSchedule>[1] {
  return {
    calls,
    ...(timelock === undefined
      ? {}
      : { timelock: parseAddress("--timelock", timelock) }),
    ...(salt === undefined ? {} : { salt: parseWord("--salt", salt) }),
    ...(predecessor === undefined
      ? {}
      : { predecessor: parseWord("--predecessor", predecessor) }),
    ...(delay === undefined
      ? {}
      : { delaySeconds: parseSeconds("--delay", delay) }),
  };
}

export default action;
