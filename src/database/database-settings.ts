import * as z from "zod";

import { DrError, isDrError } from "../core/errors.js";
import { parseContents, type Describing } from "./parse-contents.js";
import type { SessionClient } from "./session-client.js";
import type { Session } from "./session.js";

/** What a database itself has, which no dump of it holds. Names aren't quoted. */
export interface DatabaseSettings {
  readonly owner: string;
  /** Of connections; -1: as many as the server takes. */
  readonly limit: number;
  readonly comment: string | null;
  /** null: those that every database has. */
  readonly privileges: readonly Privilege[] | null;
  readonly settings: readonly Setting[];
}

interface Privilege {
  /** null: PUBLIC. */
  readonly grantee: string | null;
  readonly privilege: string;
  readonly isGrantable: boolean;
}

interface Setting {
  /** Whose sessions it is for; null: everybody's. */
  readonly role: string | null;
  readonly name: string;
  readonly value: string;
}

/** As they go into a manifest. */
export interface KeptSettings extends DatabaseSettings {
  /** What was left out, since it may be a secret and a manifest isn't encrypted: `app.jwt_secret`. */
  readonly omitted: readonly string[];
}

/** @throws {DrError} those of `query`. */
export async function readDatabaseSettings(
  session: Session,
  database: string,
): Promise<DatabaseSettings> {
  const [found] = await session.query<
    Omit<DatabaseSettings, "settings" | "privileges"> & {
      readonly oid: string;
      readonly hasDefaultPrivileges: boolean;
    }
  >(
    `SELECT oid::text, pg_get_userbyid(datdba) AS owner, datconnlimit AS "limit",
            shobj_description(oid, 'pg_database') AS comment,
            datacl IS NULL AS "hasDefaultPrivileges"
       FROM pg_database WHERE datname = $1`,
    [database],
  );
  if (found === undefined) {
    throw new DrError("DATABASE_MISSING", { database });
  }
  const { oid, hasDefaultPrivileges, ...facts } = found;
  return {
    ...facts,
    privileges: hasDefaultPrivileges
      ? null
      : await readPrivileges(session, oid),
    settings: await readSettings(session, oid),
  };
}

async function readPrivileges(
  { query }: Session,
  oid: string,
): Promise<readonly Privilege[]> {
  return await query<Privilege & Record<string, unknown>>(
    `SELECT r.rolname AS grantee, a.privilege_type AS privilege,
            bool_or(a.is_grantable) AS "isGrantable"
       FROM pg_database d, aclexplode(d.datacl) a
       LEFT JOIN pg_roles r ON r.oid = a.grantee
      WHERE d.oid = $1 AND (a.grantee = 0 OR r.rolname IS NOT NULL)
      GROUP BY 1, 2 ORDER BY 1, 2`,
    [oid],
  );
}

async function readSettings(
  { query }: Session,
  oid: string,
): Promise<readonly Setting[]> {
  return await query<Setting & Record<string, unknown>>(
    `SELECT r.rolname AS role, split_part(s.setting, '=', 1) AS name,
            substr(s.setting, strpos(s.setting, '=') + 1) AS value
       FROM pg_db_role_setting d
       LEFT JOIN pg_roles r ON r.oid = d.setrole,
            unnest(d.setconfig) WITH ORDINALITY AS s (setting, place)
      WHERE d.setdatabase = $1 AND (d.setrole = 0 OR r.rolname IS NOT NULL)
      ORDER BY 1, s.place`,
    [oid],
  );
}

/** Settings of the user's own have a dot in their name; they are where PostgREST and others keep secrets. */
export function withoutSecrets(settings: DatabaseSettings): KeptSettings {
  const isOwn = ({ name }: Setting) => name.includes(".");
  return {
    ...settings,
    settings: settings.settings.filter((one) => !isOwn(one)),
    omitted: settings.settings.filter(isOwn).map(({ name }) => name),
  };
}

/** For who is asked before a database gets them: `owner app, connection limit 20, search_path = app, public`. */
export function describeSettings({
  owner,
  limit,
  privileges,
  settings,
}: DatabaseSettings): string {
  const whose = (role: string | null) => (role === null ? "" : ` for ${role}`);
  return [
    `owner ${owner}`,
    ...(limit === -1 ? [] : [`connection limit ${String(limit)}`]),
    ...(privileges ?? []).map(
      ({ grantee, privilege }) => `${privilege} of ${grantee ?? "PUBLIC"}`,
    ),
    ...settings.map(
      ({ role, name, value }) => `${name} = ${value}${whose(role)}`,
    ),
  ].join("; ");
}

/**
 * Gives a database what another one has. In the transaction that is open.
 *
 * @throws {DrError} DATABASE_DENIED and those of `query`.
 */
export async function carrySettings(
  session: Session,
  from: string,
  to: string,
): Promise<void> {
  const [flags] = await session.query<{
    isOpen: boolean;
    isTemplate: boolean;
  }>(
    `SELECT datallowconn AS "isOpen", datistemplate AS "isTemplate"
       FROM pg_database WHERE datname = $1`,
    [from],
  );
  const statements = [
    `ALTER DATABASE ${session.client.escapeIdentifier(to)} WITH ALLOW_CONNECTIONS ${String(flags?.isOpen)} IS_TEMPLATE ${String(flags?.isTemplate)}`,
    ...(await statementsFor(
      session,
      to,
      await readDatabaseSettings(session, from),
    )),
  ];
  for (const statement of statements) {
    await session.query(statement);
  }
}

/**
 * Gives a new database what it had when it was backed up, as far as the server
 * and the role allow. In the transaction that is open.
 *
 * @returns what it hasn't got, and why: sentences.
 */
export async function giveSettings(
  session: Session,
  database: string,
  settings: DatabaseSettings,
): Promise<readonly string[]> {
  const missing: string[] = [];
  for (const statement of await statementsFor(session, database, settings)) {
    await session.query("SAVEPOINT hardhat_dr_setting");
    try {
      await session.query(statement);
    } catch (error) {
      if (!isDrError(error, "DATABASE_DENIED", "DATABASE_FAILED")) {
        throw error;
      }
      await session.query("ROLLBACK TO SAVEPOINT hardhat_dr_setting");
      missing.push(`Not done: ${statement}; ${error.message}`);
    }
  }
  return missing;
}

/** Least is asked of the role where nothing is to be changed. */
async function statementsFor(
  session: Session,
  database: string,
  { owner, limit, comment, privileges, settings }: DatabaseSettings,
): Promise<readonly string[]> {
  const { client } = session;
  const target = client.escapeIdentifier(database);
  const present = await readDatabaseSettings(session, database);
  return [
    ...(owner === present.owner
      ? []
      : [
          `ALTER DATABASE ${target} OWNER TO ${client.escapeIdentifier(owner)}`,
        ]),
    `ALTER DATABASE ${target} WITH CONNECTION LIMIT ${String(limit)}`,
    `COMMENT ON DATABASE ${target} IS ${comment === null ? "NULL" : client.escapeLiteral(comment)}`,
    ...(privileges === null
      ? []
      : [
          `REVOKE ALL ON DATABASE ${target} FROM PUBLIC, ${client.escapeIdentifier(owner)}`,
          ...privileges.map((one) => formatGrant(client, target, one)),
        ]),
    ...settings.map((one) => formatSetting(client, target, one)),
  ];
}

function formatGrant(
  client: SessionClient,
  target: string,
  { grantee, privilege, isGrantable }: Privilege,
): string {
  const whom = grantee === null ? "PUBLIC" : client.escapeIdentifier(grantee);
  return `GRANT ${privilege} ON DATABASE ${target} TO ${whom}${isGrantable ? " WITH GRANT OPTION" : ""}`;
}

function formatSetting(
  client: SessionClient,
  target: string,
  { role, name, value }: Setting,
): string {
  const subject =
    role === null
      ? `DATABASE ${target}`
      : `ROLE ${client.escapeIdentifier(role)} IN DATABASE ${target}`;
  // app.tenant has two parts.
  const quoted = name.split(".").map((part) => client.escapeIdentifier(part));
  const values = partsOf(name, value).map((one) => client.escapeLiteral(one));
  return `ALTER ${subject} SET ${quoted.join(".")} TO ${values.join(", ")}`;
}

/**
 * Settings that are lists of names, each of which is quoted by itself.
 *
 * @see PostgreSQL, src/bin/pg_dump/dumputils.c, `variable_is_guc_list_quote`
 */
const LISTS = [
  "local_preload_libraries",
  "search_path",
  "session_preload_libraries",
  "shared_preload_libraries",
  "temp_tablespaces",
  "unix_socket_directories",
];

function partsOf(name: string, value: string): readonly string[] {
  if (!LISTS.includes(name.toLowerCase())) {
    return [value];
  }
  const parts = value.match(/"(?:[^"]|"")*"|[^",\s][^,]*/g) ?? [""];
  return parts.map((part) =>
    part.startsWith('"')
      ? part.slice(1, -1).replaceAll('""', '"')
      : part.trim(),
  );
}

const schema = z.strictObject({
  owner: z.string(),
  limit: z.int(),
  comment: z.string().nullable(),
  privileges: z
    .array(
      z.strictObject({
        grantee: z.string().nullable(),
        // It goes into a statement as it is.
        privilege: z.enum(["CONNECT", "CREATE", "TEMPORARY"]),
        isGrantable: z.boolean(),
      }),
    )
    .nullable(),
  settings: z.array(
    z.strictObject({
      role: z.string().nullable(),
      name: z.string(),
      value: z.string(),
    }),
  ),
  omitted: z.array(z.string()),
});

/**
 * Reads them out of what a manifest says that is inside.
 *
 * @returns undefined where an earlier version wrote none down.
 * @throws {DrError} MANIFEST_INVALID.
 */
export function parseSettings(manifest: Describing): KeptSettings | undefined {
  return parseContents(schema, manifest, "settings");
}
