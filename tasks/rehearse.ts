import { ArgumentType } from "hardhat/types/arguments";

import { drTask } from "./builders.js";

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
