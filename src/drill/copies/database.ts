import {
  inDatabase,
  nameOfDatabase,
  type Access,
} from "../../database/access.js";
import {
  compareFingerprints,
  takeFingerprint,
  type Fingerprint,
} from "../../database/fingerprint.js";
import { withMaintenance } from "../../database/maintenance.js";
import { fillScratch } from "../../database/restore-fill.js";
import { requireRestorable } from "../../database/restore-requirements.js";
import type { Dump } from "../../database/restore-source.js";
import {
  dropAbandoned,
  dropScratch,
  renameScratch,
} from "../../database/scratch.js";
import { withSession, type Session } from "../../database/session.js";
import { isDrError } from "../../core/errors.js";
import type { Clock } from "../../core/clock.js";
import { formatMark, notItsOwn, type Mark } from "../mark.js";
import type { Random } from "../random.js";
import type { Copy } from "./copy.js";

/** What a drill needs of a copy of a database, whatever its engine. */
export interface DatabaseCopy extends Copy {
  readonly part: "database";
  /** For `dr.database.url` of whoever recovers it. */
  readonly url: string;
  /**
   * @param table - As in the fingerprint: `public.profiles`; absent: any with rows.
   * @returns which it was.
   * @throws {DrError} DRILL_NOT_ITS_OWN.
   */
  dropTable(table?: string): Promise<string>;
  /** Overwrites what can be overwritten of a table's rows. As {@link dropTable}. */
  corruptRows(table?: string): Promise<string>;
  /** The whole database is gone. @throws {DrError} DRILL_NOT_ITS_OWN. */
  lose(): Promise<void>;
}

/** How a name is given to a copy, and what it is made with. */
export interface PostgresCopyOptions {
  /** A server, by a database of it that isn't touched. */
  readonly server: Access;
  /** The same as a URL. */
  readonly serverUrl: string;
  /** Of the copy: `dr_drill_20251126112822_ab12cd34`. */
  readonly name: string;
  readonly mark: Mark;
  readonly random: Random;
  readonly criticalTables: readonly string[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Restores a backup into a database of the drill's own, held against what was
 * written down when it was made.
 *
 * @param baseline - The backup's.
 * @throws {DrError} DATABASE_UNFIT, DATABASE_RESTORED_WRONG, and those of `fillScratch`.
 */
export async function copyPostgres(
  dump: Dump,
  baseline: Fingerprint,
  options: PostgresCopyOptions,
): Promise<DatabaseCopy> {
  const { server, name, mark } = options;
  await withMaintenance(server, async (session) => {
    await dropAbandoned(session);
    const how = { jobs: 1, noOwner: false, acceptUnauthenticated: true };
    const { tool } = await requireRestorable(session, dump, how);
    const { scratch } = await fillScratch(
      session,
      { ...dump, tool },
      { ...options, ...how, like: server.database, keep: false },
    );
    await renameScratch(session, scratch.name, name);
    await session.query(
      `COMMENT ON DATABASE ${session.client.escapeIdentifier(name)} IS ${session.client.escapeLiteral(formatMark(mark))}`,
    );
  });
  return new PostgresCopy(baseline, options);
}

/** Also what a restore had put aside of it. It may be gone. */
export async function dropCopies(server: Access, name: string): Promise<void> {
  await withMaintenance(server, async (session) => {
    await dropAbandoned(session);
    const all = await session.query<{ name: string }>(
      "SELECT datname AS name FROM pg_database WHERE datname = $1 OR datname ~ ('^' || $1 || '_(before|restore)_[0-9]{8}_[0-9]{6}$')",
      [name],
    );
    for (const one of all) {
      await dropScratch(session, one.name);
    }
  });
}

/** `db.example.org:5432` */
export function nameOfServer({ host, port }: Access): string {
  return `${host}:${String(port)}`;
}

/** Of columns that can be overwritten: a digest of what was there, in their own type. */
const GARBAGE: Readonly<Record<string, string>> = {
  text: "md5(random()::text)",
  "character varying": "left(md5(random()::text), 4)",
  integer: "-1 - (random() * 1000000)::integer",
  bigint: "-1 - (random() * 1000000)::bigint",
  numeric: "-1",
  boolean: "NULL",
  jsonb: "'{}'::jsonb",
  bytea: "'\\xdead'::bytea",
  "timestamp with time zone": "'epoch'::timestamptz",
};

class PostgresCopy implements DatabaseCopy {
  readonly part = "database";
  readonly url: string;
  readonly #access: Access;
  readonly #baseline: Fingerprint;
  readonly #options: PostgresCopyOptions;

  constructor(baseline: Fingerprint, options: PostgresCopyOptions) {
    const url = new URL(options.serverUrl);
    url.pathname = `/${options.name}`;
    this.url = url.href;
    this.#access = inDatabase(options.server, options.name);
    this.#baseline = baseline;
    this.#options = options;
  }

  get summary(): string {
    const { tables } = this.#baseline;
    const rows = tables.reduce((sum, one) => sum + BigInt(one.rows), 0n);
    return `${String(tables.length)} tables with ${String(rows)} rows, by the hash of their contents`;
  }

  async requireOwn(): Promise<void> {
    const { mark, name, server } = this.#options;
    const [found] = await withMaintenance(
      server,
      async (session) =>
        await session.query<{ comment: string | null }>(
          "SELECT shobj_description(oid, 'pg_database') AS comment FROM pg_database WHERE datname = $1",
          [name],
        ),
    );
    if (found?.comment !== formatMark(mark)) {
      throw notItsOwn(nameOfDatabase(this.#access));
    }
  }

  async differences(): Promise<readonly string[]> {
    try {
      const found = await withSession(
        this.#access,
        async (session) =>
          await takeFingerprint(session, { like: this.#baseline }),
      );
      return compareFingerprints(this.#baseline, found);
    } catch (error) {
      if (isDrError(error, "DATABASE_MISSING")) {
        return ["There is no database any more."];
      }
      throw error;
    }
  }

  async dropTable(table?: string): Promise<string> {
    return await this.#break(table, async ({ query }, one) => {
      await query(`DROP TABLE ${one} CASCADE`);
    });
  }

  async corruptRows(table?: string): Promise<string> {
    return await this.#break(table, corrupt);
  }

  async lose(): Promise<void> {
    await this.requireOwn();
    const { server, name } = this.#options;
    await withMaintenance(server, async (session) => {
      await dropScratch(session, name);
    });
  }

  async #break(
    wanted: string | undefined,
    work: (session: Session, table: string) => Promise<void>,
  ): Promise<string> {
    await this.requireOwn();
    return await withSession(this.#access, async (session) => {
      const table = wanted ?? (await this.#choose(session));
      await work(session, table);
      return table;
    });
  }

  /** One that has rows and is still there; one that matters if there is. */
  async #choose({ query }: Session): Promise<string> {
    const { criticalTables, random } = this.#options;
    const present = await query<{ name: string }>(
      "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables",
    );
    const names = new Set(present.map(({ name }) => name));
    const filled = this.#baseline.tables
      .filter(({ name, rows }) => rows !== "0" && names.has(name))
      .map(({ name }) => name);
    const critical = filled.filter((name) =>
      criticalTables.some((one) => name === one || name === `public.${one}`),
    );
    const [first, ...others] = critical.length > 0 ? critical : filled;
    if (first === undefined) {
      throw notItsOwn(
        `${nameOfDatabase(this.#access)} has no table with rows, which`,
      );
    }
    return random.choose([first, ...others]);
  }
}

/** What is written into a column must be let in by its constraints: the first that is. Else the rows are gone. */
async function corrupt({ query }: Session, table: string): Promise<void> {
  const columns = await query<{ name: string; type: string }>(
    `SELECT quote_ident(attname) AS name, format_type(atttypid, NULL) AS type
       FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0
        AND NOT attisdropped AND attgenerated = '' AND attidentity = ''
      ORDER BY attnum DESC`,
    [table],
  );
  for (const { name, type } of columns) {
    const garbage = GARBAGE[type];
    if (garbage === undefined) {
      continue;
    }
    try {
      await query(`UPDATE ${table} SET ${name} = ${garbage}`);
      return;
    } catch (error) {
      if (!isDrError(error, "DATABASE_FAILED")) {
        throw error;
      }
    }
  }
  await query(`TRUNCATE ${table} CASCADE`);
}
