/**
 * The tasks' actions, each loaded when its task runs. Apart from the long
 * declarations: Hardhat's loader (tsx) parses and rewrites, at each start, all
 * of a file that has a dynamic import.
 */
export const actions = {
  init: () => import("./actions/init.js"),
  status: () => import("./actions/status.js"),
  pause: () => import("./actions/pause.js"),
  unpause: () => import("./actions/unpause.js"),
  rollback: () => import("./actions/rollback.js"),
  upgrade: () => import("./actions/upgrade.js"),
  emergency: () => import("./actions/emergency.js"),
  rehearse: () => import("./actions/rehearse.js"),
  timelockStatus: () => import("./actions/timelock-status.js"),
  timelockSchedule: () => import("./actions/timelock-schedule.js"),
  timelockExecute: () => import("./actions/timelock-execute.js"),
  timelockCancel: () => import("./actions/timelock-cancel.js"),
  safePropose: () => import("./actions/safe-propose.js"),
  safeSign: () => import("./actions/safe-sign.js"),
  safePresign: () => import("./actions/safe-presign.js"),
  safeCheck: () => import("./actions/safe-check.js"),
  safeStatus: () => import("./actions/safe-status.js"),
  safeExecute: () => import("./actions/safe-execute.js"),
  resume: () => import("./actions/resume.js"),
  runs: () => import("./actions/runs.js"),
  backup: () => import("./actions/backup.js"),
  dbBackup: () => import("./actions/db-backup.js"),
  backupRestore: () => import("./actions/backup-restore.js"),
  snapshot: () => import("./actions/snapshot.js"),
  snapshotVerify: () => import("./actions/snapshot-verify.js"),
  snapshotRestore: () => import("./actions/snapshot-restore.js"),
  keysGenerate: () => import("./actions/keys-generate.js"),
  offsiteReplicate: () => import("./actions/offsite-replicate.js"),
  offsiteList: () => import("./actions/offsite-list.js"),
  offsitePrune: () => import("./actions/offsite-prune.js"),
  offsiteRestore: () => import("./actions/offsite-restore.js"),
  incidentReport: () => import("./actions/incident-report.js"),
} as const;
