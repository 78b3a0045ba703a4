import { randomBytes } from "node:crypto";
import { hostname } from "node:os";

import { formatTimestamp } from "../artifact/name.js";
import { LAYOUT_SQL, type Layout } from "./layout.js";
import { tryLock, unlock } from "./maintenance.js";
import { readServerVersion } from "./server-version.js";
import type { Session } from "./session.js";
import { forgetSubscriptions } from "./subscriptions.js";
import { endSessions } from "./swap-sessions.js";

/** A database of ours that nobody uses yet: it is filled, looked at, and renamed or dropped. */
export interface Scratch {
  readonly name: string;
  /** What tells it from others under any name. */
  readonly oid: string;
}

/** Only this tool gives such names. */
const NAME = "hardhat_dr_scratch";
const PATTERN = `^${NAME}_[0-9]{8}_[0-9]{6}_[0-9a-f]{8}$`;
/** Of those that {@link nameScratch} has named; what is kept of them bears no marker any more. */
const NAMED_PATTERN = "_[0-9]{8}_[0-9]{6}$";
const MARKER = "hardhat-dr scratch";
const FIRST_WITH_PROVIDERS = 15;

/**
 * Makes an empty database. It is claimed for as long as the session lasts: one
 * that nobody claims any more was left by a process that died.
 *
 * @param session - Beside it.
 * @param layout - Absent: the server's own.
 * @param like - It lies in the tablespace of this one, where there is room for it.
 * @throws {DrError} DATABASE_DENIED when the role may not, DATABASE_FAILED when
 * the server doesn't know the locale.
 */
export async function createScratch(
  session: Session,
  at: Date,
  layout?: Layout,
  like?: string,
): Promise<Scratch> {
  const random = randomBytes(4).toString("hex");
  const name = `${NAME}_${formatTimestamp(at)}_${random}`;
  const { client } = session;
  const marker = `${MARKER}, ${hostname()} ${String(process.pid)} ${at.toISOString()}`;
  await tryLock(session, name);
  const options = `${layout === undefined ? "" : await formatLayout(session, layout)} ${await formatTablespace(session, like)}`;
  await session.query(`CREATE DATABASE ${name} TEMPLATE template0 ${options}`);
  await session.query(
    `COMMENT ON DATABASE ${name} IS ${client.escapeLiteral(marker)}`,
  );
  return { name, oid: (await findOid(session, name)) ?? "" };
}

async function formatLayout(
  session: Session,
  { encoding, locale }: Layout,
): Promise<string> {
  const { client } = session;
  const { provider, collate, ctype, icu, icuRules } = locale;
  const options: [string, string][] = [
    ["ENCODING", encoding],
    ["LC_COLLATE", collate],
    ["LC_CTYPE", ctype],
  ];
  if ((await readServerVersion(session)).major >= FIRST_WITH_PROVIDERS) {
    const names = { c: "libc", i: "icu", b: "builtin" };
    options.push(["LOCALE_PROVIDER", names[provider]]);
  }
  if (icu !== undefined) {
    options.push([provider === "b" ? "BUILTIN_LOCALE" : "ICU_LOCALE", icu]);
  }
  if (icuRules !== undefined) {
    options.push(["ICU_RULES", icuRules]);
  }
  return options
    .map(([name, value]) => `${name} ${client.escapeLiteral(value)}`)
    .join(" ");
}

async function formatTablespace(
  { query }: Session,
  like: string | undefined,
): Promise<string> {
  const [row] = await query<{ name: string }>(
    `SELECT quote_ident(t.spcname) AS name
       FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace
      WHERE d.datname = $1 AND t.spcname <> 'pg_default'
        AND has_tablespace_privilege(t.oid, 'CREATE')`,
    [like ?? null],
  );
  return row === undefined ? "" : `TABLESPACE ${row.name}`;
}

/** @returns undefined when there is no such database. */
export async function findOid(
  session: Session,
  database: string,
): Promise<string | undefined> {
  const [row] = await session.query<{ oid: string }>(
    "SELECT oid::text FROM pg_database WHERE datname = $1",
    [database],
  );
  return row?.oid;
}

/** With whoever is in it. It may be gone. */
export async function dropScratch(
  session: Session,
  name: string,
): Promise<void> {
  await forgetSubscriptions(session, name);
  await endSessions(session, [name]);
  const isForced = (await readServerVersion(session)).major > 12;
  await session.query(
    `DROP DATABASE IF EXISTS ${session.client.escapeIdentifier(name)}${isForced ? " WITH (FORCE)" : ""}`,
  );
  await unlock(session, name);
}

/**
 * Drops what was left by processes that died, here or on another machine.
 *
 * @param spared - One that is wanted all the same.
 * @returns what was dropped.
 */
export async function dropAbandoned(
  session: Session,
  spared?: string,
): Promise<readonly string[]> {
  const all = await session.query<{ name: string }>(
    `SELECT datname AS name FROM pg_database d, shobj_description(d.oid, 'pg_database') AS comment
      WHERE pg_has_role(datdba, 'USAGE')
        AND (datname ~ $1 AND coalesce(comment, $3) LIKE $3 || '%'
          OR datname ~ $2 AND comment LIKE $3 || ', %')
      ORDER BY 1`,
    [PATTERN, NAMED_PATTERN, MARKER],
  );
  const dropped: string[] = [];
  for (const { name } of all) {
    if (name !== spared && (await tryLock(session, name))) {
      await dropScratch(session, name);
      dropped.push(name);
    }
  }
  return dropped;
}

/** It is one still, under a name that tells people what it is for: `takumi_restore_test_20240115_140000`. */
export async function nameScratch(
  session: Session,
  { name, oid }: Scratch,
  to: string,
): Promise<Scratch> {
  const { client, query } = session;
  await tryLock(session, to);
  await query(
    `ALTER DATABASE ${client.escapeIdentifier(name)} RENAME TO ${client.escapeIdentifier(to)}`,
  );
  await unlock(session, name);
  return { name: to, oid };
}

/** It is no scratch any more. */
export async function renameScratch(
  session: Session,
  name: string,
  to: string,
): Promise<void> {
  const { client, query } = session;
  await endSessions(session, [name]);
  await query(
    `ALTER DATABASE ${client.escapeIdentifier(name)} RENAME TO ${client.escapeIdentifier(to)}`,
  );
  await unmark(session, to);
}

export async function unmark(session: Session, name: string): Promise<void> {
  await session.query(
    `COMMENT ON DATABASE ${session.client.escapeIdentifier(name)} IS NULL`,
  );
}

/** @returns undefined when there is no such database. */
export async function findLayout(
  session: Session,
  database: string,
): Promise<Layout | undefined> {
  const [row] = await session.query<{ layout: Layout }>(
    `SELECT ${LAYOUT_SQL} AS layout FROM pg_database d WHERE d.datname = $1`,
    [database],
  );
  return row?.layout;
}
