import * as z from "zod";

import { DrError, isDrError } from "../../core/errors.js";
import { runProgram, type ProgramOptions } from "./program.js";
import type { PgbackrestSettings } from "./settings.js";

/** @see pgBackRest, command `info`, `--output=json` */
const backupSchema = z.object({
  label: z.string(),
  type: z.enum(["full", "diff", "incr"]),
  /** Whether pages of it had bad checksums already when they were read. */
  error: z.boolean().nullish(),
  prior: z.string().nullish(),
  reference: z.array(z.string()).nullish(),
  archive: z.object({ start: z.string(), stop: z.string() }),
  lsn: z.object({ start: z.string(), stop: z.string() }),
  timestamp: z.object({ start: z.int(), stop: z.int() }),
  database: z.object({ id: z.int(), "repo-key": z.int() }),
  info: z.object({
    size: z.number(),
    delta: z.number(),
    repository: z.object({ size: z.number().nullish(), delta: z.number() }),
  }),
  "database-ref": z
    .array(z.object({ name: z.string(), oid: z.number() }))
    .nullish(),
  link: z.array(z.object({ name: z.string() })).nullish(),
  tablespace: z.array(z.object({ name: z.string() })).nullish(),
  "error-list": z.array(z.string()).nullish(),
});

const stanzaSchema = z.object({
  name: z.string(),
  status: z.object({ code: z.int(), message: z.string() }),
  cipher: z.string().nullish(),
  /** What is wrong with each repository; the status above only says that something is. */
  repo: z
    .array(
      z.object({
        key: z.int(),
        status: z.object({ code: z.int(), message: z.string() }),
      }),
    )
    .default([]),
  archive: z
    .array(
      z.object({
        id: z.string(),
        min: z.string().nullish(),
        max: z.string().nullish(),
        database: z.object({ id: z.int(), "repo-key": z.int() }),
      }),
    )
    .default([]),
  // One of a stopped server, `--no-online`, has no place in the log to go on from.
  backup: z
    .array(z.looseObject({ lsn: z.unknown().optional() }))
    .transform((all) => all.filter(({ lsn }) => lsn !== undefined))
    .pipe(z.array(backupSchema))
    .default([]),
  db: z
    .array(
      z.object({
        id: z.int(),
        "repo-key": z.int(),
        /** More digits than a number of JavaScript has: text, see {@link parseStanzas}. */
        "system-id": z.string(),
        version: z.string(),
      }),
    )
    .default([]),
});

export type RepositoryBackup = z.infer<typeof backupSchema>;
export type Stanza = z.infer<typeof stanzaSchema>;

type Command = Pick<ProgramOptions, "signal" | "onLine">;

/** Of a repository that pgBackRest couldn't read. @see pgBackRest, `INFO_STANZA_STATUS_CODE_OTHER` */
const OTHER = 99;

/** The program, from the PATH as everybody calls it. */
const PROGRAM = "pgbackrest";

/**
 * Runs a command of pgBackRest on the configured stanza.
 *
 * @throws {DrError} PGBACKREST_MISSING, DATABASE_TOOL_FAILED with its words.
 */
export async function runPgbackrest(
  settings: PgbackrestSettings,
  command: string,
  args: readonly string[] = [],
  options: Command = {},
): Promise<string> {
  const { stanza, configFile, identity } = settings;
  const all = [
    `--stanza=${stanza}`,
    ...(configFile === undefined ? [] : [`--config=${configFile}`]),
    `--log-level-console=${options.onLine === undefined ? "off" : "detail"}`,
    "--log-level-stderr=error",
    command,
    ...args,
  ];
  try {
    return await runProgram(PROGRAM, all, { ...options, identity });
  } catch (error) {
    if (isDrError(error, "DATABASE_TOOL_FAILED")) {
      if (String(error.values.reason).includes("ENOENT")) {
        throw new DrError("PGBACKREST_MISSING", {}, { cause: error });
      }
    }
    throw error;
  }
}

/** `2.45` @throws {DrError} PGBACKREST_MISSING. */
export async function readPgbackrestVersion(
  settings: PgbackrestSettings,
): Promise<string> {
  const { identity } = settings;
  try {
    const text = await runProgram(PROGRAM, ["version"], { identity });
    return /[\d.]+/.exec(text)?.[0] ?? text;
  } catch (error) {
    throw new DrError("PGBACKREST_MISSING", {}, { cause: error });
  }
}

/**
 * What the repository holds of the configured stanza.
 *
 * @param set - A backup's label: then more is told of it.
 * @throws {DrError} PGBACKREST_UNFIT when there is no such stanza, or no
 * repository can be read.
 */
export async function readStanza(
  settings: PgbackrestSettings,
  set?: string,
): Promise<Stanza> {
  const args = [
    "--output=json",
    ...(set === undefined ? [] : [`--set=${set}`]),
  ];
  const text = await runPgbackrest(settings, "info", args);
  const stanza = parseStanzas(text).find(
    ({ name }) => name === settings.stanza,
  );
  const unread = stanza === undefined ? [] : unreadRepositories(stanza);
  const hasOther = stanza?.repo.some(({ status }) => status.code === 0);
  if (unread.length > 0 && hasOther !== true) {
    throw new DrError("PGBACKREST_UNFIT", {
      what: `The repository of the stanza ${settings.stanza}`,
      reasons: `${unread.join("; ")}: see that it can be reached and opened with what pgBackRest's configuration says of it`,
    });
  }
  // 2: there are no backups yet.
  const isUsable = (code: number) => [0, 2].includes(code);
  if (
    stanza === undefined ||
    (unread.length === 0 && !isUsable(stanza.status.code))
  ) {
    const reason = stanza?.status.message ?? "it isn't in the repository";
    throw new DrError("PGBACKREST_UNFIT", {
      what: `The stanza ${settings.stanza}`,
      reasons: `${reason}: check \`dr.database.pgbackrest.stanza\` and the repository of pgBackRest's configuration, or run \`pgbackrest --stanza=${settings.stanza} stanza-create\``,
    });
  }
  return stanza;
}

/** Those that pgBackRest couldn't read, and why: `repo1: unable to connect …`. */
export function unreadRepositories({ repo }: Stanza): readonly string[] {
  return repo
    .filter(({ status }) => status.code === OTHER)
    .map(({ key, status }) => `repo${String(key)}: ${status.message}`);
}

/** @throws {DrError} DATABASE_TOOL_FAILED when it isn't what pgBackRest says. */
export function parseStanzas(text: string): readonly Stanza[] {
  // Its numbers have 64 bits, JSON.parse's have 53.
  const exact = text.replace(/"system-id":(\d+)/g, '"system-id":"$1"');
  try {
    return z.array(stanzaSchema).parse(JSON.parse(exact));
  } catch (error) {
    throw new DrError(
      "DATABASE_TOOL_FAILED",
      { tool: "pgbackrest info", reason: "it says something unknown" },
      { cause: error },
    );
  }
}

/** What is said on the command line goes before what is configured, and both before pgBackRest's own. */
export function processArguments(
  { processes }: PgbackrestSettings,
  jobs: number,
): readonly string[] {
  const wanted = jobs > 1 ? jobs : processes;
  return wanted === undefined ? [] : [`--process-max=${String(wanted)}`];
}

/** When each file of a folder of the repository was written, by name. Unix seconds. */
export async function listRepository(
  settings: PgbackrestSettings,
  repo: number,
  folder: string,
): Promise<ReadonlyMap<string, number>> {
  const text = await runPgbackrest(settings, "repo-ls", [
    `--repo=${String(repo)}`,
    "--output=json",
    folder,
  ]);
  const entries = z
    .record(z.string(), z.object({ time: z.number().optional() }))
    .parse(JSON.parse(text));
  return new Map(
    Object.entries(entries).map(([name, { time = 0 }]) => [name, time]),
  );
}

export async function readRepositoryFile(
  settings: PgbackrestSettings,
  repo: number,
  path: string,
): Promise<string> {
  return await runPgbackrest(settings, "repo-get", [
    `--repo=${String(repo)}`,
    path,
  ]);
}
