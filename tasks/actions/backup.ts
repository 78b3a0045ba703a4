import { existsSync } from "node:fs";
import { join } from "node:path";

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { backUpConfiguration } from "../../src/backup/configuration.js";
import { backUpFiles, type FileBackupContext } from "../../src/backup/files.js";
import {
  toMade,
  type BackupPart,
  type PartKind,
  type PartResult,
} from "../../src/backup/part.js";
import { swapRecordFile } from "../../src/backup/folder.js";
import { requireEncryption } from "../../src/backup/place.js";
import { pruneLocally } from "../../src/backup/prune.js";
import {
  exitCodeOf,
  failuresOf,
  runBackup,
} from "../../src/backup/run-backup.js";
import { findBrokenOff } from "../../src/backup/swap-record.js";
import { writeBackupReport } from "../../src/backup/write-report.js";
import { systemClock } from "../../src/core/clock.js";
import { DrError } from "../../src/core/errors.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import type { Meter } from "../../src/core/meter.js";
import { backupToJson, formatBackup } from "../../src/display/backup.js";
import { anyErrorToJson, formatAnyError } from "../../src/display/error.js";
import { paintFor } from "../../src/display/text.js";
import { listLocalArtifacts } from "../../src/offsite/local-artifacts.js";
import { snapshotContracts } from "../../src/session/snapshot.js";
import { Interruption } from "./apply.js";
import { backupContext, whileLocked } from "./backup-context.js";
import { chooseTargets } from "./offsite.js";
import { replicateAll } from "./offsite-replicate.js";
import { runTask, type Output } from "./output.js";
import { withBar } from "./progress.js";
import { chosenNetwork, connect } from "./session.js";

const WEEK_MS = 7 * 86_400_000;

interface BackupArguments {
  readonly only: string | undefined;
  readonly full: boolean;
  readonly json: boolean;
}

const action: NewTaskActionFunction<BackupArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    const context = backupContext(hre);
    const brokenOff: DrError[] = [];
    const parts = backupParts(hre, output, context, args);
    const report = await runBackup({
      parts,
      after: [offsitePart(hre, output)],
      ...(args.only === undefined ? {} : { only: parseOnly(args.only, parts) }),
      clock: context.clock,
      prune: async (kinds) =>
        await pruneLocally(context.config, kinds, context.clock.now()),
      onStart: (kind) => {
        output.progress(`… ${kind}`);
      },
      whileLocked: async (work) =>
        await whileLocked(context, async () => {
          // What is backed up then may be half of what it should be.
          const error = await findBrokenOff(swapRecordFile(context.config));
          brokenOff.push(...(error === undefined ? [] : [error]));
          return await work();
        }),
    });
    output.text(formatBackup(report, output.paint));
    failuresOf(report).forEach(tell);
    const json = backupToJson(report);
    const exitCode = exitCodeOf(report);
    const { startedAt } = report;
    try {
      const path = await writeBackupReport(context.config, startedAt, json);
      output.text(`Report: ${path}\n`);
      if (brokenOff[0] !== undefined) {
        throw brokenOff[0];
      }
      return { json: { ...json, report: path }, exitCode };
    } catch (error) {
      // The backups are there all the same.
      tell(error);
      return {
        json: { ...json, error: anyErrorToJson(error) },
        exitCode: exitCode === EXIT_CODES.done ? EXIT_CODES.partial : exitCode,
      };
    }
  });

export default action;

/** How much of it is packed already; how much there is, nobody has counted. */
async function packWithBar(
  title: string,
  output: Output,
  context: FileBackupContext,
  work: (watched: FileBackupContext) => Promise<PartResult>,
): Promise<PartResult> {
  return await withBar(
    {
      title,
      work: async ({ begin, reach }: Meter) => {
        begin("packed", undefined);
        return await work({ ...context, onProgress: reach });
      },
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
  { full }: BackupArguments,
): readonly BackupPart[] {
  const { files, configuration } = context.config;
  return [
    {
      kind: "contracts",
      isConfigured: existsSync(join(chosenNetwork(hre).folder, "deploy.json")),
      run: async () => await backUpContracts(hre),
    },
    {
      kind: "files",
      isConfigured: files.length > 0,
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

async function backUpContracts(
  hre: HardhatRuntimeEnvironment,
): Promise<PartResult> {
  const { ports } = await connect(hre);
  const taken = await snapshotContracts(ports, hre.config.dr);
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
    run: async () => {
      chooseTargets(dr, "");
      await requireEncryption(dr.encryption);
      const since = new Date(systemClock.now().getTime() - WEEK_MS);
      const artifacts = await listLocalArtifacts(
        dr.paths.backups,
        dr.project,
        since,
      );
      const { report, path } = await replicateAll(
        artifacts,
        { target: "", dryRun: false },
        hre,
        output,
        new Interruption(),
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

function tell(error: unknown): void {
  process.stderr.write(formatAnyError(error, paintFor(process.stderr)));
}
