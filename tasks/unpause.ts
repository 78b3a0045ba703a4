import { changingTask } from "./builders.js";

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
