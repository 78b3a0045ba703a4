import { changingTask } from "./builders.js";

export const resumeTask = changingTask(
  "dr:resume",
  "Go on with an interrupted or waiting run",
)
  .addPositionalArgument({
    name: "run",
    description: "As dr:runs lists it; default: the only unfinished one",
    defaultValue: "",
  })
  .setAction(() => import("./actions/resume.js"))
  .build();
