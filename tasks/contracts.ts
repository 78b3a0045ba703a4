import { ArgumentType } from "hardhat/types/arguments";

import { changingTask, drTask } from "./builders.js";

export const initTask = drTask(
  "dr:init",
  "Write deploy.json from the chain and from other tools' records",
)
  .addFlag({
    name: "dryRun",
    description: "Show what would be written and touch nothing",
  })
  .addFlag({ name: "yes", description: "Don't ask for confirmation" })
  .addFlag({
    name: "import",
    description:
      "Read the records of openzeppelin, hardhat-deploy, rocketh, ignition or foundry: the one named, or whichever is there",
  })
  .addVariadicArgument({
    name: "contracts",
    description:
      "NAME=0xPROXY …; with --import also the tool; default: those in deploy.json",
    defaultValue: [],
  })
  .setAction(() => import("./actions/init.js"))
  .build();

export const statusTask = drTask(
  "dr:status",
  "Show every contract: kind, version, paused, who may pause and upgrade, drift",
)
  .addVariadicArgument({
    name: "names",
    description: "Contracts by their name in deploy.json; default: all",
    defaultValue: [],
  })
  .setAction(() => import("./actions/status.js"))
  .build();

export const pauseTask = changingTask(
  "dr:pause",
  "Pause contracts, all in the fewest blocks",
)
  .addFlag({ name: "all", description: "Every contract in deploy.json" })
  .addOption({
    name: "prove",
    description:
      "NAME.method(args): show on a fork that this call reverts now, while views answer",
    defaultValue: "",
  })
  .addVariadicArgument({
    name: "names",
    description: "Contracts by their name in deploy.json",
    defaultValue: [],
  })
  .setAction(() => import("./actions/pause.js"))
  .build();

export const unpauseTask = changingTask(
  "dr:unpause",
  "Unpause contracts, all in the fewest blocks",
)
  .addFlag({ name: "all", description: "Every contract in deploy.json" })
  .addVariadicArgument({
    name: "names",
    description: "Contracts by their name in deploy.json",
    defaultValue: [],
  })
  .setAction(() => import("./actions/unpause.js"))
  .build();

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

export const rehearseTask = drTask(
  "dr:rehearse",
  "Run pause, rollback, upgrade or emergency on a fork of the network, and report",
)
  .addFlag({ name: "all", description: "Every contract in deploy.json" })
  .addOption({
    name: "to",
    description:
      "Rollback: a version, an address, or previous. Upgrade: a contract or an address",
    defaultValue: "",
  })
  .addFlag({ name: "noPause", description: "Rollback: don't pause first" })
  .addFlag({
    name: "keepPaused",
    description: "Rollback: leave the contracts paused at the end",
  })
  .addOption({
    name: "acceptStorageRisk",
    description:
      "Rollback: storage slots, by comma, that may be misread afterwards",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addFlag({
    name: "unpause",
    description: "Emergency: unpause in the same transaction",
  })
  .addOption({
    name: "route",
    description:
      "Who shall act: direct, safe, timelock or access-manager; default: whoever is best",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "constructorArgs",
    description: "Upgrade: the constructor's arguments as a JSON array",
    defaultValue: "[]",
  })
  .addOption({
    name: "from",
    description:
      "The account to act as, held or not; default: whoever has the authority",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "confirmations",
    description: "Blocks each step would wait for on the real chain",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addPositionalArgument({
    name: "procedure",
    description: "pause, rollback, upgrade or emergency",
  })
  .addVariadicArgument({
    name: "names",
    description: "Contracts by their name in deploy.json",
    defaultValue: [],
  })
  .setAction(() => import("./actions/rehearse.js"))
  .build();
