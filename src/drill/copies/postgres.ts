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
import type { DatabaseCopy } from "./database-copy.js";
import {
  chooseTable,
  corruptRows,
  dropTable,
  summariseDatabase,
} from "./database.js";

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
    return summariseDatabase(this.#baseline);
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
    return await this.#break(table, dropTable);
  }

  async corruptRows(table?: string): Promise<string> {
    return await this.#break(table, corruptRows);
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
      const choice = { ...this.#options, baseline: this.#baseline };
      const table = wanted ?? (await chooseTable(session, choice));
      await work(session, table);
      return table;
    });
  }
}
