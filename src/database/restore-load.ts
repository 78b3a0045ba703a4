import { createWriteStream } from "node:fs";
import { join } from "node:path";
import type { Duplex, Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { unpackArchive } from "../artifact/unpack.js";
import { DrError, isDrError } from "../core/errors.js";
import { UNWATCHED, type Meter } from "../core/meter.js";
import { removeTree } from "../core/remove-tree.js";
import { makeTemporaryFolder } from "../core/temporary-folder.js";
import { writing } from "../core/writing.js";
import type { Access } from "./access.js";
import { startChild, type Child } from "./child.js";
import { canRestrict, PlainDump } from "./plain-dump.js";
import type { Dump } from "./restore-source.js";
import type { Tool } from "./tools.js";

export interface LoadOptions {
  /** The database to fill: it is new. */
  readonly access: Access;
  /** pg_restore or psql. */
  readonly tool: Tool;
  /** How many tables and indexes are restored at a time. */
  readonly jobs: number;
  /** Everything belongs to this role, and nothing is granted. */
  readonly noOwner: boolean;
  readonly signal: AbortSignal;
  readonly meter?: Meter;
}

export interface Loaded {
  /** Whether what was loaded shows that nothing was left out. */
  readonly isComplete: boolean;
}

/** As many files as a directory dump can sensibly have. */
const MOST_ENTRIES = 1_000_000;

/**
 * Loads a dump into an empty database; the first error ends it.
 *
 * @throws {DrError} DATABASE_TOOL_FAILED, DATABASE_DUMP_CUT, NOT_WRITABLE, those
 * of `openArtifact`, and the signal's reason: the database holds a part, and is
 * to be dropped.
 */
export async function loadDump(
  dump: Dump,
  options: LoadOptions,
): Promise<Loaded> {
  try {
    return await load(dump, options);
  } catch (error) {
    throw explainOwners(error);
  }
}

/** Before PostgreSQL 16, and since. */
const OTHERS_OWN =
  /must be (a )?member of role|must be able to SET ROLE|permission denied to set role/;

function explainOwners(error: unknown): unknown {
  if (!isDrError(error, "DATABASE_TOOL_FAILED")) {
    return error;
  }
  const { tool, reason } = error.values;
  return OTHERS_OWN.test(String(reason))
    ? new DrError(
        "DATABASE_TOOL_FAILED",
        {
          tool: String(tool),
          reason: `${String(reason)}. Owners are in the dump whose role the one that restores isn't a member of: restore as a superuser, GRANT it these roles, or leave owners out with \`--no-owner\``,
        },
        { cause: error },
      )
    : error;
}

async function load(dump: Dump, options: LoadOptions): Promise<Loaded> {
  const { meter = UNWATCHED } = options;
  const stream = await dump.open(meter);
  if (dump.format === "plain") {
    return await loadPlain(dump.name, stream, options);
  }
  if (dump.format === "custom" && options.jobs === 1) {
    await feed(stream, [], startRestore([], options), options.signal);
  } else {
    await loadFromDisk(dump, stream, options);
  }
  return { isComplete: true };
}

/** All in one transaction, in which no database can be created or dropped. */
const PSQL = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "--no-password"];

async function loadPlain(
  name: string,
  stream: Readable,
  { access, tool, signal }: LoadOptions,
): Promise<Loaded> {
  const args = [...PSQL, "--single-transaction", "-o", "/dev/null", "-f", "-"];
  const child = startChild(tool.path, args, { access, signal });
  const plain = new PlainDump(name, canRestrict(tool.version));
  await feed(stream, [plain], child, signal);
  return { isComplete: plain.isByPgDump };
}

/** Several jobs read from different places, which a pipe hasn't got. */
async function loadFromDisk(
  { format, sizeBytes = Infinity }: Dump,
  stream: Readable,
  options: LoadOptions,
): Promise<void> {
  const { signal, jobs } = options;
  const folder = await makeTemporaryFolder("restore");
  try {
    const place = join(folder, "dump");
    if (format === "directory") {
      const limits = { sizeBytes, entries: MOST_ENTRIES };
      await unpackArchive(stream, place, limits);
    } else {
      const file = createWriteStream(place, { flags: "wx", mode: 0o600 });
      await writing(place, async () => {
        await pipeline(stream, file, { signal });
      });
    }
    signal.throwIfAborted();
    const child = startRestore([`--jobs=${String(jobs)}`, place], options);
    child.stdin.end();
    child.stdout.resume();
    await child.ended;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    await removeTree(folder);
  }
}

function startRestore(
  args: readonly string[],
  { access, tool, noOwner, signal }: LoadOptions,
): Child {
  const all = [
    "--exit-on-error",
    "--no-password",
    `--dbname=${access.database}`,
    ...(noOwner ? ["--no-owner", "--no-privileges"] : []),
    ...args,
  ];
  return startChild(tool.path, all, { access, signal });
}

/** What is wrong with the dump itself matters more than what the program makes of it. */
async function feed(
  stream: Readable,
  stages: readonly Duplex[],
  { stdin, stdout, ended }: Child,
  signal: AbortSignal,
): Promise<void> {
  stdout.resume();
  const [fed, loaded] = await Promise.allSettled([
    pipeline([stream, ...stages, stdin]),
    ended,
  ]);
  signal.throwIfAborted();
  if (fed.status === "rejected" && isDrError(fed.reason)) {
    throw fed.reason;
  }
  for (const end of [loaded, fed]) {
    if (end.status === "rejected") {
      throw end.reason;
    }
  }
}
