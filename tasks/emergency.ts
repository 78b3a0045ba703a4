import { ArgumentType } from "hardhat/types/arguments";

import { changingTask } from "./builders.js";

export const emergencyTask = changingTask(
  "dr:emergency",
  "Pause and upgrade in one transaction of a Safe, past the timelock",
)
  .addFlag({ name: "all", description: "Every contract in deploy.json" })
  .addOption({
    name: "to",
    description:
      "A contract of this project, an implementation's address, or previous",
    defaultValue: "previous",
  })
  .addFlag({ name: "unpause", description: "Unpause in the same transaction" })
  .addOption({
    name: "constructorArgs",
    description: "The constructor's arguments as a JSON array",
    defaultValue: "[]",
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
  .setAction(() => import("./actions/emergency.js"))
  .build();
