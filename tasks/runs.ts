import { ArgumentType } from "hardhat/types/arguments";

import { changingTask, drTask } from "./builders.js";

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

export const runsTask = drTask("dr:runs", "List the runs of a network")
  .setAction(() => import("./actions/runs.js"))
  .build();

export const incidentReportTask = drTask(
  "dr:incident:report",
  "Write the incident document of a run, or bring it up to date",
)
  .addOption({
    name: "title",
    description: "Of a new document; one that exists keeps its own",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addPositionalArgument({
    name: "run",
    description: "As dr:runs lists it; default: the newest",
    defaultValue: "",
  })
  .setAction(() => import("./actions/incident-report.js"))
  .build();
