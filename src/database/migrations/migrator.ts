import { DrError, isDrError, messageOf } from "../../core/errors.js";
import type { Access } from "../access.js";
import {
  backendOf,
  closeSession,
  codeOf,
  explainPostgres,
  openSession,
  VALUE_SETTINGS,
  type Session,
} from "../session.js";
import { BlockerWatch, formatHolders } from "./lock-holders.js";
import { linesIn, type Statement } from "./split-statements.js";
import { kindOf } from "./transaction-needs.js";

export interface MigratorOptions {
  /** Named in errors. */
  readonly file: string;
  readonly lockTimeoutSeconds: number;
  /** Where there is only one session: another database that is what this one is before. */
  readonly observed?: Access | undefined;
  /** Cancels the statement at work. */
  readonly signal?: AbortSignal | undefined;
}

/** @see PostgreSQL, appendix A, "PostgreSQL Error Codes" */
const LOCK_NOT_AVAILABLE = "55P03";
const ACTIVE_SQL_TRANSACTION = "25001";
const INVALID_TRANSACTION_TERMINATION = "2D000";
const UNSAFE_NEW_ENUM_VALUE = "55P04";
const NOT_IN_TRANSACTION: readonly string[] = [
  ACTIVE_SQL_TRANSACTION,
  INVALID_TRANSACTION_TERMINATION,
  UNSAFE_NEW_ENUM_VALUE,
];

/**
 * A connection on which a migration runs as it would in psql, with the settings
 * of its role and database, and one beside it that observes.
 */
export class Migrator {
  /** Sees only what is committed; names come qualified. */
  readonly observer: Session;
  readonly #session: Session;
  readonly #pid: number;
  readonly #options: MigratorOptions;

  private constructor(
    session: Session,
    observer: Session,
    pid: number,
    options: MigratorOptions,
  ) {
    this.#session = session;
    this.observer = observer;
    this.#pid = pid;
    this.#options = options;
  }

  /** @throws {DrError} DATABASE_UNREACHABLE and the like. */
  static async open(
    access: Access,
    options: MigratorOptions,
  ): Promise<Migrator> {
    const observer = await openSession(options.observed ?? access);
    const session = await openSession(access).catch(async (error: unknown) => {
      await closeSession(observer);
      throw error;
    });
    try {
      await session.query(
        `RESET ALL;
        SET application_name = 'hardhat-dr';
        SET standard_conforming_strings = on;
        ${lockTimeoutSql(options)}`,
      );
      const pid = await backendOf(session);
      return new Migrator(session, observer, pid, options);
    } catch (error) {
      await closeSession(session);
      await closeSession(observer);
      throw error;
    }
  }

  async close(): Promise<void> {
    await closeSession(this.#session);
    await closeSession(this.observer);
  }

  /**
   * Runs a statement of the file, as what it was taken for: where the file's own
   * settings make several of it (`standard_conforming_strings = off`), one of
   * which may be COMMIT, the server refuses it.
   *
   * @throws {DrError} MIGRATION_FAILED, MIGRATION_LOCKED, MIGRATION_NOT_ATOMIC
   * when the server refuses it in a transaction, DATABASE_UNREACHABLE; the
   * signal's reason.
   */
  async run(statement: Statement): Promise<void> {
    const { signal } = this.#options;
    signal?.throwIfAborted();
    const watch = new BlockerWatch(this.observer, this.#pid);
    let cancelling: Promise<unknown> | undefined;
    const cancel = () => {
      cancelling = this.#cancel();
    };
    signal?.addEventListener("abort", cancel);
    try {
      const { text } = statement;
      await this.#session.client.query({ text, queryMode: "extended" });
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#explain(error, statement, formatHolders(await watch.stop()));
    } finally {
      signal?.removeEventListener("abort", cancel);
      await watch.stop();
      await cancelling;
    }
    signal?.throwIfAborted();
  }

  /**
   * The same outside of a transaction of ours. Waiting for a lock keeps nobody
   * else waiting where it is done concurrently.
   *
   * @throws {DrError} like {@link run}.
   */
  async runAlone(statement: Statement): Promise<void> {
    if (!/\bCONCURRENTLY\b/.test(statement.normal)) {
      await this.run(statement);
      return;
    }
    await this.order("SET lock_timeout = 0");
    try {
      await this.run(statement);
    } finally {
      await this.#session.client
        .query(lockTimeoutSql(this.#options))
        .catch(() => undefined);
    }
  }

  /** Of the transaction at work, as `txid_status` takes it. */
  async transactionId(): Promise<string> {
    const [row] = await this.#session.query<{ id: string }>(
      "SELECT txid_current()::text AS id",
    );
    return row?.id ?? "";
  }

  /** Of ours: `BEGIN`. @throws {DrError} DATABASE_FAILED, DATABASE_UNREACHABLE. */
  async order(sql: string): Promise<void> {
    await this.#session.query(sql);
  }

  /** In the transaction at work, without a trace in it: names come qualified, all rows are seen, values look as to the observer. */
  async look<T>(work: (session: Session) => Promise<T>): Promise<T> {
    await this.order(
      `SAVEPOINT hardhat_dr_look;
      SET LOCAL SESSION AUTHORIZATION DEFAULT;
      SET LOCAL search_path = '';
      SET LOCAL row_security = off;
      ${VALUE_SETTINGS.map((setting) => `SET LOCAL ${setting};`).join(" ")}
      SET LOCAL quote_all_identifiers = off`,
    );
    const found = await work(this.#session);
    await this.order(
      "ROLLBACK TO SAVEPOINT hardhat_dr_look; RELEASE SAVEPOINT hardhat_dr_look",
    );
    return found;
  }

  /** The transaction is undone, whatever state it is in; a lost connection has done that already. */
  async rollBack(): Promise<void> {
    await this.#session.client.query("ROLLBACK").catch(() => undefined);
  }

  async #cancel(): Promise<void> {
    await this.observer
      .query("SELECT pg_cancel_backend($1)", [this.#pid])
      .catch(() => undefined);
  }

  #explain(error: unknown, statement: Statement, holders: string): DrError {
    const { file, lockTimeoutSeconds } = this.#options;
    const explained = explainPostgres(error, this.#session.access);
    if (isDrError(explained, "DATABASE_UNREACHABLE")) {
      return explained;
    }
    const code = codeOf(error);
    const line = lineOf(error, statement);
    const kind = kindOf(statement);
    const options = { cause: error };
    if (code === LOCK_NOT_AVAILABLE) {
      const seconds = lockTimeoutSeconds;
      return new DrError(
        "MIGRATION_LOCKED",
        { file, line, kind, seconds, holders },
        options,
      );
    }
    const { reason = "" } = explained.values;
    if (NOT_IN_TRANSACTION.includes(code)) {
      const what = `line ${String(line)}: ${String(reason)}`;
      return new DrError("MIGRATION_NOT_ATOMIC", { file, what }, options);
    }
    return new DrError(
      "MIGRATION_FAILED",
      { file, line, kind, reason },
      options,
    );
  }
}

function lockTimeoutSql({ lockTimeoutSeconds }: MigratorOptions): string {
  return `SET lock_timeout = '${String(Math.round(lockTimeoutSeconds * 1000))}ms'`;
}

/** PostgreSQL counts characters, the first being 1. */
function lineOf(error: unknown, { text, line }: Statement): number {
  const position =
    error instanceof Error && "position" in error ? Number(error.position) : 0;
  const before = Array.from(text)
    .slice(0, Math.max(position - 1, 0))
    .join("");
  return line + linesIn(before);
}

/** Why a statement failed, without where. */
export function reasonOf(error: unknown): string {
  if (isDrError(error, "MIGRATION_INTERRUPTED")) {
    return "it was interrupted";
  }
  return isDrError(error) && error.values.reason !== undefined
    ? String(error.values.reason)
    : messageOf(error);
}
