import { ArgumentType } from "hardhat/types/arguments";

import { changingTask, drTask } from "./builders.js";

export const timelockStatusTask = drTask(
  "dr:timelock:status",
  "Show what is scheduled with timelocks and AccessManagers: strangers' operations first",
)
  .addFlag({
    name: "all",
    description: "Also what is done, cancelled or expired",
  })
  .addPositionalArgument({
    name: "timelock",
    description:
      "A timelock or an AccessManager; default: deploy.json's and all over its contracts",
    defaultValue: "",
  })
  .setAction(() => import("./actions/timelock-status.js"))
  .build();

export const timelockScheduleTask = changingTask(
  "dr:timelock:schedule",
  "Schedule calls with a timelock, several as one operation",
)
  .addOption({
    name: "timelock",
    description: "Its address; default: deploy.json's, or the only one",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "salt",
    description: "32 bytes; default: derived from the calls",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "predecessor",
    description: "Id of the operation that must be done before",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "delay",
    description: "Seconds; default: the least that the timelock takes",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addVariadicArgument({
    name: "calls",
    description:
      "NAME.method(args) …; NAME is a contract of deploy.json, timelock, or an address",
  })
  .setAction(() => import("./actions/timelock-schedule.js"))
  .build();

export const timelockExecuteTask = changingTask(
  "dr:timelock:execute",
  "Execute a scheduled operation once it is ready",
)
  .addOption({
    name: "timelock",
    description:
      "Where it is scheduled; default: deploy.json's and all over its contracts",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "salt",
    description: "32 bytes, where the chain doesn't tell it",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addPositionalArgument({
    name: "id",
    description: "As dr:timelock:status shows it",
  })
  .setAction(() => import("./actions/timelock-execute.js"))
  .build();

export const timelockCancelTask = changingTask(
  "dr:timelock:cancel",
  "Cancel a scheduled operation",
)
  .addOption({
    name: "timelock",
    description:
      "Where it is scheduled; default: deploy.json's and all over its contracts",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addPositionalArgument({
    name: "id",
    description: "As dr:timelock:status shows it",
  })
  .setAction(() => import("./actions/timelock-cancel.js"))
  .build();
