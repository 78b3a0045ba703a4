import type { HardhatPlugin } from "hardhat/types/plugins";

import {
  backupRestoreTask,
  backupTask,
  dbBackupTask,
  dbRestoreTask,
  dbVerifyTask,
  dbRollbackTask,
  emergencyTask,
  incidentReportTask,
  initTask,
  keysGenerateTask,
  offsiteListTask,
  offsitePruneTask,
  offsiteReplicateTask,
  offsiteRestoreTask,
  pauseTask,
  rehearseTask,
  resumeTask,
  rollbackTask,
  runsTask,
  safeCheckTask,
  safeExecuteTask,
  safePresignTask,
  safeProposeTask,
  safeSignTask,
  safeStatusTask,
  snapshotRestoreTask,
  snapshotTask,
  snapshotVerifyTask,
  statusTask,
  timelockCancelTask,
  timelockExecuteTask,
  timelockScheduleTask,
  timelockStatusTask,
  unpauseTask,
  upgradeTask,
} from "../tasks/declarations.js";

export type * from "./type-extensions.js";

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
    safePresignTask,
    safeCheckTask,
    incidentReportTask,
    backupTask,
    backupRestoreTask,
    dbBackupTask,
    dbRestoreTask,
    dbVerifyTask,
    dbRollbackTask,
    snapshotTask,
    snapshotVerifyTask,
    snapshotRestoreTask,
    keysGenerateTask,
    offsiteReplicateTask,
    offsiteListTask,
    offsitePruneTask,
    offsiteRestoreTask,
  ],
  hookHandlers: {
    config: () => import("./hooks/config.js"),
    network: () => import("./hooks/network.js"),
  },
};

export default hardhatDr;
