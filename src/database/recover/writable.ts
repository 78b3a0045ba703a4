import { DrError } from "../../core/errors.js";
import { nameOfDatabase, type Access } from "../access.js";
import { withSession, type Session } from "../session.js";
import { readCatalogue } from "./catalogue.js";
import { findTable } from "./pair.js";

/**
 * What can be said of the live database before old rows are there to compare
 * it with, which may take an hour.
 *
 * @param isWritten - Whether rows are to be brought back, not only shown.
 * @throws {DrError} RECOVER_READ_ONLY, RECOVER_TABLE_UNKNOWN.
 */
export async function prepareRecovery(
  access: Access,
  table: string,
  isWritten: boolean,
): Promise<void> {
  await withSession(access, async (live) => {
    await requireWritable(live, isWritten);
    const { tables } = await readCatalogue(live);
    findTable(
      table,
      tables,
      (one) => one,
      "the database has none; if it was dropped or renamed, it is in a backup that is restored beside (`dr:db:restore --into OTHER`)",
    );
  });
}

/**
 * To compare rows takes tables of our own, which a standby has none of. Where
 * somebody has only set that transactions read, they may be made all the same.
 *
 * @throws {DrError} RECOVER_READ_ONLY.
 */
export async function requireWritable(
  { access, query }: Session,
  isWritten: boolean,
): Promise<void> {
  const [found] = await query<{ isStandby: boolean; isReadOnly: boolean }>(
    `SELECT pg_is_in_recovery() AS "isStandby",
       current_setting('default_transaction_read_only')::bool AS "isReadOnly"`,
  );
  const database = nameOfDatabase(access);
  if (found?.isStandby === true) {
    throw new DrError("RECOVER_READ_ONLY", {
      database,
      reason: "the server is a standby, which can't even compare rows",
      way: "Name the primary in `dr.database.url`. If this server is to become it, promote it first.",
    });
  }
  if (found?.isReadOnly === true && isWritten) {
    throw new DrError("RECOVER_READ_ONLY", {
      database,
      reason: `default_transaction_read_only is on for it or for ${access.user}`,
      way: "Without `--apply` the rows are shown all the same. Once whoever set it agrees, reset it (`ALTER DATABASE … RESET default_transaction_read_only`, or ALTER ROLE, or in postgresql.conf).",
    });
  }
}

/** Of what only this session sees. */
export async function allowOwnTables({ query }: Session): Promise<void> {
  await query("SET default_transaction_read_only = off");
}
