/**
 * The command line: every task with its options. In one file and without heavy
 * imports, since all of it is loaded at each start of Hardhat.
 */
import { task } from "hardhat/config";
import { ArgumentType } from "hardhat/types/arguments";
import type { NewTaskDefinitionBuilder } from "hardhat/types/tasks";

import { actions } from "./lazy-actions.js";

interface DrArguments {
  readonly json: boolean;
}

interface ChangingArguments extends DrArguments {
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly from: string | undefined;
  readonly route: string | undefined;
  readonly confirmations: string | undefined;
  readonly privateRpc: string | undefined;
}

const YES = { name: "yes", description: "Don't ask for confirmation" } as const;

/** What every task takes: `--json`. */
function drTask(
  id: string,
  description: string,
): NewTaskDefinitionBuilder<DrArguments> {
  return task(id, description).addFlag({
    name: "json",
    description: "Print one JSON object on stdout and nothing else there",
  });
}

/** What every task takes that changes something. */
function changingTask(
  id: string,
  description: string,
): NewTaskDefinitionBuilder<ChangingArguments> {
  return drTask(id, description)
    .addFlag({
      name: "dryRun",
      description: "Print the plan and touch nothing",
    })
    .addFlag(YES)
    .addOption({
      name: "from",
      description: "The account to act with; default: whoever may",
      type: ArgumentType.STRING_WITHOUT_DEFAULT,
      defaultValue: undefined,
    })
    .addOption({
      name: "route",
      description:
        "Who shall act: direct, safe, timelock or access-manager; default: whoever is best",
      type: ArgumentType.STRING_WITHOUT_DEFAULT,
      defaultValue: undefined,
    })
    .addOption({
      name: "confirmations",
      description: "Blocks to wait for, a transaction's own included",
      type: ArgumentType.STRING_WITHOUT_DEFAULT,
      defaultValue: undefined,
    })
    .addOption({
      name: "privateRpc",
      description:
        "Send transactions to this RPC, where a watcher can't see them",
      type: ArgumentType.STRING_WITHOUT_DEFAULT,
      defaultValue: undefined,
    });
}

const ACCEPT_STORAGE_RISK = {
  name: "acceptStorageRisk",
  description: "Storage slots, by comma, that may be misread afterwards",
  type: ArgumentType.STRING_WITHOUT_DEFAULT,
  defaultValue: undefined,
} as const;

export const initTask = drTask(
  "dr:init",
  "Write deploy.json from the chain and from other tools' records",
)
  .addFlag({
    name: "dryRun",
    description: "Show what would be written and touch nothing",
  })
  .addFlag(YES)
  .addFlag({
    name: "import",
    description:
      "Read the records of openzeppelin, hardhat-deploy, rocketh, ignition or foundry: the one named, or whichever is there",
  })
  .addVariadicArgument({
    name: "contracts",
    description:
      "NAME=0xPROXY …; with --import also the tool; default: those in deploy.json",
    defaultValue: [],
  })
  .setAction(actions.init)
  .build();

export const statusTask = drTask(
  "dr:status",
  "Show every contract: kind, version, paused, who may pause and upgrade, drift",
)
  .addVariadicArgument({
    name: "names",
    description: "Contracts by their name in deploy.json; default: all",
    defaultValue: [],
  })
  .setAction(actions.status)
  .build();

export const pauseTask = changingTask(
  "dr:pause",
  "Pause contracts, all in the fewest blocks",
)
  .addFlag({ name: "all", description: "Every contract in deploy.json" })
  .addOption({
    name: "prove",
    description:
      "NAME.method(args): show on a fork that this call reverts now, while views answer",
    defaultValue: "",
  })
  .addVariadicArgument({
    name: "names",
    description: "Contracts by their name in deploy.json",
    defaultValue: [],
  })
  .setAction(actions.pause)
  .build();

export const unpauseTask = changingTask(
  "dr:unpause",
  "Unpause contracts, all in the fewest blocks",
)
  .addFlag({ name: "all", description: "Every contract in deploy.json" })
  .addVariadicArgument({
    name: "names",
    description: "Contracts by their name in deploy.json",
    defaultValue: [],
  })
  .setAction(actions.unpause)
  .build();

export const rollbackTask = changingTask(
  "dr:rollback",
  "Pause, go back to an earlier implementation, verify, unpause",
)
  .addFlag({ name: "all", description: "Every contract in deploy.json" })
  .addOption({
    name: "to",
    description: "A version, an address, or previous",
    defaultValue: "previous",
  })
  .addFlag({ name: "noPause", description: "Don't pause first" })
  .addFlag({
    name: "keepPaused",
    description: "Leave the contracts paused at the end",
  })
  .addOption(ACCEPT_STORAGE_RISK)
  .addVariadicArgument({
    name: "names",
    description: "Contracts by their name in deploy.json",
    defaultValue: [],
  })
  .setAction(actions.rollback)
  .build();

export const upgradeTask = changingTask(
  "dr:upgrade",
  "Validate, deploy, upgrade, verify",
)
  .addOption({
    name: "to",
    description: "A contract of this project, or an implementation's address",
    defaultValue: "",
  })
  .addOption({
    name: "constructorArgs",
    description: "The constructor's arguments as a JSON array",
    defaultValue: "[]",
  })
  .addPositionalArgument({
    name: "name",
    description: "The contract's name in deploy.json",
  })
  .setAction(actions.upgrade)
  .build();

export const emergencyTask = changingTask(
  "dr:emergency",
  "Pause and upgrade in one transaction of a Safe, past the timelock",
)
  .addFlag({ name: "all", description: "Every contract in deploy.json" })
  .addOption({
    name: "to",
    description:
      "A contract of this project, an implementation's address, or previous",
    defaultValue: "previous",
  })
  .addFlag({ name: "unpause", description: "Unpause in the same transaction" })
  .addOption({
    name: "constructorArgs",
    description: "The constructor's arguments as a JSON array",
    defaultValue: "[]",
  })
  .addOption(ACCEPT_STORAGE_RISK)
  .addVariadicArgument({
    name: "names",
    description: "Contracts by their name in deploy.json",
    defaultValue: [],
  })
  .setAction(actions.emergency)
  .build();

export const rehearseTask = drTask(
  "dr:rehearse",
  "Run pause, rollback, upgrade or emergency on a fork of the network, and report",
)
  .addFlag({ name: "all", description: "Every contract in deploy.json" })
  .addOption({
    name: "to",
    description:
      "Rollback: a version, an address, or previous. Upgrade: a contract or an address",
    defaultValue: "",
  })
  .addFlag({ name: "noPause", description: "Rollback: don't pause first" })
  .addFlag({
    name: "keepPaused",
    description: "Rollback: leave the contracts paused at the end",
  })
  .addOption({
    name: "acceptStorageRisk",
    description:
      "Rollback: storage slots, by comma, that may be misread afterwards",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addFlag({
    name: "unpause",
    description: "Emergency: unpause in the same transaction",
  })
  .addOption({
    name: "route",
    description:
      "Who shall act: direct, safe, timelock or access-manager; default: whoever is best",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "constructorArgs",
    description: "Upgrade: the constructor's arguments as a JSON array",
    defaultValue: "[]",
  })
  .addOption({
    name: "from",
    description:
      "The account to act as, held or not; default: whoever has the authority",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "confirmations",
    description: "Blocks each step would wait for on the real chain",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addPositionalArgument({
    name: "procedure",
    description: "pause, rollback, upgrade or emergency",
  })
  .addVariadicArgument({
    name: "names",
    description: "Contracts by their name in deploy.json",
    defaultValue: [],
  })
  .setAction(actions.rehearse)
  .build();

export const timelockStatusTask = drTask(
  "dr:timelock:status",
  "Show what is scheduled with timelocks and AccessManagers: strangers' operations first",
)
  .addFlag({
    name: "all",
    description: "Also what is done, cancelled or expired",
  })
  .addPositionalArgument({
    name: "timelock",
    description:
      "A timelock or an AccessManager; default: deploy.json's and all over its contracts",
    defaultValue: "",
  })
  .setAction(actions.timelockStatus)
  .build();

export const timelockScheduleTask = changingTask(
  "dr:timelock:schedule",
  "Schedule calls with a timelock, several as one operation",
)
  .addOption({
    name: "timelock",
    description: "Its address; default: deploy.json's, or the only one",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "salt",
    description: "32 bytes; default: derived from the calls",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "predecessor",
    description: "Id of the operation that must be done before",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "delay",
    description: "Seconds; default: the least that the timelock takes",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addVariadicArgument({
    name: "calls",
    description:
      "NAME.method(args) …; NAME is a contract of deploy.json, timelock, or an address",
  })
  .setAction(actions.timelockSchedule)
  .build();

export const timelockExecuteTask = changingTask(
  "dr:timelock:execute",
  "Execute a scheduled operation once it is ready",
)
  .addOption({
    name: "timelock",
    description:
      "Where it is scheduled; default: deploy.json's and all over its contracts",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "salt",
    description: "32 bytes, where the chain doesn't tell it",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addPositionalArgument({
    name: "id",
    description: "As dr:timelock:status shows it",
  })
  .setAction(actions.timelockExecute)
  .build();

export const timelockCancelTask = changingTask(
  "dr:timelock:cancel",
  "Cancel a scheduled operation",
)
  .addOption({
    name: "timelock",
    description:
      "Where it is scheduled; default: deploy.json's and all over its contracts",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addPositionalArgument({
    name: "id",
    description: "As dr:timelock:status shows it",
  })
  .setAction(actions.timelockCancel)
  .build();

const ACCEPT_DANGER = {
  name: "acceptDanger",
  description: "Dangers, by comma, that were looked at and are meant",
  type: ArgumentType.STRING_WITHOUT_DEFAULT,
  defaultValue: undefined,
} as const;

const PROPOSAL = {
  name: "proposal",
  description: "Its safeTxHash, or its file",
} as const;

export const safeProposeTask = drTask(
  "dr:safe:propose",
  "Write a proposal for calls by a Safe, to be signed",
)
  .addFlag({ name: "dryRun", description: "Show it and write nothing" })
  .addFlag(YES)
  .addOption({
    name: "safe",
    description: "The Safe's address; default: governance.safe of deploy.json",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "nonce",
    description: "Default: the Safe's next",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption(ACCEPT_DANGER)
  .addVariadicArgument({
    name: "calls",
    description: "NAME.method(args) …, all or none of them",
  })
  .setAction(actions.safePropose)
  .build();

export const safeSignTask = drTask(
  "dr:safe:sign",
  "Show a Safe's transaction in full and sign it",
)
  .addFlag({ name: "dryRun", description: "Show it and sign nothing" })
  .addFlag(YES)
  .addOption({
    name: "from",
    description: "The owner to sign as; default: the first whose key is here",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "signature",
    description: "A signature made elsewhere: 0x…",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "merge",
    description: "A copy of the file that others have signed",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addFlag({
    name: "service",
    description:
      "Exchange signatures with the Safe Transaction Service of dr.safeService",
  })
  .addOption(ACCEPT_DANGER)
  .addPositionalArgument(PROPOSAL)
  .setAction(actions.safeSign)
  .build();

export const safeStatusTask = drTask(
  "dr:safe:status",
  "Show who has signed a Safe's transaction, and whether it can be executed",
)
  .addPositionalArgument({
    ...PROPOSAL,
    description: `${PROPOSAL.description}; default: all`,
    defaultValue: "",
  })
  .setAction(actions.safeStatus)
  .build();

export const safeExecuteTask = changingTask(
  "dr:safe:execute",
  "Execute a Safe's transaction that enough owners have signed",
)
  .addOption(ACCEPT_DANGER)
  .addPositionalArgument(PROPOSAL)
  .setAction(actions.safeExecute)
  .build();

export const safePresignTask = drTask(
  "dr:safe:presign",
  "Prepare a Safe's pause or rollback for its next nonces, to be signed in calm",
)
  .addFlag({ name: "dryRun", description: "Show it and write nothing" })
  .addFlag(YES)
  .addFlag({ name: "all", description: "Every contract in deploy.json" })
  .addOption({
    name: "nonces",
    description: "For how many of the Safe's nonces",
    defaultValue: "3",
  })
  .addOption(ACCEPT_STORAGE_RISK)
  .addPositionalArgument({
    name: "procedure",
    description: "pause or rollback",
  })
  .addVariadicArgument({
    name: "names",
    description: "Contracts by their name in deploy.json",
    defaultValue: [],
  })
  .setAction(actions.safePresign)
  .build();

export const safeCheckTask = drTask(
  "dr:safe:check",
  "Say of each presigned transaction whether it would work right now",
)
  .addVariadicArgument({
    name: "proposals",
    description: `${PROPOSAL.description}; default: all that are presigned`,
    defaultValue: [],
  })
  .setAction(actions.safeCheck)
  .build();

export const drillTask = drTask(
  "dr:drill",
  "Break copies of everything and bring them back by the tasks of an incident: is it true that we could?",
)
  .addFlag({
    name: "dryRun",
    description: "Show the phases and what would be made, and make nothing",
  })
  .addOption({
    name: "seed",
    description: "Repeats what chance made of an earlier drill",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "scenario",
    description: "Scenarios by their names, by comma; default: all",
    defaultValue: "",
  })
  .setAction(actions.drill)
  .build();

export const readinessTask = drTask(
  "dr:readiness",
  "Say of each procedure and each backup when it was proven to work, and whether that still holds",
)
  .addOption({
    name: "maxAge",
    description: "A proof that is older has decayed: 12h, 90d, 26w",
    defaultValue: "90d",
  })
  .setAction(actions.readiness)
  .build();

export const historyTask = drTask(
  "dr:history",
  "Show every drill, restore test and rehearsal: what came of it, and how fast",
)
  .addFlag({
    name: "markdown",
    description:
      "Write dr.paths.exercises (docs/recovery-exercises.md), or bring it up to date; your own notes in it stay",
  })
  .addOption({
    name: "html",
    description: "Write the trend to this file, a page that needs nothing else",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .setAction(actions.history)
  .build();

export const resumeTask = changingTask(
  "dr:resume",
  "Go on with an interrupted or waiting run",
)
  .addPositionalArgument({
    name: "run",
    description: "As dr:runs lists it; default: the only unfinished one",
    defaultValue: "",
  })
  .setAction(actions.resume)
  .build();

export const runsTask = drTask("dr:runs", "List the runs of a network")
  .setAction(actions.runs)
  .build();

export const backupTask = drTask(
  "dr:backup",
  "Back up everything that is configured: database, contracts, files, configuration",
)
  .addOption({
    name: "only",
    description: "Kinds of backups, by comma: database,files,configuration",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addFlag({
    name: "full",
    description: "All files, also those that have not changed",
  })
  .addFlag({
    name: "dryRun",
    description: "Show what would be made, and make nothing",
  })
  .setAction(actions.backup)
  .build();

export const dbBackupTask = drTask(
  "dr:db:backup",
  "Back up the database, and keep with it what proves a restore",
)
  .addFlag({
    name: "dryRun",
    description: "See whether it can be done, and touch nothing",
  })
  .addOption({
    name: "format",
    description:
      "What pg_dump writes: custom, plain (SQL) or directory; default: custom",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "jobs",
    description:
      "How many tables are dumped at a time, in directory format; needs room for an uncompressed dump",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "type",
    description:
      "What is copied: full, diff or incr. Only with the engine pgbackrest; default: its own",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addFlag({
    name: "noHashes",
    description:
      "Count rows but don't hash them: faster, and a restore proves less",
  })
  .setAction(actions.dbBackup)
  .build();

export const dbRollbackTask = drTask(
  "dr:db:rollback",
  "Undo a migration: in one transaction, after a fresh backup, with what it changes shown",
)
  .addFlag({
    name: "dryRun",
    description:
      "Apply it in a transaction that is rolled back, and show what it changes",
  })
  .addFlag(YES)
  .addFlag({
    name: "allowOutsideTransaction",
    description:
      "Run what can't be in a transaction; a failure half-way isn't undone then",
  })
  .addPositionalArgument({
    name: "migration",
    description: "The SQL file that undoes it: migrations/002_add_bio.down.sql",
  })
  .setAction(actions.dbRollback)
  .build();

const DATABASE_BACKUP = {
  name: "file",
  description: "A backup's name or path, or latest; default: latest",
  defaultValue: "latest",
} as const;

const RESTORE_JOBS = {
  name: "jobs",
  description:
    "How many tables and indexes are restored at a time; more than one needs room for the dump in the clear",
  type: ArgumentType.STRING_WITHOUT_DEFAULT,
  defaultValue: undefined,
} as const;

const NO_OWNER = {
  name: "noOwner",
  description:
    "Leave out owners and privileges, where the roles that have them are missing",
} as const;

const ACCEPT_UNAUTHENTICATED = {
  name: "acceptUnauthenticated",
  description: "Take a backup though nothing proves who made it",
} as const;

export const dbRestoreTask = drTask(
  "dr:db:restore",
  "Restore the database beside the live one, prove it, then swap them",
)
  .addFlag({
    name: "dryRun",
    description: "Check it, show what would be done, and touch nothing",
  })
  .addFlag(YES)
  .addFlag({
    name: "undo",
    description: "Bring back the database that was put aside last",
  })
  .addOption({
    name: "before",
    description: "The newest backup before a time: 2024-01-15T14:00:00Z",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "targetTime",
    description:
      "A moment to come back to: 2024-01-15T14:00:00Z. Only with the engine pgbackrest",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "targetLsn",
    description:
      "A place in the log to come back to: 0/16B3748. Only with the engine pgbackrest",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "into",
    description: "The name of a new database; the live one isn't touched then",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption(RESTORE_JOBS)
  .addFlag(NO_OWNER)
  .addFlag(ACCEPT_UNAUTHENTICATED)
  .addFlag({
    name: "keep",
    description: "Keep what came out when it isn't what was backed up",
  })
  .addPositionalArgument(DATABASE_BACKUP)
  .setAction(actions.dbRestore)
  .build();

export const dbVerifyTask = drTask(
  "dr:db:verify",
  "Restore a backup of the database on trial, and write down that it is good",
)
  .addFlag({
    name: "fast",
    description: "Only digests and who made it; proves no restore",
  })
  .addFlag({
    name: "keep",
    description: "Keep the database that came out",
  })
  .addOption(RESTORE_JOBS)
  .addFlag(NO_OWNER)
  .addFlag(ACCEPT_UNAUTHENTICATED)
  .addPositionalArgument(DATABASE_BACKUP)
  .setAction(actions.dbVerify)
  .build();

export const dbRecoverTask = drTask(
  "dr:db:recover",
  "Bring back rows that were deleted or changed by accident, with all that belongs to them",
)
  .addOption({
    name: "table",
    description: "Whose rows: profiles, or app.profiles",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "from",
    description: "A backup's name or path, or latest; default: latest",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "before",
    description: "The newest backup before a time: 2024-01-15T14:00:00Z",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "fromDatabase",
    description:
      "A database of the same server that holds the old rows, instead of a backup",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "where",
    description: "Only old rows for which this holds, as after WHERE in SQL",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addFlag({
    name: "changed",
    description: "Also rows that are there but aren't what they were",
  })
  .addFlag({
    name: "children",
    description: "Also what hung on missing rows by foreign keys",
  })
  .addOption({
    name: "key",
    description:
      "Of a table without a primary key: columns, by comma, that tell its rows apart",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "csv",
    description: "A file for all values: where, why, key, column, old and live",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addFlag({
    name: "apply",
    description: "Write them, once they were shown; default: only show them",
  })
  .addFlag({ name: "yes", description: "Don't ask for confirmation" })
  .addOption(RESTORE_JOBS)
  .addFlag(NO_OWNER)
  .addFlag(ACCEPT_UNAUTHENTICATED)
  .setAction(actions.dbRecover)
  .build();

export const backupRestoreTask = drTask(
  "dr:backup:restore",
  "Restore files or configuration from a backup; what is there is put aside",
)
  .addFlag({
    name: "dryRun",
    description: "Check it, show what would be done, and touch nothing",
  })
  .addFlag(YES)
  .addOption({
    name: "into",
    description: "A folder to restore into instead of the own places",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addPositionalArgument({
    name: "name",
    description: "The backup's name; files or configuration: the newest",
  })
  .setAction(actions.backupRestore)
  .build();

export const snapshotTask = drTask(
  "dr:snapshot",
  "Keep everything about the contracts: state, code, sources, deploy.json",
)
  .setAction(actions.snapshot)
  .build();

const SNAPSHOT = {
  name: "name",
  description: "A snapshot's name or path; default: the network's newest",
  defaultValue: "",
} as const;

const RECOMPILE = {
  name: "recompile",
  description: "Compile its sources, and compare the bytecode",
} as const;

export const snapshotVerifyTask = drTask(
  "dr:snapshot:verify",
  "Show that a snapshot is whole, and what has changed on the chain since",
)
  .addFlag({
    name: "live",
    description: "Compare with the chain now, field by field",
  })
  .addFlag(RECOMPILE)
  .addPositionalArgument(SNAPSHOT)
  .setAction(actions.snapshotVerify)
  .build();

export const snapshotRestoreTask = drTask(
  "dr:snapshot:restore",
  "Put deploy.json, layouts, manifests and artifacts back from a snapshot",
)
  .addFlag({ name: "dryRun", description: "Print the plan and touch nothing" })
  .addFlag(YES)
  .addFlag(RECOMPILE)
  .addPositionalArgument(SNAPSHOT)
  .setAction(actions.snapshotRestore)
  .build();

export const keysGenerateTask = drTask(
  "dr:keys:generate",
  "Make a key for backups, in a file that only you can read",
)
  .addOption({
    name: "for",
    description: "encryption, signing or age",
    defaultValue: "encryption",
  })
  .addPositionalArgument({
    name: "file",
    description: "Where to; one that is there is never touched",
  })
  .setAction(actions.keysGenerate)
  .build();

const TARGET = {
  name: "target",
  description: "One of dr.offsite.targets by its name; default: all",
  defaultValue: "",
} as const;

export const offsiteReplicateTask = drTask(
  "dr:offsite:replicate",
  "Upload encrypted backups to all offsite targets, and let old ones go there",
)
  .addFlag({
    name: "dryRun",
    description: "Show what would be sent and removed, and touch nothing",
  })
  .addFlag(YES)
  .addOption({
    name: "since",
    description: "How far back: 12h, 7d, 2w",
    defaultValue: "7d",
  })
  .addOption(TARGET)
  .setAction(actions.offsiteReplicate)
  .build();

export const offsiteListTask = drTask(
  "dr:offsite:list",
  "Show what backups the offsite targets have, and whether any are missing or changed",
)
  .addFlag({
    name: "manifests",
    description: "Read all manifests, however many there are",
  })
  .addOption(TARGET)
  .setAction(actions.offsiteList)
  .build();

export const offsitePruneTask = drTask(
  "dr:offsite:prune",
  "Remove offsite backups that are too old and needed by nobody",
)
  .addFlag({
    name: "dryRun",
    description: "Show what would be removed, and touch nothing",
  })
  .addFlag(YES)
  .addOption(TARGET)
  .setAction(actions.offsitePrune)
  .build();

export const offsiteRestoreTask = drTask(
  "dr:offsite:restore",
  "Download a backup, prove it, and restore it; without arguments a menu",
)
  .addFlag({
    name: "dryRun",
    description: "Download and prove it, show the plan, and touch nothing",
  })
  .addFlag(YES)
  .addOption({
    name: "target",
    description: "One of dr.offsite.targets by its name; default: the first",
    defaultValue: "",
  })
  .addOption({
    name: "region",
    description: "The target in this region",
    defaultValue: "",
  })
  .addOption({
    name: "before",
    description: "The newest backup before a time: 2024-01-15T14:00:00Z",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "into",
    description: "A folder to restore into instead of the own places",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addFlag({
    name: "acceptUnauthenticated",
    description: "Take an old script's backup, which nothing proves",
  })
  .addVariadicArgument({
    name: "what",
    description:
      "database, contracts, files or configuration and a backup's name or latest; or full",
    defaultValue: [],
  })
  .setAction(actions.offsiteRestore)
  .build();

export const offsiteTestTask = drTask(
  "dr:offsite:test",
  "Restore a backup of each offsite target on trial, and report what was measured",
)
  .addOption(TARGET)
  .addOption({
    name: "only",
    description: "database or contracts; default: both, and both must pass",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addFlag({
    name: "random",
    description: "Any complete backup instead of the newest",
  })
  .addOption({
    name: "seed",
    description: "Draw the same random backups as a test that printed it",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addFlag({
    name: "keep",
    description: "Keep the database that came out, to look at it",
  })
  .addOption(RESTORE_JOBS)
  .addFlag(NO_OWNER)
  .setAction(actions.offsiteTest)
  .build();

export const scheduleTask = drTask(
  "dr:schedule",
  "Write what makes backups, restore tests and drills happen by themselves",
)
  .addOption({
    name: "target",
    description: "Who runs it: cron, github, systemd or kubernetes",
    defaultValue: "",
  })
  .addOption({
    name: "out",
    description:
      "A folder to write into; default: .github/workflows, or schedules/TARGET",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "image",
    description: "Of kubernetes: a container image that holds this project",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addFlag({
    name: "force",
    description: "Also in the place of files that say something else",
  })
  .addFlag({
    name: "dryRun",
    description: "Print the files, and what would change, and write nothing",
  })
  .setAction(actions.schedule)
  .build();

export const notifyTestTask = drTask(
  "dr:notify:test",
  "Send a test message by each channel and measure how long it takes",
)
  .addFlag({
    name: "page",
    description: "Wake whoever is on call, for the whole way to be tested",
  })
  .addFlag(YES)
  .addVariadicArgument({
    name: "channels",
    description:
      "slack, pagerduty, email, webhook; default: all that are set up",
    defaultValue: [],
  })
  .setAction(actions.notifyTest)
  .build();

const INCIDENT = {
  name: "incident",
  description: "An incident's id; default: the only open one",
  type: ArgumentType.STRING_WITHOUT_DEFAULT,
  defaultValue: undefined,
} as const;

export const incidentOpenTask = drTask(
  "dr:incident:open",
  "Open an incident: whom to call and until when; every task is entered into its timeline",
)
  .addOption({
    name: "title",
    description: "What is wrong, in one line",
    defaultValue: "",
  })
  .addOption({
    name: "severity",
    description: "critical, high, medium or low; default: critical",
    defaultValue: "critical",
  })
  .addOption({
    name: "impact",
    description: "Who and what is affected",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "detectedAt",
    description: "When the first sign was seen: 2024-01-15T14:00:00Z",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addOption({
    name: "detection",
    description: "What the first sign was, and who saw it",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addFlag({
    name: "dryRun",
    description: "Show who would be called, and open nothing",
  })
  .setAction(actions.incidentOpen)
  .build();

export const incidentNoteTask = drTask(
  "dr:incident:note",
  "Enter something into an incident's timeline",
)
  .addOption(INCIDENT)
  .addOption({
    name: "run",
    description:
      "Also a run that belongs to it and was made before it was opened, as dr:runs lists it",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addVariadicArgument({
    name: "text",
    description: "What was seen, found or decided",
  })
  .setAction(actions.incidentNote)
  .build();

export const incidentAckTask = drTask(
  "dr:incident:ack",
  "Acknowledge an incident: you are at it, and nobody else is called",
)
  .addOption(INCIDENT)
  .setAction(actions.incidentAck)
  .build();

export const incidentCloseTask = drTask(
  "dr:incident:close",
  "Close an incident, write its report and begin its post-mortem",
)
  .addOption(INCIDENT)
  .addOption({
    name: "resolution",
    description: "What ended it",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addFlag({
    name: "dryRun",
    description: "Show what would be closed, and touch nothing",
  })
  .setAction(actions.incidentClose)
  .build();

export const incidentListTask = drTask(
  "dr:incident:list",
  "List open incidents and post-mortems that are due; exit code 4 when something is late",
)
  .addFlag({
    name: "all",
    description: "Also those that are closed and through with",
  })
  .setAction(actions.incidentList)
  .build();

export const incidentReportTask = drTask(
  "dr:incident:report",
  "Write the report of an incident or of a run, or bring it up to date",
)
  .addOption({
    name: "title",
    description: "Of a run's new document; one that exists keeps its own",
    type: ArgumentType.STRING_WITHOUT_DEFAULT,
    defaultValue: undefined,
  })
  .addPositionalArgument({
    name: "run",
    description:
      "An incident's id, or a run as dr:runs lists it; default: the open incident, else the newest run",
    defaultValue: "",
  })
  .setAction(actions.incidentReport)
  .build();
