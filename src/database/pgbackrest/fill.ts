import { chown, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { Clock } from "../../core/clock.js";
import { DrError } from "../../core/errors.js";
import { readIfThere } from "../../core/if-there.js";
import { removeTree } from "../../core/remove-tree.js";
import type { Meter } from "../../core/meter.js";
import type { Access } from "../access.js";
import type { Examination } from "../verify-restored.js";
import { readControlData, type ControlData } from "./control-data.js";
import type { ArchiveRange } from "./archive-range.js";
import { examineServer, type ServerExpectation } from "./examine.js";
import { historyName, parseHistory } from "./lsn.js";
import { endPostmaster } from "./postmaster.js";
import { withPrivateServer } from "./private-server.js";
import { runProgram } from "./program.js";
import {
  processArguments,
  runPgbackrest,
  type RepositoryBackup,
} from "./repository.js";
import { findServerPrograms, majorOf } from "./server-programs.js";
import type { PgbackrestSettings } from "./settings.js";
import { targetArguments, type ReplayTarget } from "./target.js";

/** What happens, in this order; each is told once it is through. */
export type FillStep = "restored" | "replayed" | "examined";

export interface FillOptions {
  readonly settings: PgbackrestSettings;
  /** Whose role and database are looked into. */
  readonly access: Access;
  readonly jobs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly meter?: Meter;
  readonly onStep?: (step: FillStep) => void;
}

/** Which backup is restored, and up to where the log is replayed then. */
export interface Recovery {
  readonly backup: RepositoryBackup;
  readonly target: ReplayTarget;
  readonly range: ArchiveRange;
  readonly expectation: ServerExpectation;
}

export interface Filled {
  /** `…/data` in the work folder: stopped cleanly. */
  readonly dataFolder: string;
  readonly control: ControlData;
  readonly examination: Examination;
}

/** The two folders in a work folder. */
export function dataIn(workFolder: string): string {
  return join(workFolder, "data");
}

function runIn(workFolder: string): string {
  return join(workFolder, "run");
}

/** A socket's path is no longer than this. @see unix(7) */
const LONGEST_SOCKET = 107;

export function requireShortPath(workFolder: string): string | undefined {
  const socket = join(runIn(workFolder), ".s.PGSQL.5432");
  return Buffer.byteLength(socket) > LONGEST_SOCKET
    ? `the path ${workFolder} is too long for a socket: use a shorter one, or a mount`
    : undefined;
}

/** Ends what a killed run left at work in a work folder. */
export async function endLeftover(workFolder: string): Promise<void> {
  await endPostmaster(dataIn(workFolder));
  await removeTree(runIn(workFolder));
}

/**
 * Restores a server into a work folder, replays the log up to the target, and
 * examines what came out while nobody else can reach it. What an earlier run
 * restored there is taken as far as its checksums hold.
 *
 * @param use - Works with it while its server runs.
 * @throws {DrError} DATABASE_TOOL_FAILED, PGBACKREST_TARGET_UNREACHED,
 * PGBACKREST_SERVER_FAILED, DATABASE_RESTORED_WRONG, and the signal's reason.
 */
export async function fillFolder<T>(
  workFolder: string,
  recovery: Recovery,
  options: FillOptions,
  use: (access: Access) => Promise<T>,
): Promise<Filled & { readonly used: T }> {
  const { settings, signal, onStep, meter } = options;
  const { identity } = settings;
  const dataFolder = dataIn(workFolder);
  await restoreFiles(dataFolder, recovery, options);
  onStep?.("restored");
  const major = (await majorOf(dataFolder)) ?? "";
  const programs = await findServerPrograms(major, settings);
  const control = await readControlData(dataFolder, programs, identity);
  const server = {
    ...options,
    dataFolder,
    runFolder: runIn(workFolder),
    programs,
    major: Number(major),
    identity,
    control,
  };
  meter?.begin("replaying the log", undefined);
  const result = await withPrivateServer(server, async (access) => {
    onStep?.("replayed");
    meter?.begin("examining it", undefined);
    const examination = await examineServer(access, {
      ...recovery.expectation,
      signal,
    });
    return { examination, used: await use(access) };
  });
  await forgetRecovery(dataFolder);
  const after = await readControlData(dataFolder, programs, identity);
  await requireEndReached(dataFolder, recovery, after);
  if (recovery.expectation.isThorough && after.hasChecksums) {
    meter?.begin("checking its pages", undefined);
    const check = ["--check", "--pgdata", dataFolder];
    const path = join(programs, "pg_checksums");
    await runProgram(path, check, { identity, signal });
  }
  onStep?.("examined");
  return { dataFolder, control: after, ...result };
}

async function restoreFiles(
  dataFolder: string,
  { backup, target, range }: Recovery,
  { settings, jobs, signal, meter }: FillOptions,
): Promise<void> {
  const { uid, gid } = settings.identity;
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  await chown(dataFolder, uid, gid);
  const isBegun =
    (await readIfThere(join(dataFolder, "backup.manifest"))) !== undefined ||
    (await majorOf(dataFolder)) !== undefined;
  const total = backup.info.size;
  meter?.begin(`restoring ${backup.label}`, total);
  await runPgbackrest(
    settings,
    "restore",
    [
      `--pg1-path=${dataFolder}`,
      `--set=${backup.label}`,
      `--repo=${String(backup.database["repo-key"])}`,
      ...processArguments(settings, jobs),
      ...(isBegun ? ["--delta"] : []),
      ...targetArguments(target, range.timeline),
    ],
    {
      signal,
      onLine: (line) => {
        const [, percent] = /, (\d+(?:\.\d+)?)%\)/.exec(line) ?? [];
        if (percent !== undefined) {
          meter?.reach((total * Number(percent)) / 100);
        }
      },
    },
  );
}

/** What `pgbackrest restore` writes into the settings; it holds no longer once the log is replayed. */
const GENERATED =
  /^# Recovery settings generated by pgBackRest restore.*\n(?:(?:restore_command|recovery_target\w*) = .*\n?)*/gm;

async function forgetRecovery(dataFolder: string): Promise<void> {
  const file = join(dataFolder, "postgresql.auto.conf");
  const text = await readFile(file, "utf8");
  await writeFile(file, text.replace(GENERATED, ""));
}

/**
 * Where no target is set, a gap in the log ends a replay as its end does: how
 * far it went is told by where the new timeline begins.
 *
 * @throws {DrError} PGBACKREST_TARGET_UNREACHED.
 */
async function requireEndReached(
  dataFolder: string,
  { target, range }: Recovery,
  { timeline }: ControlData,
): Promise<void> {
  if (target.kind !== "end" || range.last === undefined) {
    return;
  }
  const path = join(dataFolder, "pg_wal", historyName(timeline));
  const end = parseHistory((await readIfThere(path)) ?? "").at(-1)?.end ?? 0n;
  if (end < range.last.start) {
    throw new DrError("PGBACKREST_TARGET_UNREACHED", {});
  }
}
