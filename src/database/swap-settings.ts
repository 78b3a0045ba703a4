import type { Session } from "./session.js";

interface Facts {
  readonly oid: string;
  readonly owner: string;
  readonly limit: number;
  readonly isOpen: boolean;
  readonly isTemplate: boolean;
  readonly comment: string | null;
  readonly hasDefaultPrivileges: boolean;
}

/**
 * Gives a database what another one has that no dump of it holds: owner,
 * privileges, settings, limits, comment. In the transaction that is open.
 *
 * @throws {DrError} DATABASE_DENIED and those of `query`.
 */
export async function carrySettings(
  session: Session,
  from: string,
  to: string,
): Promise<void> {
  const facts = await readFacts(session, from);
  const present = await readFacts(session, to);
  const { client } = session;
  const target = client.escapeIdentifier(to);
  const statements = [
    // Least is asked of the role where nothing is to be changed.
    ...(facts.owner === present.owner
      ? []
      : [
          `ALTER DATABASE ${target} OWNER TO ${client.escapeIdentifier(facts.owner)}`,
        ]),
    `ALTER DATABASE ${target} WITH CONNECTION LIMIT ${String(facts.limit)} ALLOW_CONNECTIONS ${String(facts.isOpen)} IS_TEMPLATE ${String(facts.isTemplate)}`,
    `COMMENT ON DATABASE ${target} IS ${facts.comment === null ? "NULL" : client.escapeLiteral(facts.comment)}`,
    ...(facts.hasDefaultPrivileges
      ? []
      : await privilegesOf(session, facts, target)),
    ...(await settingsOf(session, facts, target)),
  ];
  for (const statement of statements) {
    await session.query(statement);
  }
}

async function readFacts(session: Session, database: string): Promise<Facts> {
  const [facts] = await session.query<Facts & Record<string, unknown>>(
    `SELECT oid::text, pg_get_userbyid(datdba) AS owner, datconnlimit AS "limit",
            datallowconn AS "isOpen", datistemplate AS "isTemplate",
            shobj_description(oid, 'pg_database') AS comment,
            datacl IS NULL AS "hasDefaultPrivileges"
       FROM pg_database WHERE datname = $1`,
    [database],
  );
  return facts as Facts;
}

async function privilegesOf(
  session: Session,
  { oid, owner }: Facts,
  target: string,
): Promise<readonly string[]> {
  const { client } = session;
  const granted = await session.query<{
    grantee: string | null;
    privilege: string;
    isGrantable: boolean;
  }>(
    `SELECT r.rolname AS grantee, a.privilege_type AS privilege,
            bool_or(a.is_grantable) AS "isGrantable"
       FROM pg_database d, aclexplode(d.datacl) a
       LEFT JOIN pg_roles r ON r.oid = a.grantee
      WHERE d.oid = $1 AND (a.grantee = 0 OR r.rolname IS NOT NULL)
      GROUP BY 1, 2 ORDER BY 1, 2`,
    [oid],
  );
  const whom = (name: string | null) =>
    name === null ? "PUBLIC" : client.escapeIdentifier(name);
  return [
    `REVOKE ALL ON DATABASE ${target} FROM PUBLIC, ${client.escapeIdentifier(owner)}`,
    ...granted.map(
      ({ grantee, privilege, isGrantable }) =>
        `GRANT ${privilege} ON DATABASE ${target} TO ${whom(grantee)}${isGrantable ? " WITH GRANT OPTION" : ""}`,
    ),
  ];
}

async function settingsOf(
  session: Session,
  { oid }: Facts,
  target: string,
): Promise<readonly string[]> {
  const { client } = session;
  const settings = await session.query<{
    role: string | null;
    setting: string;
  }>(
    `SELECT r.rolname AS role, s.setting
       FROM pg_db_role_setting d
       LEFT JOIN pg_roles r ON r.oid = d.setrole,
            unnest(d.setconfig) WITH ORDINALITY AS s (setting, place)
      WHERE d.setdatabase = $1 AND (d.setrole = 0 OR r.rolname IS NOT NULL)
      ORDER BY 1, s.place`,
    [oid],
  );
  return settings.map(({ role, setting }) => {
    const at = setting.indexOf("=");
    const [name, value] = [setting.slice(0, at), setting.slice(at + 1)];
    const subject =
      role === null
        ? `DATABASE ${target}`
        : `ROLE ${client.escapeIdentifier(role)} IN DATABASE ${target}`;
    // app.tenant has two parts.
    const quoted = name.split(".").map((part) => client.escapeIdentifier(part));
    const values = partsOf(name, value).map((one) => client.escapeLiteral(one));
    return `ALTER ${subject} SET ${quoted.join(".")} TO ${values.join(", ")}`;
  });
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
