import { existsSync } from "node:fs";
import { join } from "node:path";

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NewTaskActionFunction } from "hardhat/types/tasks";

import {
  backUpConfiguration,
  planConfiguration,
} from "../../src/backup/configuration.js";
import {
  backUpFiles,
  planFiles,
  type FileBackupContext,
} from "../../src/backup/files.js";
import {
  toMade,
  type BackupPart,
  type PartKind,
  type PartResult,
} from "../../src/backup/part.js";
import { swapRecordFile } from "../../src/backup/folder.js";
import { openPlace, requireEncryption } from "../../src/backup/place.js";
import { planBackup, type PartPlan } from "../../src/backup/run-backup.js";
import { findBrokenOff } from "../../src/backup/swap-record.js";
import { systemClock } from "../../src/core/clock.js";
import { DrError, isDrError } from "../../src/core/errors.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import type { Meter } from "../../src/core/meter.js";
import { readDeployFile } from "../../src/deployments/read.js";
import { listLocalArtifacts } from "../../src/offsite/local-artifacts.js";
import {
  backupPlanToJson,
  formatBackupPlan,
} from "../../src/display/backup.js";
import { announcingReplication } from "./announce-replication.js";
import { Interruption } from "./apply.js";
import { backupContext } from "./backup-context.js";
import { databasePart } from "./database-part.js";
import { tellError } from "./keep-report.js";
import { makeBackups } from "./make-backups.js";
import { chooseTargets } from "./offsite.js";
import { replicateAll } from "./offsite-replicate.js";
import { runTask, type Output, type TaskResult } from "./output.js";
import { withBar } from "./progress.js";
import { chosenNetwork, connect } from "./session.js";
import { snapshotWithBar } from "./snapshot-with-bar.js";

const WEEK_MS = 7 * 86_400_000;

interface BackupArguments {
  readonly only: string | undefined;
  readonly full: boolean;
  readonly dryRun: boolean;
  readonly json: boolean;
}

const action: NewTaskActionFunction<BackupArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    const context = backupContext(hre);
    const interruption = new Interruption("BACKUP_INTERRUPTED");
    const parts = backupParts(hre, output, context, interruption, args);
    const run = {
      parts,
      after: [offsitePart(hre, output)],
      ...(args.only === undefined ? {} : { only: parseOnly(args.only, parts) }),
    };
    if (args.dryRun) {
      return showPlan(await planBackup(run), output);
    }
    return await makeBackups(
      {
        ...run,
        context,
        interruption,
        // What is backed up then may be half of what it should be.
        findTrouble: async () =>
          await findBrokenOff(swapRecordFile(context.config)),
      },
      output,
    );
  });

export default action;

/** As the first part that can't be made has it. */
function showPlan(plans: readonly PartPlan[], output: Output): TaskResult {
  output.text(formatBackupPlan(plans, output.paint));
  const errors = plans.flatMap(({ error }) =>
    error === undefined ? [] : [error],
  );
  errors.forEach(tellError);
  const [first] = errors;
  return {
    json: backupPlanToJson(plans),
    exitCode:
      first === undefined
        ? EXIT_CODES.done
        : isDrError(first)
          ? first.exitCode
          : EXIT_CODES.error,
  };
}

/** How much of it is packed already. */
async function packWithBar(
  title: string,
  output: Output,
  context: FileBackupContext,
  work: (watched: FileBackupContext) => Promise<PartResult>,
): Promise<PartResult> {
  return await withBar(
    {
      title,
      work: async (meter: Meter) => await work({ ...context, meter }),
      tell: ({ artifacts }: PartResult) =>
        artifacts.map(({ name }) => name).join(", "),
    },
    output,
  );
}

function backupParts(
  hre: HardhatRuntimeEnvironment,
  output: Output,
  context: FileBackupContext,
  interruption: Interruption,
  { full }: BackupArguments,
): readonly BackupPart[] {
  const { files, configuration } = context.config;
  return [
    databasePart(context, output, interruption, { jobs: 1, hashes: true }),
    {
      kind: "contracts",
      isConfigured: existsSync(join(chosenNetwork(hre).folder, "deploy.json")),
      plan: async () => await planContracts(hre, context),
      run: async () => await backUpContracts(hre, output),
    },
    {
      kind: "files",
      isConfigured: files.length > 0,
      plan: async () => await planFiles(context, full),
      run: async () =>
        await packWithBar(
          "files",
          output,
          context,
          async (watched) => await backUpFiles(watched, full),
        ),
    },
    {
      kind: "configuration",
      isConfigured: configuration.length > 0,
      plan: async () => await planConfiguration(context),
      run: async () =>
        await packWithBar(
          "configuration",
          output,
          context,
          backUpConfiguration,
        ),
    },
  ];
}

async function planContracts(
  hre: HardhatRuntimeEnvironment,
  { config, clock, tool }: FileBackupContext,
): Promise<readonly string[]> {
  const { ports } = await connect(hre);
  const { network, folder: deployments } = ports;
  const { file } = await readDeployFile(join(deployments, "deploy.json"));
  const { folder } = await openPlace(config, "contracts", clock, tool);
  const names = Object.keys(file.contracts).join(", ");
  return [`${names} on ${network}, into ${folder}`];
}

async function backUpContracts(
  hre: HardhatRuntimeEnvironment,
  output: Output,
): Promise<PartResult> {
  const { ports } = await connect(hre);
  const taken = await snapshotWithBar(ports, hre.config.dr, output);
  return { artifacts: [toMade(taken)], notices: [] };
}

/** What was just made, and what is still missing there of the week before. */
function offsitePart(
  hre: HardhatRuntimeEnvironment,
  output: Output,
): BackupPart {
  const { dr } = hre.config;
  return {
    kind: "offsite",
    isConfigured: dr.backup.offsite,
    plan: async () => {
      await requireEncryption(dr.encryption);
      const names = chooseTargets(dr, "").map(({ name }) => name);
      return [
        `what was made, and what is missing of the last week, to ${names.join(", ")}`,
      ];
    },
    run: async () => {
      const all = { target: "", dryRun: false };
      const { report, path } = await announcingReplication(
        all,
        hre,
        output,
        async () => {
          chooseTargets(dr, "");
          await requireEncryption(dr.encryption);
          const since = new Date(systemClock.now().getTime() - WEEK_MS);
          const artifacts = await listLocalArtifacts(
            dr.paths.backups,
            dr.project,
            since,
          );
          return await replicateAll(
            artifacts,
            all,
            hre,
            output,
            new Interruption("OFFSITE_INTERRUPTED"),
          );
        },
      );
      const { status, summary } = report;
      if (status !== "SUCCESS") {
        throw new DrError("OFFSITE_INCOMPLETE", { summary, report: path });
      }
      return { artifacts: [], notices: [summary] };
    },
  };
}

/** @throws {DrError} OPTION_INVALID. */
function parseOnly(
  value: string,
  parts: readonly BackupPart[],
): readonly PartKind[] {
  const known = parts.map(({ kind }) => kind);
  return value.split(",").map((name) => {
    const kind = known.find((one) => one === name.trim());
    if (kind === undefined) {
      throw new DrError("OPTION_INVALID", {
        option: "--only",
        value,
        expected: `a list of ${known.join(", ")}`,
      });
    }
    return kind;
  });
}
