import { ArgumentType } from "hardhat/types/arguments";

import { drTask } from "./builders.js";

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
