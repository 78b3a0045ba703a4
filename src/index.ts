import type { HardhatPlugin } from "hardhat/types/plugins";

import {
  backupRestoreTask,
  backupTask,
  dbBackupTask,
  dbRecoverTask,
  dbRestoreTask,
  dbRollbackTask,
  dbVerifyTask,
  drillTask,
  readinessTask,
  historyTask,
  emergencyTask,
  incidentAckTask,
  incidentCloseTask,
  incidentListTask,
  incidentNoteTask,
  incidentOpenTask,
  incidentReportTask,
  initTask,
  keysGenerateTask,
  notifyTestTask,
  offsiteListTask,
  offsitePruneTask,
  offsiteReplicateTask,
  offsiteRestoreTask,
  offsiteTestTask,
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
  scheduleTask,
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
import { recorded } from "../tasks/recorded.js";

export type * from "./type-extensions.js";

export type {
  DrUserConfig,
  VerifyCheck,
  VerifyContext,
} from "./config/types.js";

export type { DisasterRecovery } from "./session/disaster-recovery.js";

export { defineScenario } from "./drill/scenario.js";
export { measureEqual } from "./drill/measurement.js";
export type { Copies } from "./drill/copies.js";
export type { Measurement } from "./drill/measurement.js";
export type {
  CustomCheck,
  CustomInjection,
  CustomRecovery,
  InjectionSpec,
  RecoverySpec,
  Scenario,
} from "./drill/scenario.js";
export type { DrillReport } from "./drill/report.js";

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
    drillTask,
    readinessTask,
    historyTask,
    resumeTask,
    runsTask,
    safeStatusTask,
    safeProposeTask,
    safeSignTask,
    safeExecuteTask,
    safePresignTask,
    safeCheckTask,
    incidentOpenTask,
    incidentNoteTask,
    incidentAckTask,
    incidentCloseTask,
    incidentListTask,
    incidentReportTask,
    backupTask,
    backupRestoreTask,
    dbBackupTask,
    dbRecoverTask,
    dbRestoreTask,
    dbRollbackTask,
    dbVerifyTask,
    snapshotTask,
    snapshotVerifyTask,
    snapshotRestoreTask,
    keysGenerateTask,
    offsiteReplicateTask,
    offsiteListTask,
    offsitePruneTask,
    offsiteRestoreTask,
    offsiteTestTask,
    scheduleTask,
    notifyTestTask,
  ].map(recorded),
  hookHandlers: {
    config: () => import("./hooks/config.js"),
    network: () => import("./hooks/network.js"),
  },
};

export default hardhatDr;
