import { mkdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { ARTIFACT_KINDS } from "../../src/artifact/name.js";
import { placeFolder } from "../../src/backup/folder.js";
import { artifactKeys } from "../../src/backup/place.js";
import type { DrConfig, OffsiteTarget } from "../../src/config/types.js";
import type { Json } from "../../src/core/canonical-json.js";
import { systemClock } from "../../src/core/clock.js";
import { DrError, isDrError } from "../../src/core/errors.js";
import { EXIT_CODES, type ExitCode } from "../../src/core/exit-codes.js";
import { writing } from "../../src/core/writing.js";
import { configuredAccess } from "../../src/database/configured.js";
import { anyErrorToJson, formatAnyError } from "../../src/display/error.js";
import { paintFor } from "../../src/display/text.js";
import {
  chooseBackup,
  chooseBackupOf,
  type WantedBackup,
} from "../../src/offsite/choose-backup.js";
import { downloadBackup } from "../../src/offsite/download-artifact.js";
import {
  takeInventory,
  type Inventory,
  type RemoteArtifact,
} from "../../src/offsite/inventory.js";
import { giveBack, takeLease } from "../../src/offsite/lease.js";
import { KINDS_IN_ORDER } from "../../src/offsite/local-artifacts.js";
import { recordProof } from "../../src/offsite/proof.js";
import type { Storage } from "../../src/offsite/storage.js";
import { acquireLock } from "../../src/run/lock.js";
import { Interruption, requireConsentPossible } from "./apply.js";
import { restoreBackup } from "./backup-restore.js";
import { restoreFromBackup } from "./db-restore.js";
import { chooseTargets, openTarget, parseTime } from "./offsite.js";
import { chooseInMenu } from "./offsite-menu.js";
import { adopt, restoreDatabase } from "./restore-database.js";
import { restoreOldScripts } from "./restore-old-scripts.js";
import { runTask, type Output, type TaskResult } from "./output.js";
import { withBar } from "./progress.js";
import { restoreFrom } from "./snapshot-restore.js";

export interface RestoreArguments {
  readonly what: string[];
  readonly target: string;
  readonly region: string;
  readonly before: string | undefined;
  readonly into: string | undefined;
  readonly acceptUnauthenticated: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly json: boolean;
}

const action: NewTaskActionFunction<RestoreArguments> = async (args, hre) =>
  await runTask(
    args,
    async (output) => await restoreFromOffsite(args, hre, output),
  );

export default action;

/** Finds what is wanted in a target, downloads and restores it: proven, shown, asked, done. */
export async function restoreFromOffsite(
  args: RestoreArguments,
  hre: HardhatRuntimeEnvironment,
  output: Output,
): Promise<TaskResult> {
  requireConsentPossible(args);
  const { dr } = hre.config;
  const target = chooseTarget(hre, args);
  const interruption = new Interruption("RESTORE_INTERRUPTED");
  const storage = await openTarget(target, interruption.signal);
  const inventory = await takeInventory(storage, dr.project);
  const wanted =
    args.what.length === 0
      ? await chooseInMenu(inventory, storage.address, output)
      : parseWanted(args);
  if (wanted.length === 0) {
    return { json: { restored: [] }, exitCode: EXIT_CODES.done };
  }
  const backups = await choose({ storage, inventory, dr }, wanted, args);
  const source = { storage, inventory, target: target.name };
  return await interruption.during(
    async () =>
      await restoreAll(source, backups, { args, hre, output, interruption }),
  );
}

/** The named one, one in the named region, or the first. */
function chooseTarget(
  { config: { dr } }: HardhatRuntimeEnvironment,
  { target, region }: Pick<RestoreArguments, "target" | "region">,
): OffsiteTarget {
  const all = chooseTargets(dr, target);
  const found = all.find(
    (one) => region === "" || (one.kind === "s3" && one.region === region),
  );
  if (found === undefined) {
    const known = all.map((one) =>
      one.kind === "s3"
        ? `${one.name} (${one.region ?? "region unsaid"})`
        : one.name,
    );
    throw new DrError("OFFSITE_TARGET_UNKNOWN", {
      target: `in the region ${region}`,
      known: known.join(", "),
    });
  }
  return found;
}

/** @throws {DrError} OPTION_INVALID. */
function parseWanted({
  what: [first = "", name, ...rest],
  before: time,
}: Pick<RestoreArguments, "what" | "before">): readonly WantedBackup[] {
  const kind = ARTIFACT_KINDS.find((one) => one === first);
  const isAll = first === "full" || first === "latest";
  if ((kind === undefined && !isAll) || (isAll && name) || rest.length > 0) {
    throw new DrError("OPTION_INVALID", {
      option: "what to restore",
      value: [first, name, ...rest].join(" ").trim(),
      expected: `${ARTIFACT_KINDS.join(", ")} and a backup's name or latest; or full`,
    });
  }
  const before =
    time === undefined ? {} : { before: parseTime("--before", time) };
  return kind === undefined
    ? KINDS_IN_ORDER.map((one) => ({ kind: one, ...before }))
    : [
        name === undefined || name === "latest"
          ? { kind, ...before }
          : { kind, name, ...before },
      ];
}

interface Shelves {
  readonly storage: Storage;
  readonly inventory: Inventory;
  readonly dr: DrConfig;
}

/** Of a full restore: each kind that there is. @throws {DrError} OFFSITE_MISSING, and those of {@link chooseOne}. */
async function choose(
  shelves: Shelves,
  wanted: readonly WantedBackup[],
  args: Pick<RestoreArguments, "what" | "into">,
): Promise<readonly RemoteArtifact[]> {
  const isNamed = wanted.length === 1 && args.what[0] !== "full";
  const { artifacts } = shelves.inventory;
  const found: RemoteArtifact[] = [];
  for (const one of wanted) {
    const isThere = artifacts.some(
      ({ kind, status }) => kind === one.kind && status === "complete",
    );
    if (isThere || isNamed) {
      found.push(await chooseOne(shelves, one, args));
    }
  }
  if (found.length === 0) {
    const storage = shelves.storage.address;
    const key = "complete backup of any kind";
    throw new DrError("OFFSITE_MISSING", { storage, key });
  }
  return found;
}

/** What goes into the database itself isn't another one's by itself. */
async function chooseOne(
  { storage, inventory, dr }: Shelves,
  wanted: WantedBackup,
  { into }: Pick<RestoreArguments, "into">,
): Promise<RemoteArtifact> {
  const { kind, name, before } = wanted;
  const isRestored =
    kind === "database" &&
    name === undefined &&
    into === undefined &&
    dr.database?.engine === "postgres";
  if (!isRestored) {
    return chooseBackup(inventory, wanted, storage.address);
  }
  const { database } = await configuredAccess(dr);
  return await chooseBackupOf(database, storage, inventory, {
    kind,
    ...(before === undefined ? {} : { before }),
  });
}

interface Source {
  readonly storage: Storage;
  readonly inventory: Inventory;
  readonly target: string;
}

interface Context {
  readonly args: RestoreArguments;
  readonly hre: HardhatRuntimeEnvironment;
  readonly output: Output;
  readonly interruption: Interruption;
}

/** One after the other; of several, one that fails keeps no other from being restored. */
async function restoreAll(
  source: Source,
  backups: readonly RemoteArtifact[],
  context: Context,
): Promise<TaskResult> {
  const restored: Json[] = [];
  const exitCodes: ExitCode[] = [];
  for (const backup of backups) {
    const { name, kind } = backup;
    try {
      const result = await restoreOne(source, backup, context);
      restored.push({ name, kind, result: result.json });
      exitCodes.push(result.exitCode);
    } catch (error) {
      if (backups.length === 1 || isDrError(error, "NOT_CONFIRMED")) {
        throw error;
      }
      process.stderr.write(formatAnyError(error, paintFor(process.stderr)));
      restored.push({ name, kind, error: anyErrorToJson(error) });
      exitCodes.push(EXIT_CODES.partial);
    }
  }
  return {
    json: { target: source.target, restored },
    exitCode:
      exitCodes.find((code) => code !== EXIT_CODES.done) ?? EXIT_CODES.done,
  };
}

/**
 * Downloads a backup into a private folder, proves it, and restores it. What
 * was downloaded is removed, but for a part of it that can be gone on with.
 */
async function restoreOne(
  { storage, inventory, target }: Source,
  backup: RemoteArtifact,
  context: Context,
): Promise<TaskResult> {
  const { hre, args } = context;
  requireAccepted(backup, args, hre);
  const { backups } = hre.config.dr.paths;
  const place = encodeURIComponent(`${target}-${backup.kind}`);
  const folder = join(backups, `.download-${place}`);
  return await whileAlone(folder, async () => {
    const lease = await takeLease(storage, [backup.key]);
    let isResumable = false;
    try {
      await download(storage, inventory, backup, folder, context);
      const result = await restoreFromFolder(backup, folder, context);
      if (!args.dryRun) {
        await tryRecordProof(storage, backup, context.output);
      }
      return result;
    } catch (error) {
      isResumable = isDrError(
        error,
        "OFFSITE_UNREACHABLE",
        "RESTORE_INTERRUPTED",
      );
      throw error;
    } finally {
      if (!isResumable) {
        await rm(folder, { recursive: true, force: true });
      }
      await giveBack(lease);
    }
  });
}

/** Another restore of this kind would take away what is downloaded. @throws {DrError} RUN_LOCKED. */
async function whileAlone<T>(
  folder: string,
  work: () => Promise<T>,
): Promise<T> {
  await writing(folder, async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  });
  const lock = await acquireLock(folder, systemClock);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

/** Before it is downloaded. @throws {DrError} ARTIFACT_UNAUTHENTICATED, RESTORE_INTO_NEEDED. */
function requireAccepted(
  { name, kind, manifest }: RemoteArtifact,
  {
    acceptUnauthenticated,
    into,
    dryRun,
  }: Pick<RestoreArguments, "acceptUnauthenticated" | "into" | "dryRun">,
  { config }: HardhatRuntimeEnvironment,
): void {
  if (manifest === undefined && !acceptUnauthenticated) {
    throw new DrError("ARTIFACT_UNAUTHENTICATED", { name });
  }
  const hasPlace = kind === "database" && config.dr.database !== undefined;
  if (manifest === undefined && into === undefined && !dryRun && !hasPlace) {
    const what = "an old script's backup, without a manifest";
    throw new DrError("RESTORE_INTO_NEEDED", { name, what });
  }
}

async function download(
  storage: Storage,
  inventory: Inventory,
  backup: RemoteArtifact,
  folder: string,
  { hre, output, interruption }: Context,
): Promise<void> {
  await withBar(
    {
      title: `Download from ${storage.address}`,
      work: async (meter) => {
        await downloadBackup(storage, inventory, backup, folder, {
          trusted: hre.config.dr.signing.trusted,
          keys: artifactKeys(hre.config.dr),
          signal: interruption.signal,
          meter,
        });
      },
      tell: () =>
        `${backup.name} is here${backup.manifest === undefined ? "" : ", and is what was sent"}`,
    },
    output,
  );
}

async function restoreFromFolder(
  { name, kind, manifest }: RemoteArtifact,
  folder: string,
  { args, hre, output }: Context,
): Promise<TaskResult> {
  const path = join(folder, name);
  const { dr, paths } = hre.config;
  const keys = artifactKeys(dr);
  const extraction = {
    keys,
    dryRun: args.dryRun,
    into: args.into === undefined ? undefined : resolve(paths.root, args.into),
  };
  if (kind === "database" && args.into === undefined && dr.database) {
    // It stays here: a restore that is broken off is gone on with from it.
    const adopted = args.dryRun
      ? path
      : await adopt(path, placeFolder(dr, kind));
    const { acceptUnauthenticated } = args;
    return await restoreFromBackup(
      { what: adopted, acceptUnauthenticated },
      { ...args, jobs: undefined, noOwner: false, keep: false },
      hre,
      output,
    );
  }
  if (manifest === undefined) {
    return await restoreOldScripts(path, extraction, output);
  }
  switch (kind) {
    case "database":
      return await restoreDatabase(path, extraction, dr, output);
    case "contracts": {
      const found = { path, keys, unreadable: [] };
      return await restoreFrom(
        found,
        { ...args, recompile: false },
        hre,
        output,
      );
    }
    case "files":
    case "configuration":
      return await restoreBackup({ folder, name }, args, hre, output);
  }
}

/** The restore stands without it. */
async function tryRecordProof(
  storage: Storage,
  { key }: RemoteArtifact,
  output: Output,
): Promise<void> {
  try {
    await recordProof(storage, key, new Date(), {
      restored: true,
      by: "dr:offsite:restore",
    });
  } catch (error) {
    if (!isDrError(error)) {
      throw error;
    }
    output.progress(`That it was good isn't noted there: ${error.message}`);
  }
}
