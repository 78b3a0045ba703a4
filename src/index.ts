import type { HardhatPlugin } from "hardhat/types/plugins";

import { emergencyTask } from "../tasks/emergency.js";
import { incidentReportTask } from "../tasks/incident.js";
import { initTask } from "../tasks/init.js";
import { pauseTask } from "../tasks/pause.js";
import { rehearseTask } from "../tasks/rehearse.js";
import { resumeTask } from "../tasks/resume.js";
import { rollbackTask } from "../tasks/rollback.js";
import { runsTask } from "../tasks/runs.js";
import {
  safeExecuteTask,
  safeProposeTask,
  safeSignTask,
  safeStatusTask,
} from "../tasks/safe.js";
import { statusTask } from "../tasks/status.js";
import {
  timelockCancelTask,
  timelockExecuteTask,
  timelockScheduleTask,
  timelockStatusTask,
} from "../tasks/timelock.js";
import { unpauseTask } from "../tasks/unpause.js";
import { upgradeTask } from "../tasks/upgrade.js";
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
