import { isDrError } from "../../core/errors.js";
import type { Access } from "../access.js";
import { withMaintenance } from "../maintenance.js";
import type { Session } from "../session.js";

/** What the live server says of itself. */
export interface LiveServer {
  readonly systemIdentifier: string;
  readonly timeline: number;
  /** How far its log has come, or has been replayed. */
  readonly lsn: string;
  /** `15` */
  readonly major: string;
  readonly isStandby: boolean;
  /** Absent where its role isn't told. */
  readonly dataFolder?: string;
  readonly archiveMode: string;
  /** What its log is handed to: a command, or a library. */
  readonly archiver: string;
  readonly databases: readonly string[];
  readonly replicas: number;
  readonly slots: number;
  /** Whether the role may name a place in the log. */
  readonly mayMark: boolean;
}

/**
 * Asks the live server, through a database that is always there.
 *
 * @returns undefined when it doesn't answer.
 * @throws {DrError} DATABASE_DENIED, DATABASE_MISSING.
 */
export async function askLive(access: Access): Promise<LiveServer | undefined> {
  try {
    return await withMaintenance(access, describe);
  } catch (error) {
    if (isDrError(error, "DATABASE_UNREACHABLE")) {
      return undefined;
    }
    throw error;
  }
}

async function describe({ query }: Session): Promise<LiveServer> {
  const [{ found }] = (await query<{ found: LiveServer }>(`
    SELECT jsonb_strip_nulls(jsonb_build_object(
      'systemIdentifier', (SELECT system_identifier::text FROM pg_control_system()),
      'timeline', CASE WHEN pg_is_in_recovery() THEN (SELECT timeline_id FROM pg_control_checkpoint())
        ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END,
      'lsn', CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_insert_lsn() END,
      'major', (current_setting('server_version_num')::int / 10000)::text,
      'isStandby', pg_is_in_recovery(),
      'dataFolder', CASE WHEN pg_has_role('pg_read_all_settings', 'USAGE') THEN current_setting('data_directory') END,
      'archiveMode', current_setting('archive_mode'),
      'archiver', CASE WHEN pg_has_role('pg_read_all_settings', 'USAGE')
        THEN coalesce(nullif(current_setting('archive_library', true), ''), current_setting('archive_command')) ELSE '' END,
      'databases', (SELECT coalesce(jsonb_agg(datname ORDER BY datname), '[]') FROM pg_database WHERE NOT datistemplate),
      'replicas', (SELECT count(*) FROM pg_stat_replication WHERE application_name !~ '^pg_(basebackup|receivewal)'),
      'slots', (SELECT count(*) FROM pg_replication_slots),
      'mayMark', has_function_privilege('pg_create_restore_point(text)', 'EXECUTE'))) AS found`)) as [
    { readonly found: LiveServer },
  ];
  return found;
}

/**
 * Names the present place in the log, and makes sure that a commit comes after
 * every moment before: a replay up to such a moment ends at a commit that is
 * later, and an idle server has none.
 *
 * @returns the place.
 */
export async function markLog(access: Access, point: string): Promise<string> {
  return await withMaintenance(access, async ({ query }) => {
    await query("SELECT pg_current_xact_id()");
    const [row] = await query<{ lsn: string }>(
      "SELECT pg_create_restore_point($1)::text AS lsn",
      [point],
    );
    return row?.lsn ?? "";
  });
}
