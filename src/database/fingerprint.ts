import * as z from "zod";

import { hashDefinitions } from "./definitions.js";
import { fingerprintTables } from "./fingerprint-tables.js";
import type {
  Fingerprint,
  FingerprintOptions,
  SequenceFingerprint,
} from "./fingerprint-shape.js";
import { LAYOUT_SQL } from "./layout.js";
import { parseContents, type Describing } from "./parse-contents.js";
import { inSnapshot } from "./snapshot.js";
import type { Session } from "./session.js";

export { compareFingerprints, tellUncompared } from "./compare-fingerprints.js";
export type {
  Fingerprint,
  FingerprintOptions,
  SequenceFingerprint,
  TableFingerprint,
} from "./fingerprint-shape.js";

/**
 * Takes what makes a database recognisable, in one snapshot. Sequences are in no
 * snapshot: they are read first, so that they are never ahead of a dump that
 * begins later.
 *
 * @param session - Outside a transaction.
 * @throws {DrError} DATABASE_DENIED which names the table, DATABASE_UNREACHABLE,
 * DATABASE_FAILED, and the signal's reason.
 */
export async function takeFingerprint(
  session: Session,
  options: FingerprintOptions = {},
): Promise<Fingerprint> {
  const sequences = options.sequences ?? (await readSequences(session));
  return await inSnapshot(session, options, async (sessions) => {
    const hashed = await hashDefinitions(session);
    return {
      ...(await readDatabase(session)),
      ...hashed,
      tables: await fingerprintTables(sessions, options),
      sequences,
      largeObjects: await readLargeObjects(session, options),
    };
  });
}

type Described = Pick<
  Fingerprint,
  "server" | "encoding" | "locale" | "extensions" | "roles"
>;

async function readDatabase({ query }: Session): Promise<Described> {
  const [row] = await query<{ found: Described }>(`
    SELECT jsonb_build_object(
      'server', format('%s.%s', current_setting('server_version_num')::int / 10000,
        current_setting('server_version_num')::int % 10000),
      'extensions', (
        SELECT coalesce(jsonb_agg(jsonb_build_object('name', extname, 'version', extversion) ORDER BY extname COLLATE "C"), '[]')
        FROM pg_extension WHERE extname <> 'plpgsql'),
      'roles', (${ROLES})) || ${LAYOUT_SQL} AS found
    FROM pg_database d WHERE d.datname = current_database()`);
  return (row as { found: Described }).found;
}

/** That the first role owns something isn't recorded in pg_shdepend. Roles called pg_… are everywhere. */
const ROLES = `
  SELECT coalesce(jsonb_agg(rolname ORDER BY rolname COLLATE "C"), '[]') FROM pg_roles r
  WHERE rolname !~ '^pg_' AND r.oid IN (
    SELECT refobjid FROM pg_shdepend
    WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND refclassid = 'pg_authid'::regclass AND deptype IN ('o', 'a', 'r')
    UNION SELECT relowner FROM pg_class WHERE oid >= 16384
    UNION SELECT nspowner FROM pg_namespace WHERE oid >= 16384
    UNION SELECT proowner FROM pg_proc WHERE oid >= 16384
    UNION SELECT typowner FROM pg_type WHERE oid >= 16384)`;

/** All sequences, by name. @throws {DrError} like {@link takeFingerprint}. */
export async function readSequences({
  query,
}: Session): Promise<SequenceFingerprint[]> {
  const found = await query<{ name: string; counts: "down" | "around" | null }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name,
      CASE WHEN s.seqcycle THEN 'around' WHEN s.seqincrement < 0 THEN 'down' END AS counts
    FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relpersistence = 'p' AND n.nspname !~ '^pg_' AND NOT EXISTS (
      SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')`,
  );
  const sequences: SequenceFingerprint[] = [];
  for (const { name, counts } of found) {
    const [row] = await query<{ last: string; isCalled: boolean }>(
      `SELECT last_value::text AS last, is_called AS "isCalled" FROM ${name}`,
    );
    sequences.push({
      name,
      last: row?.last ?? "",
      isCalled: row?.isCalled ?? false,
      ...(counts === null ? {} : { counts }),
    });
  }
  return sequences.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

const LARGE_OBJECT_CHUNK = 65_536;

/**
 * Of each piece with its place. Read with what everybody may use, by pieces: a
 * large object may be larger than the server's memory. What is opened is
 * closed at once, in the order that needing one another gives.
 */
async function readLargeObjects(
  { query }: Session,
  { hashes }: FingerprintOptions,
): Promise<Fingerprint["largeObjects"]> {
  const [counted] = await query<{ count: string }>(
    "SELECT count(*)::text AS count FROM pg_largeobject_metadata",
  );
  const count = counted?.count ?? "0";
  if (hashes === false) {
    return { count };
  }
  const [row] = await query<{ hash: string }>(`
    SELECT coalesce(sum(hashtextextended(
      format('%s %s %s', m.oid, piece, encode(lo_get(m.oid, piece, ${LARGE_OBJECT_CHUNK}), 'hex')) COLLATE "C", 0)), 0)::text AS hash
    FROM pg_largeobject_metadata m,
      LATERAL lo_open(m.oid, 262144) AS opened,
      LATERAL lo_lseek64(opened, 0, 2) AS size,
      LATERAL lo_close(CASE WHEN size >= 0 THEN opened END) AS closed,
      LATERAL generate_series(0, size + closed, ${LARGE_OBJECT_CHUNK}) AS piece`);
  return { count, hash: row?.hash ?? "0" };
}

const decimal = z.string().regex(/^-?\d+$/);
const schema = z.strictObject({
  server: z.string(),
  encoding: z.string(),
  locale: z.strictObject({
    provider: z.enum(["c", "i", "b"]),
    collate: z.string(),
    ctype: z.string(),
    icu: z.string().optional(),
    icuRules: z.string().optional(),
  }),
  extensions: z.array(
    z.strictObject({ name: z.string(), version: z.string() }),
  ),
  roles: z.array(z.string()),
  schemaRules: z.int().optional(),
  schema: z.string().regex(/^[0-9a-f]{64}$/),
  definitions: z
    .record(z.string(), z.string().regex(/^[0-9a-f]{8}$/))
    .optional(),
  tables: z.array(
    z.strictObject({
      name: z.string(),
      rows: decimal,
      hash: decimal.optional(),
      sampled: z.int().min(1).max(999).optional(),
      computed: z.literal(true).optional(),
      uncounted: z.literal(true).optional(),
      partitionOf: z.array(z.string()).optional(),
    }),
  ),
  sequences: z.array(
    z.strictObject({
      name: z.string(),
      last: decimal,
      isCalled: z.boolean(),
      counts: z.enum(["down", "around"]).optional(),
    }),
  ),
  largeObjects: z.strictObject({ count: decimal, hash: decimal.optional() }),
});

/**
 * Reads the fingerprint out of what a manifest says that is inside.
 *
 * @returns undefined where nobody has written one down.
 * @throws {DrError} MANIFEST_INVALID.
 */
export function parseFingerprint(
  manifest: Describing,
): Fingerprint | undefined {
  return parseContents(schema, manifest, "fingerprint") as
    Fingerprint | undefined;
}
