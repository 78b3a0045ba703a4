import type { HardhatPlugin } from "hardhat/types/plugins";

import {
  emergencyTask,
  initTask,
  pauseTask,
  rehearseTask,
  rollbackTask,
  statusTask,
  unpauseTask,
  upgradeTask,
} from "../tasks/contracts.js";
import { incidentReportTask, resumeTask, runsTask } from "../tasks/runs.js";
import {
  safeExecuteTask,
  safeProposeTask,
  safeSignTask,
  safeStatusTask,
} from "../tasks/safe.js";
import {
  timelockCancelTask,
  timelockExecuteTask,
  timelockScheduleTask,
  timelockStatusTask,
} from "../tasks/timelock.js";
import "./type-extensions.js";

export type {
  DrUserConfig,
  VerifyCheck,
  VerifyContext,
} from "./config/types.js";

export type { DisasterRecovery } from "./session/disaster-recovery.js";

/** Disaster recovery for dapps, as `npx hardhat dr:*`. */
const hardhatDr: HardhatPlugin = {
  id: "hardhat-dr",
  npmPackage: "hardhat-dr",
  tasks: [
    initTask,
    statusTask,
    pauseTask,
    unpauseTask,
    rollbackTask,
    upgradeTask,
    emergencyTask,
    timelockStatusTask,
    timelockScheduleTask,
    timelockExecuteTask,
    timelockCancelTask,
    rehearseTask,
    resumeTask,
    runsTask,
    safeStatusTask,
    safeProposeTask,
    safeSignTask,
    safeExecuteTask,
    incidentReportTask,
  ],
  hookHandlers: {
    config: () => import("./hooks/config.js"),
    network: () => import("./hooks/network.js"),
  },
};

export default hardhatDr;
