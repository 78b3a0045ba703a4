import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chown, mkdir, open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { Clock } from "../../core/clock.js";
import { DrError, isDrError } from "../../core/errors.js";
import { removeTree } from "../../core/remove-tree.js";
import type { Access } from "../access.js";
import { withSession } from "../session.js";
import type { ControlData } from "./control-data.js";
import { asSpawned, type Identity } from "./identity.js";
import { endPostmaster } from "./postmaster.js";

export interface PrivateServerOptions {
  readonly dataFolder: string;
  /** A new folder for its socket and its log; its path is short. */
  readonly runFolder: string;
  /** Where the server's programs are, and of which major version. */
  readonly programs: string;
  readonly major: number;
  readonly identity: Identity;
  readonly control: ControlData;
  /** Role and database; how to come to the live one says nothing about this one. */
  readonly access: Access;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const POLL_MS = 100;

/**
 * Starts a server on a data folder that nobody else can reach, works with it
 * once it has recovered, and stops it cleanly.
 *
 * @throws {DrError} PGBACKREST_TARGET_UNREACHED, PGBACKREST_SERVER_FAILED, what
 * the work throws, and the signal's reason; no server is left then either.
 */
export async function withPrivateServer<T>(
  options: PrivateServerOptions,
  work: (access: Access) => Promise<T>,
): Promise<T> {
  const { dataFolder, runFolder, identity } = options;
  const { uid, gid } = identity;
  await mkdir(runFolder, { mode: 0o700 });
  try {
    const child = await start(options);
    await chown(runFolder, uid, gid);
    const access = accessTo(options);
    await waitUntilReady(child, access, options);
    const result = await work(access);
    await stop(child, options);
    return result;
  } finally {
    await endPostmaster(dataFolder);
    await removeTree(runFolder);
  }
}

function accessTo({ access, runFolder }: PrivateServerOptions): Access {
  const { user, database } = access;
  return { host: runFolder, port: PORT, user, database, sslOptions: {} };
}

/** Part of the socket's name, and of nothing else. */
const PORT = 5432;

async function start(options: PrivateServerOptions): Promise<ChildProcess> {
  const { runFolder, programs, dataFolder, identity } = options;
  const { uid, gid } = identity;
  const hba = join(runFolder, "hba.conf");
  const settings = join(runFolder, "postgresql.conf");
  // Whoever can enter the folder may come in as anybody.
  await writeFile(hba, "local all all trust\n", { mode: 0o600 });
  await writeFile(settings, "", { mode: 0o600 });
  const log = await open(logFile(options), "w", 0o600);
  for (const path of [hba, settings, logFile(options), runFolder]) {
    await chown(path, uid, gid);
  }
  try {
    const args = Object.entries(settingsOf(options)).flatMap(
      ([name, value]) => ["-c", `${name}=${value}`],
    );
    const child = spawn(
      join(programs, "postgres"),
      ["-D", dataFolder, ...args],
      {
        cwd: "/",
        stdio: ["ignore", log.fd, log.fd],
        env: { ...process.env, LC_ALL: "C" },
        ...asSpawned(identity),
      },
    );
    child.on("error", () => undefined);
    return child;
  } finally {
    await log.close();
  }
}

function logFile({ runFolder }: PrivateServerOptions): string {
  return join(runFolder, "log");
}

/** Major versions since when there are settings; others refuse them. */
const FIRST_WITH = { archiveLibrary: 15, eventTriggers: 17 };

/**
 * They outdo whatever the folder's own configuration says: this server must
 * not be mistaken for the live one, nor do any of its work.
 */
function settingsOf({
  runFolder,
  control,
  major,
}: PrivateServerOptions): Readonly<Record<string, string>> {
  const { maxPreparedTransactions, maxLocksPerTransaction } = control;
  return {
    config_file: join(runFolder, "postgresql.conf"),
    hba_file: join(runFolder, "hba.conf"),
    ident_file: "",
    external_pid_file: "",
    listen_addresses: "",
    unix_socket_directories: runFolder,
    unix_socket_permissions: "0700",
    port: String(PORT),
    ssl: "off",
    // What is to be archived waits for the live server: a history of the new
    // timeline that never comes to the repository would break the next restore.
    archive_mode: "on",
    archive_command: "",
    ...(major >= FIRST_WITH.archiveLibrary ? { archive_library: "" } : {}),
    // They may be of logins.
    ...(major >= FIRST_WITH.eventTriggers ? { event_triggers: "off" } : {}),
    archive_cleanup_command: "",
    recovery_end_command: "",
    // Subscriptions would fetch what the live ones wait for, libraries run jobs.
    max_logical_replication_workers: "0",
    shared_preload_libraries: "",
    session_preload_libraries: "",
    local_preload_libraries: "",
    primary_conninfo: "",
    synchronous_standby_names: "",
    autovacuum: "off",
    hot_standby: "off",
    // The live one may have taken most of the memory.
    shared_buffers: "128MB",
    huge_pages: "off",
    max_connections: "20",
    max_prepared_transactions: maxPreparedTransactions,
    max_locks_per_transaction: maxLocksPerTransaction,
    logging_collector: "off",
    log_destination: "stderr",
    log_min_messages: "warning",
    fsync: "on",
    full_page_writes: "on",
    statement_timeout: "0",
  };
}

/** Replaying a log may take hours: it is waited for as long as it goes on. */
async function waitUntilReady(
  child: ChildProcess,
  access: Access,
  options: PrivateServerOptions,
): Promise<void> {
  const { clock, signal } = options;
  for (;;) {
    signal.throwIfAborted();
    if (child.exitCode !== null || child.signalCode !== null) {
      throw await explainEnd(options);
    }
    try {
      await withSession(access, async () => {
        // It lets us in.
      });
      return;
    } catch (error) {
      if (!isDrError(error, "DATABASE_UNREACHABLE")) {
        throw error;
      }
      await clock.sleep(POLL_MS, signal);
    }
  }
}

const SHOWN_LINES = 6;

async function explainEnd(options: PrivateServerOptions): Promise<DrError> {
  const log = await readFile(logFile(options), "utf8");
  const lines = log
    .split("\n")
    .map((line) => /(?:FATAL|PANIC|ERROR):\s+(.*)/.exec(line)?.[1])
    .filter((line) => line !== undefined);
  if (log.includes("recovery ended before configured recovery target")) {
    return new DrError("PGBACKREST_TARGET_UNREACHED", {});
  }
  const last = log.trim().split("\n").slice(-SHOWN_LINES);
  const reason = (lines.length > 0 ? lines : last).join("; ");
  return new DrError("PGBACKREST_SERVER_FAILED", { reason });
}

const STOP_MS = 600_000;

async function stop(
  child: ChildProcess,
  options: PrivateServerOptions,
): Promise<void> {
  const ended = once(child, "exit", { signal: AbortSignal.timeout(STOP_MS) });
  child.kill("SIGINT");
  const [code] = (await ended) as [number | null];
  if (code !== 0) {
    throw await explainEnd(options);
  }
}
