import { ArgumentType } from "hardhat/types/arguments";

import { changingTask } from "./builders.js";

export const rollbackTask = changingTask(
  "dr:rollback",
  "Pause, go back to an earlier implementation, verify, unpause",
)
  .addFlag({ name: "all", description: "Every contract in deploy.json" })
  .addOption({
    name: "to",
    description: "A version, an address, or previous",
    defaultValue: "previous",
  })
  .addFlag({ name: "noPause", description: "Don't pause first" })
  .addFlag({
    name: "keepPaused",
    description: "Leave the contracts paused at the end",
  })
  .addOption({
    name: "acceptStorageRisk",
    description: "Storage slots, by comma, that may be misread afterwards",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addVariadicArgument({
    name: "names",
    description: "Contracts by their name in deploy.json",
    defaultValue: [],
  })
  .setAction(() => import("./actions/rollback.js"))
  .build();
