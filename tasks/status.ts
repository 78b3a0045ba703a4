import { drTask } from "./builders.js";

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
