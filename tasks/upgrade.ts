import { changingTask } from "./builders.js";

export const upgradeTask = changingTask(
  "dr:upgrade",
  "Validate, deploy, upgrade, verify",
)
  .addOption({
    name: "to",
    description: "A contract of this project, or an implementation's address",
    defaultValue: "",
  })
  .addOption({
    name: "constructorArgs",
    description: "The constructor's arguments as a JSON array",
    defaultValue: "[]",
  })
  .addPositionalArgument({
    name: "name",
    description: "The contract's name in deploy.json",
  })
  .setAction(() => import("./actions/upgrade.js"))
  .build();
