import { changingTask } from "./builders.js";

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
