import { drTask } from "./builders.js";

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
