import type { Session } from "./session.js";
import { listSessions } from "./swap-sessions.js";

/**
 * What would keep a database from being put aside, or do harm if it were, each
 * with what to do about it; asked before anything is changed.
 *
 * @param session - Beside the database.
 */
export async function findSwapBlockers(
  session: Session,
  database: string,
): Promise<readonly string[]> {
  const found = await session.query<{ blocker: string }>(BLOCKERS, [database]);
  const sessions = await listSessions(session, [database]);
  const fixed = sessions.filter(({ isEndable }) => !isEndable);
  return [
    ...found.map(({ blocker }) => blocker),
    ...fixed.map(
      ({ who }) =>
        `the session of ${who} can only be ended by a superuser, or a member of its role or of pg_signal_backend: end it`,
    ),
  ];
}

/** A slot or a subscription would stay with the old database, and whoever reads of it learn nothing any more. */
const BLOCKERS = `
  WITH d AS (SELECT oid, datname, datdba FROM pg_database WHERE datname = $1),
       me AS (SELECT * FROM pg_roles WHERE rolname = current_user)
  SELECT format('%s isn''t the owner''s, %s: connect as that role, or as a member of it',
                me.rolname, pg_get_userbyid(d.datdba)) AS blocker
    FROM d, me WHERE NOT pg_has_role(me.oid, d.datdba, 'USAGE')
  UNION ALL
  SELECT format('%s may neither create nor rename databases: ALTER ROLE %I CREATEDB', rolname, rolname)
    FROM me WHERE NOT (rolsuper OR rolcreatedb)
  UNION ALL
  SELECT format('the replication slot %s reads from it%s: SELECT pg_drop_replication_slot(%L), and make it anew afterwards',
                slot_name, CASE WHEN active THEN ' right now' ELSE '' END, slot_name)
    FROM pg_replication_slots WHERE database = $1
  UNION ALL
  SELECT format('the transaction %s, prepared by %s at %s, is in it: COMMIT PREPARED %L or ROLLBACK PREPARED %L there',
                gid, owner, to_char(prepared, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), gid, gid)
    FROM pg_prepared_xacts WHERE database = $1
  UNION ALL
  SELECT format('the subscription %s brings changes into it: DROP SUBSCRIPTION %I there, and make it anew afterwards', subname, subname)
    FROM pg_subscription s JOIN d ON d.oid = s.subdbid`;
