import { inDatabase } from "./access.js";
import { withSession, type Session } from "./session.js";

/**
 * Takes the subscriptions out of a database, which couldn't be dropped with
 * them. Their publishers learn nothing of it: the slots there are others'.
 *
 * @param session - Beside it.
 */
export async function forgetSubscriptions(
  session: Session,
  database: string,
): Promise<void> {
  const found = await session.query<{ name: string }>(
    `SELECT quote_ident(s.subname) AS name
       FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
      WHERE d.datname = $1`,
    [database],
  );
  if (found.length === 0) {
    return;
  }
  await withSession(inDatabase(session.access, database), async (inside) => {
    for (const { name } of found) {
      await inside.query(`ALTER SUBSCRIPTION ${name} DISABLE`);
      await inside.query(`ALTER SUBSCRIPTION ${name} SET (slot_name = NONE)`);
      await inside.query(`DROP SUBSCRIPTION ${name}`);
    }
  });
}

/** What to do about those that a dump has left disabled: sentences. */
export async function tellSubscriptions({
  query,
}: Session): Promise<readonly string[]> {
  const found = await query<{ name: string }>(
    `SELECT quote_ident(s.subname) AS name
       FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
      WHERE d.datname = current_database() AND NOT s.subenabled ORDER BY 1`,
  );
  return found.map(
    ({ name }) =>
      `The subscription ${name} is disabled, as dumps leave it: ALTER SUBSCRIPTION ${name} ENABLE there, when it is to bring changes again.`,
  );
}
