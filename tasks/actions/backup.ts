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
import { findBrokenOff } from "../../src/backup/swap-record.js";
import { systemClock } from "../../src/core/clock.js";
import { DrError } from "../../src/core/errors.js";
import type { Meter } from "../../src/core/meter.js";
import { listLocalArtifacts } from "../../src/offsite/local-artifacts.js";
import { snapshotContracts } from "../../src/session/snapshot.js";
import { Interruption } from "./apply.js";
import { backupContext } from "./backup-context.js";
import { databasePart } from "./database-part.js";
import { makeBackups } from "./make-backups.js";
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
    const interruption = new Interruption("BACKUP_INTERRUPTED");
    const parts = backupParts(hre, output, context, interruption, args);
    return await makeBackups(
      {
        context,
        parts,
        after: [offsitePart(hre, output)],
        ...(args.only === undefined
          ? {}
          : { only: parseOnly(args.only, parts) }),
        interruption,
        // What is backed up then may be half of what it should be.
        findTrouble: async () =>
          await findBrokenOff(swapRecordFile(context.config)),
      },
      output,
    );
  });

export default action;

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
