import { drTask } from "./builders.js";

export const runsTask = drTask("dr:runs", "List the runs of a network")
  .setAction(() => import("./actions/runs.js"))
  .build();
