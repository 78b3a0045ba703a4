import { recordLocalProof } from "../../backup/proof.js";
import type { DrConfig } from "../../config/types.js";
import { DrError } from "../../core/errors.js";
import {
  inDatabase,
  nameOfDatabase,
  parseDatabaseUrl,
  type Access,
} from "../access.js";
import {
  backUpDatabase,
  DUMP_FORMATS,
  planDatabaseBackup,
  type DatabaseBackupOptions,
} from "../backup.js";
import { configuredAccess } from "../configured.js";
import type {
  BackupChoices,
  Engine,
  FoundBackup,
  RollbackChoices,
  TrialWork,
} from "../engine.js";
import { findAmongArtifacts } from "../find-among-artifacts.js";
import {
  applyRollback,
  prepareRollback,
  type RollbackOptions,
} from "../migrations/rollback.js";
import { requireOther } from "../other.js";
import { recoverRows } from "../recover/recover.js";
import { prepareRecovery } from "../recover/writable.js";
import { withRestored } from "../recover/with-restored.js";
import { restoreRecordFile } from "../restore-record.js";
import { prepareDatabaseRestore, restoreDatabase } from "../restore.js";
import type { Dump } from "../restore-source.js";
import { prepareUndo, undoRestore } from "../restore-undo.js";
import { verifyBackup } from "../verify.js";

/** A server, backed up with the programs of this machine: dumps as artifacts. */
export function openPostgres(config: DrConfig, project: string): Engine {
  const live = async () => await configuredAccess(config);
  return {
    describe: async () => nameOfDatabase(await live()),
    requireChoices: (choices) => {
      toDumpOptions(choices);
    },
    planBackup: async (context, choices) => {
      const options = toDumpOptions(choices);
      const { pgDump, ...plan } = await planDatabaseBackup(context, options);
      return { ...plan, tool: pgDump };
    },
    backUp: async (context, choices) => {
      const options = toDumpOptions(choices);
      const { written, ...made } = await backUpDatabase(context, options);
      const { artifact: name, createdAt: at } = written.manifest;
      return { ...made, name, at, artifact: written };
    },
    find: async (wanted, meter) => {
      const database = async () => (await live()).database;
      const where = { config, project, database };
      return toFound(await findAmongArtifacts(where, wanted, meter), config);
    },
    prepareUndo: async () => await prepareUndo(await live()),
    undo: async (clock) => await undoRestore({ access: await live(), clock }),
    withOther: async (name, work) => {
      const here = await live();
      requireOther(name, name, here.database);
      return await work(inDatabase(here, name));
    },
    prepareRecovery: async (table, isWritten) => {
      await prepareRecovery(await live(), table, isWritten);
    },
    recover: async (old, request, ports) =>
      await recoverRows(old, await live(), request, ports),
    prepareRollback: async (file, choices) =>
      await prepareRollback(file, await rollbackOptions(config, choices)),
    applyRollback: async (prepared, choices, backUp) =>
      await applyRollback(
        prepared,
        await rollbackOptions(config, choices),
        backUp,
      ),
  };
}

/** Several jobs are only for the directory format. @throws {DrError} OPTION_INVALID. */
function toDumpOptions({
  format: name,
  type,
  jobs,
  hashes,
}: BackupChoices): DatabaseBackupOptions {
  if (type !== undefined) {
    throw invalid("--type", type, "left out: a dump is always of all");
  }
  const wanted = name ?? (jobs > 1 ? "directory" : "custom");
  const format = DUMP_FORMATS.find((one) => one === wanted);
  if (format === undefined) {
    throw invalid("--format", wanted, DUMP_FORMATS.join(", "));
  }
  if (jobs > 1 && format !== "directory") {
    throw invalid("--format", wanted, "directory, the only one with --jobs");
  }
  return { format, jobs, hashes };
}

function invalid(option: string, value: string, expected: string): DrError {
  return new DrError("OPTION_INVALID", { option, value, expected });
}

async function rollbackOptions(
  config: DrConfig,
  { allowOutsideTransaction, clock, signal }: RollbackChoices,
): Promise<RollbackOptions> {
  return {
    access: await configuredAccess(config),
    lockTimeoutSeconds: config.database?.lockTimeoutSeconds ?? 0,
    allowOutsideTransaction,
    clock,
    signal,
  };
}

function toFound(dump: Dump, config: DrConfig): FoundBackup {
  const live = async () => await configuredAccess(config);
  const record = restoreRecordFile(config);
  const criticalTables = config.database?.criticalTables ?? [];
  const onTrial = async <T extends TrialWork>(work: T) => {
    const access = await trialAccess(config);
    return { ...work, access, like: access.database, record };
  };
  return {
    ...dump,
    prepareRestore: async (choices) => {
      const options = { ...choices, access: await live() };
      const { tool, notices } = await prepareDatabaseRestore(dump, options);
      return { tool: tool.path, notices };
    },
    restore: async (work) =>
      await restoreDatabase(dump, {
        ...work,
        access: await live(),
        record,
        criticalTables,
      }),
    verify: async (work) =>
      await verifyBackup(dump, {
        ...(await onTrial(work)),
        criticalTables,
      }),
    recordProof: async (at, how) => await recordLocalProof(dump.path, at, how),
    withRestored: async (work, use) =>
      await withRestored(
        dump,
        { ...(await onTrial(work)), criticalTables: [] },
        use,
      ),
  };
}

/** The server where backups are restored on trial. */
export async function trialAccess(config: DrConfig): Promise<Access> {
  const url = config.database?.verify.url;
  return url === undefined
    ? await configuredAccess(config)
    : parseDatabaseUrl(await url.get());
}
