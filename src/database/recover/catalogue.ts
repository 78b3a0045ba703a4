import type { Session } from "../session.js";
import type { QualifiedName } from "./name.js";

/** What a database says of its tables: those that hold rows of their own, and partitioned ones. */
export interface Catalogue {
  /** As PostgreSQL calls it: `UTF8`. */
  readonly encoding: string;
  readonly tables: readonly Table[];
  readonly foreignKeys: readonly ForeignKey[];
}

export interface Table extends QualifiedName {
  readonly oid: string;
  readonly isPartitioned: boolean;
  /** Of a partition: the table that it is a part of, at the top. */
  readonly root: string | null;
  /** Row-level security stands before it, for this role. */
  readonly isHidden: boolean;
  readonly columns: readonly Column[];
  readonly uniques: readonly Unique[];
  readonly sequences: readonly Sequence[];
}

export interface Column {
  readonly name: string;
  /** Without its length or precision: to cast to it never cuts anything off. */
  readonly type: string;
  /** As it was declared: `character varying(40)`. */
  readonly declared: string;
  /** Where it isn't the database's own: `pg_catalog."C"`. */
  readonly collation: string | null;
  readonly isRequired: boolean;
  readonly isGenerated: boolean;
  readonly hasDefault: boolean;
}

/** A primary key, a unique constraint or index, or an exclusion constraint. */
export interface Unique {
  readonly name: string;
  readonly isPrimary: boolean;
  readonly isExclusion: boolean;
  readonly areNullsEqual: boolean;
  /** Of a partial one. */
  readonly predicate: string | null;
  /** Each a column's name, or null where it is an expression. */
  readonly columns: readonly (string | null)[];
  readonly expressions: readonly string[];
  /** How two of them are compared: `OPERATOR(pg_catalog.=)`. */
  readonly operators: readonly string[];
}

export interface ForeignKey {
  readonly name: string;
  readonly child: string;
  readonly childColumns: readonly string[];
  readonly parent: string;
  readonly parentColumns: readonly string[];
  /** Parent's value before it, child's behind it. */
  readonly operators: readonly string[];
  readonly onDelete: "cascade" | "keep" | "unset";
}

/** It feeds a column. */
export interface Sequence extends QualifiedName {
  readonly column: string;
  readonly isDescending: boolean;
}

type Raw<T> = T & { readonly oid: string };

const USER_TABLES = `
  SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p') AND n.nspname <> 'information_schema'
    AND n.nspname !~ '^pg_'`;

/** @see PostgreSQL, "System Catalogs" */
export async function readCatalogue({ query }: Session): Promise<Catalogue> {
  const tables = await query<Omit<Table, "columns" | "uniques" | "sequences">>(`
    SELECT c.oid::text, n.nspname::text AS schema, c.relname::text AS name,
      c.relkind = 'p' AS "isPartitioned",
      CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid::text END AS root,
      row_security_active(c.oid) AS "isHidden"
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid IN (${USER_TABLES})
    ORDER BY n.nspname, c.relname`);
  const columns = await query<Raw<Column>>(`
    SELECT a.attrelid::text AS oid, a.attname::text AS name,
      format_type(a.atttypid, -1) AS type,
      format_type(a.atttypid, a.atttypmod) AS declared,
      (SELECT quote_ident(s.nspname) || '.' || quote_ident(l.collname)
       FROM pg_collation l JOIN pg_namespace s ON s.oid = l.collnamespace
       WHERE l.oid = a.attcollation AND l.collname <> 'default') AS collation,
      a.attnotnull OR t.typnotnull AS "isRequired",
      a.attgenerated <> '' AS "isGenerated",
      a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL AS "hasDefault"
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid IN (${USER_TABLES})
    ORDER BY a.attrelid, a.attnum`);
  const uniques = await query<Raw<Unique>>(`
    SELECT i.indrelid::text AS oid, c.relname::text AS name,
      i.indisprimary AS "isPrimary", i.indisexclusion AS "isExclusion",
      coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false) AS "areNullsEqual",
      pg_get_expr(i.indpred, i.indrelid) AS predicate,
      ARRAY(
        SELECT a.attname::text FROM generate_series(1, i.indnkeyatts) AS p(n)
        LEFT JOIN pg_attribute a
          ON a.attrelid = i.indrelid AND a.attnum = i.indkey[p.n - 1] AND a.attnum > 0
        ORDER BY p.n) AS columns,
      ARRAY(
        SELECT '(' || pg_get_indexdef(i.indexrelid, p.n, false) || ')' || coalesce(
          (SELECT ' COLLATE ' || quote_ident(s.nspname) || '.' || quote_ident(l.collname)
           FROM pg_collation l JOIN pg_namespace s ON s.oid = l.collnamespace
           WHERE l.oid = i.indcollation[p.n - 1] AND l.collname <> 'default'), '')
        FROM generate_series(1, i.indnkeyatts) AS p(n) ORDER BY p.n) AS expressions,
      ARRAY(
        SELECT 'OPERATOR(' || quote_ident(s.nspname) || '.' || o.oprname || ')'
        FROM generate_series(1, i.indnkeyatts) AS p(n)
        JOIN pg_opclass k ON k.oid = i.indclass[p.n - 1]
        JOIN pg_operator o ON o.oid = CASE
          WHEN x.conexclop IS NOT NULL THEN x.conexclop[p.n]
          ELSE (SELECT m.amopopr FROM pg_amop m
                WHERE m.amopfamily = k.opcfamily AND m.amopstrategy = 3
                  AND m.amoplefttype = k.opcintype AND m.amoprighttype = k.opcintype)
          END
        JOIN pg_namespace s ON s.oid = o.oprnamespace
        ORDER BY p.n) AS operators
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    LEFT JOIN pg_constraint x ON x.conindid = i.indexrelid AND x.contype = 'x'
    WHERE (i.indisunique OR i.indisexclusion) AND i.indisvalid
      AND i.indrelid IN (${USER_TABLES})
    ORDER BY i.indrelid, NOT i.indisprimary, c.relname`);
  const sequences = await query<Raw<Sequence>>(`
    SELECT a.attrelid::text AS oid, a.attname::text AS column,
      n.nspname::text AS schema, c.relname::text AS name,
      q.seqincrement < 0 AS "isDescending"
    FROM pg_sequence q JOIN pg_class c ON c.oid = q.seqrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN (
      SELECT objid AS sequence, refobjid AS relation, refobjsubid AS number
      FROM pg_depend
      WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass
        AND deptype IN ('a', 'i')
      UNION
      SELECT d.refobjid, f.adrelid, f.adnum
      FROM pg_depend d JOIN pg_attrdef f ON f.oid = d.objid
      WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass
    ) u ON u.sequence = q.seqrelid
    JOIN pg_attribute a ON a.attrelid = u.relation AND a.attnum = u.number
    JOIN pg_type t ON t.oid = a.atttypid AND t.typcategory = 'N'
    WHERE a.attrelid IN (${USER_TABLES})
    ORDER BY n.nspname, c.relname, a.attrelid, a.attnum`);
  const [database] = await query<Pick<Catalogue, "encoding">>(
    "SELECT current_setting('server_encoding') AS encoding",
  );
  return {
    encoding: database?.encoding ?? "",
    tables: tables.map((table) => ({
      ...table,
      columns: ofTable(columns, table),
      uniques: ofTable(uniques, table),
      sequences: ofTable(sequences, table),
    })),
    foreignKeys: await readForeignKeys({ query }),
  };
}

function ofTable<T>(
  all: readonly Raw<T>[],
  { oid }: Pick<Table, "oid">,
): readonly T[] {
  return all.filter((one) => one.oid === oid);
}

/** One for each that was declared; those of partitions are the partitioned table's. */
async function readForeignKeys({
  query,
}: Pick<Session, "query">): Promise<readonly ForeignKey[]> {
  const rootOf = (column: string) =>
    `coalesce(pg_partition_root(${column})::oid, ${column})::text`;
  const namesOf = (relation: string, numbers: string) => `ARRAY(
    SELECT a.attname::text FROM unnest(${numbers}) WITH ORDINALITY AS k(number, n)
    JOIN pg_attribute a ON a.attrelid = ${relation} AND a.attnum = k.number
    ORDER BY k.n)`;
  return await query<ForeignKey>(`
    SELECT f.conname::text AS name, ${rootOf("f.conrelid")} AS child,
      ${rootOf("f.confrelid")} AS parent,
      ${namesOf("f.conrelid", "f.conkey")} AS "childColumns",
      ${namesOf("f.confrelid", "f.confkey")} AS "parentColumns",
      ARRAY(
        SELECT 'OPERATOR(' || quote_ident(s.nspname) || '.' || o.oprname || ')'
        FROM unnest(f.conpfeqop) WITH ORDINALITY AS e(operator, n)
        JOIN pg_operator o ON o.oid = e.operator
        JOIN pg_namespace s ON s.oid = o.oprnamespace
        ORDER BY e.n) AS operators,
      CASE WHEN f.confdeltype = 'c' THEN 'cascade'
           WHEN f.confdeltype IN ('n', 'd') THEN 'unset' ELSE 'keep' END AS "onDelete"
    FROM pg_constraint f
    WHERE f.contype = 'f' AND f.conparentid = 0 AND f.conrelid IN (${USER_TABLES})
    ORDER BY f.conrelid, f.conname`);
}
