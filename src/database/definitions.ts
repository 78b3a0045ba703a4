import { createHash } from "node:crypto";

import { COLUMN_ORDER } from "./column-order.js";
import { normaliseExpression } from "./expression.js";
import type { Session } from "./session.js";

/** Of the user's, not of the system or of an extension: what pg_dump writes. */
const OWN_SCHEMAS = `(
  SELECT n.oid, n.nspname FROM pg_catalog.pg_namespace n
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
)`;

/** @param catalog - Whose rows they are. @param oid - The row's. */
function ofNoExtension(catalog: string, oid: string): string {
  return `NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend e
    WHERE e.classid = 'pg_catalog.${catalog}'::regclass AND e.objid = ${oid} AND e.deptype = 'e'
  )`;
}

/** Who may do what, in the order of names; by default, too. @param kind - As `acldefault` takes it. */
function grants(acl: string, kind: string, owner: string): string {
  const all =
    kind === "" ? acl : `coalesce(${acl}, acldefault('${kind}', ${owner}))`;
  return `(
    SELECT string_agg(line, ',' ORDER BY line COLLATE "C") FROM (
      SELECT format('%s=%s%s', CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
        a.privilege_type, CASE WHEN a.is_grantable THEN '*' END) AS line
      FROM aclexplode(${all}) a
    ) AS each_grant
  )`;
}

/** In the order of their names: a dump writes those of foreign servers so, and a view's check option last. */
function optionsOf(column: string): string {
  return `(SELECT jsonb_agg(o ORDER BY o COLLATE "C") FROM unnest(${column}) o)`;
}

/** Not by position: a dump leaves out dropped columns, and those after them move up. */
const COLUMN_NUMBER = `row_number() OVER (PARTITION BY a.attrelid ORDER BY ${COLUMN_ORDER})`;

/**
 * What comes with its parent or not at all: a dump holds no comment on it.
 *
 * @param d - A row of pg_description.
 */
function isDumped(d: string): string {
  return `NOT EXISTS (
    SELECT FROM pg_catalog.pg_trigger t
    WHERE ${d}.classoid = 'pg_catalog.pg_trigger'::regclass AND t.oid = ${d}.objoid AND t.tgparentid <> 0)
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_constraint k
    WHERE ${d}.classoid = 'pg_catalog.pg_constraint'::regclass AND k.oid = ${d}.objoid
      AND k.contype IN ('c', 'f') AND NOT k.conislocal)
  AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    WHERE ${d}.classoid = 'pg_catalog.pg_class'::regclass AND i.indexrelid = ${d}.objoid
      AND NOT i.indisvalid AND c.relkind <> 'I')`;
}

/**
 * How all is defined, a row each: `what` it is, `how` it is, and an `expression`.
 * Columns that only newer servers have are read through `to_jsonb`.
 */
const DEFINITIONS: readonly string[] = [
  `SELECT format('schema %I', n.nspname) AS what,
    jsonb_build_array(pg_get_userbyid(n.nspowner), ${grants("n.nspacl", "n", "n.nspowner")}) AS how
  FROM pg_catalog.pg_namespace n
  WHERE n.oid IN (SELECT oid FROM ${OWN_SCHEMAS} s) AND ${ofNoExtension("pg_namespace", "n.oid")}`,

  `SELECT format('relation %s', c.oid::regclass) AS what,
    jsonb_build_array(c.relkind, c.relpersistence, pg_get_userbyid(c.relowner),
      ${grants("c.relacl", "r", "c.relowner")},
      c.relrowsecurity, c.relforcerowsecurity, ${optionsOf("c.reloptions")}, c.relreplident, c.relispopulated,
      m.amname, nullif(c.reloftype, 0)::regtype, pg_get_partkeydef(c.oid),
      (SELECT jsonb_agg(i.inhparent::regclass ORDER BY i.inhseqno) FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid),
      pg_get_expr(c.relpartbound, c.oid)) AS how,
    CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END AS expression
  FROM pg_catalog.pg_class c JOIN ${OWN_SCHEMAS} n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND c.relpersistence <> 't' AND ${ofNoExtension("pg_class", "c.oid")}`,

  `SELECT format('column %s %s', a.attrelid::regclass, ${COLUMN_NUMBER}) AS what,
    jsonb_build_array(a.attname, format_type(a.atttypid, a.atttypmod), nullif(a.attcollation, t.typcollation)::regcollation,
      a.attnotnull, a.attidentity, a.attgenerated, nullif(a.attstorage, t.typstorage), nullif(to_jsonb(a) ->> 'attcompression', ''),
      a.attoptions, ${optionsOf("a.attfdwoptions")}, ${grants("a.attacl", "", "")}, nullif(a.attstattarget, -1)) AS how,
    pg_get_expr(d.adbin, d.adrelid) AS expression
  FROM pg_catalog.pg_attribute a
  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
  JOIN ${OWN_SCHEMAS} n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
    AND c.relpersistence <> 't' AND ${ofNoExtension("pg_class", "c.oid")}`,

  // Foreign keys of partitions come with the parent's, under names of the moment; NOT NULL is the column's.
  `SELECT format('constraint %I on %s%s', k.conname, nullif(k.conrelid, 0)::regclass, nullif(k.contypid, 0)::regtype) AS what,
    to_jsonb(k.convalidated) AS how, pg_get_constraintdef(k.oid) AS expression
  FROM pg_catalog.pg_constraint k JOIN ${OWN_SCHEMAS} n ON n.oid = k.connamespace
  WHERE k.contype NOT IN ('n', 't') AND NOT (k.contype = 'f' AND k.conparentid <> 0)
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = k.conrelid AND c.relpersistence = 't')
    AND ${ofNoExtension("pg_class", "k.conrelid")} AND ${ofNoExtension("pg_type", "k.contypid")}`,

  // One that isn't valid is in no dump, but for a partitioned table's.
  `SELECT format('index %s', i.indexrelid::regclass) AS what,
    jsonb_build_array(i.indisvalid, i.indisclustered, i.indisreplident, ${optionsOf("c.reloptions")},
      (SELECT p.inhparent::regclass FROM pg_catalog.pg_inherits p WHERE p.inhrelid = c.oid),
      (SELECT jsonb_agg(nullif(a.attstattarget, -1) ORDER BY a.attnum) FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid)) AS how,
    pg_get_indexdef(i.indexrelid) AS expression
  FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
  JOIN ${OWN_SCHEMAS} n ON n.oid = c.relnamespace
  WHERE (i.indisvalid OR c.relkind = 'I') AND c.relpersistence <> 't' AND ${ofNoExtension("pg_class", "i.indrelid")}`,

  `SELECT format('trigger %I on %s', t.tgname, t.tgrelid::regclass) AS what,
    to_jsonb(t.tgenabled) AS how, pg_get_triggerdef(t.oid) AS expression
  FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
  JOIN ${OWN_SCHEMAS} n ON n.oid = c.relnamespace
  WHERE NOT t.tgisinternal AND c.relpersistence <> 't' AND ${ofNoExtension("pg_class", "c.oid")}`,

  `SELECT format('rule %I on %s', r.rulename, r.ev_class::regclass) AS what,
    to_jsonb(r.ev_enabled) AS how, pg_get_ruledef(r.oid) AS expression
  FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
  JOIN ${OWN_SCHEMAS} n ON n.oid = c.relnamespace
  WHERE r.rulename <> '_RETURN' AND ${ofNoExtension("pg_class", "c.oid")}`,

  `SELECT format('policy %I on %s', p.polname, p.polrelid::regclass) AS what,
    jsonb_build_array(p.polcmd, p.polpermissive, (
      SELECT jsonb_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END
        ORDER BY CASE r WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END COLLATE "C")
      FROM unnest(p.polroles) r)) AS how,
    format('USING %s CHECK %s', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) AS expression
  FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
  JOIN ${OWN_SCHEMAS} n ON n.oid = c.relnamespace`,

  `SELECT format('sequence %s', c.oid::regclass) AS what,
    jsonb_build_array(c.relpersistence, pg_get_userbyid(c.relowner), ${grants("c.relacl", "s", "c.relowner")},
      s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache, s.seqcycle, (
        SELECT jsonb_agg(jsonb_build_array(d.refobjid::regclass, a.attname))
        FROM pg_catalog.pg_depend d
        JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
          AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.deptype IN ('a', 'i'))) AS how
  FROM pg_catalog.pg_sequence s JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
  JOIN ${OWN_SCHEMAS} n ON n.oid = c.relnamespace
  WHERE c.relpersistence <> 't' AND ${ofNoExtension("pg_class", "c.oid")}`,

  `SELECT format('routine %s', p.oid::regprocedure) AS what,
    jsonb_build_array(p.prokind, pg_get_userbyid(p.proowner), ${grants("p.proacl", "f", "p.proowner")},
      CASE WHEN p.prokind = 'a' THEN (
        SELECT jsonb_build_array(g.aggkind, g.aggnumdirectargs, g.aggtransfn::regprocedure, g.aggfinalfn::regproc,
          g.aggcombinefn::regproc, g.aggserialfn::regproc, g.aggdeserialfn::regproc, g.aggmtransfn::regproc,
          g.aggminvtransfn::regproc, g.aggmfinalfn::regproc, g.aggfinalextra, g.aggfinalmodify, g.aggsortop::regoperator,
          g.aggtranstype::regtype, g.aggtransspace, g.agginitval, g.aggminitval, p.proparallel)
        FROM pg_catalog.pg_aggregate g WHERE g.aggfnoid = p.oid)
      ELSE to_jsonb(pg_get_functiondef(p.oid)) END) AS how
  FROM pg_catalog.pg_proc p JOIN ${OWN_SCHEMAS} n ON n.oid = p.pronamespace
  WHERE ${ofNoExtension("pg_proc", "p.oid")}`,

  // Not the types of tables and arrays, which come with them.
  `SELECT format('type %s', t.oid::regtype) AS what,
    jsonb_build_array(t.typtype, pg_get_userbyid(t.typowner), ${grants("t.typacl", "T", "t.typowner")},
      t.typnotnull, nullif(t.typbasetype, 0)::regtype, t.typtypmod, nullif(t.typcollation, 0)::regcollation,
      (SELECT jsonb_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid),
      (SELECT jsonb_build_array(r.rngsubtype::regtype, r.rngcanonical::regproc, r.rngsubdiff::regproc)
        FROM pg_catalog.pg_range r WHERE r.rngtypid = t.oid),
      CASE WHEN t.typtype = 'b' THEN jsonb_build_array(t.typinput::regproc, t.typoutput::regproc, t.typlen, t.typbyval,
        t.typalign, t.typstorage, t.typcategory, t.typispreferred) END) AS how,
    t.typdefault AS expression
  FROM pg_catalog.pg_type t JOIN ${OWN_SCHEMAS} n ON n.oid = t.typnamespace
  LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
  WHERE t.typtype <> 'm' AND NOT (t.typtype = 'b' AND t.typelem <> 0 AND t.typlen = -1)
    AND coalesce(c.relkind, 'c') = 'c' AND ${ofNoExtension("pg_type", "t.oid")}`,

  `SELECT format('extension %I', x.extname) AS what, to_jsonb(n.nspname) AS how
  FROM pg_catalog.pg_extension x JOIN pg_catalog.pg_namespace n ON n.oid = x.extnamespace`,

  `SELECT format('comment on %s %s', i.type, i.identity) AS what, to_jsonb(d.description) AS how
  FROM pg_catalog.pg_description d, pg_identify_object(d.classoid, d.objoid, d.objsubid) i
  WHERE d.objoid >= 16384 AND d.classoid <> 'pg_catalog.pg_extension'::regclass AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend e WHERE e.classid = d.classoid AND e.objid = d.objoid AND e.deptype = 'e')
    AND ${isDumped("d")}`,

  `SELECT format('security label of %s on %s %s', l.provider, i.type, i.identity) AS what, to_jsonb(l.label) AS how
  FROM pg_catalog.pg_seclabel l, pg_identify_object(l.classoid, l.objoid, l.objsubid) i`,

  `SELECT format('large objects of %I', pg_get_userbyid(m.lomowner)) AS what,
    jsonb_build_array(${grants("m.lomacl", "L", "m.lomowner")}, count(*)) AS how
  FROM pg_catalog.pg_largeobject_metadata m GROUP BY m.lomowner, m.lomacl`,

  `SELECT format('default grants of %I in %s on %s', pg_get_userbyid(d.defaclrole), nullif(d.defaclnamespace, 0)::regnamespace, d.defaclobjtype) AS what,
    jsonb_build_array(${grants("d.defaclacl", "", "")}) AS how
  FROM pg_catalog.pg_default_acl d`,

  `SELECT format('event trigger %I', t.evtname) AS what,
    jsonb_build_array(pg_get_userbyid(t.evtowner), t.evtevent, t.evtfoid::regprocedure, t.evtenabled, t.evttags) AS how
  FROM pg_catalog.pg_event_trigger t WHERE ${ofNoExtension("pg_event_trigger", "t.oid")}`,

  `SELECT format('publication %I', p.pubname) AS what,
    jsonb_build_array(pg_get_userbyid(p.pubowner), p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate, p.pubviaroot,
      (SELECT jsonb_agg(r.prrelid::regclass::text ORDER BY r.prrelid::regclass::text COLLATE "C")
        FROM pg_catalog.pg_publication_rel r WHERE r.prpubid = p.oid)) AS how
  FROM pg_catalog.pg_publication p`,

  // With their columns and the filter of their rows, from PostgreSQL 15 on.
  `SELECT format('publication %I', t.pubname) AS what,
    jsonb_build_array(t.schemaname, t.tablename, (
      SELECT jsonb_agg(n ORDER BY n COLLATE "C") FROM jsonb_array_elements_text(to_jsonb(t) -> 'attnames') n)) AS how,
    to_jsonb(t) ->> 'rowfilter' AS expression
  FROM pg_catalog.pg_publication_tables t`,

  `SELECT format('statistics %s', pg_get_statisticsobjdef(s.oid)) AS what,
    jsonb_build_array(pg_get_userbyid(s.stxowner), nullif(s.stxstattarget, -1)) AS how
  FROM pg_catalog.pg_statistic_ext s JOIN ${OWN_SCHEMAS} n ON n.oid = s.stxnamespace
  WHERE ${ofNoExtension("pg_statistic_ext", "s.oid")}`,

  `SELECT format('operator %s', o.oid::regoperator) AS what,
    jsonb_build_array(pg_get_userbyid(o.oprowner), o.oprcode::regproc, o.oprresult::regtype, o.oprcanmerge, o.oprcanhash,
      o.oprcom::regoperator, o.oprnegate::regoperator, o.oprrest::regproc, o.oprjoin::regproc) AS how
  FROM pg_catalog.pg_operator o JOIN ${OWN_SCHEMAS} n ON n.oid = o.oprnamespace
  WHERE ${ofNoExtension("pg_operator", "o.oid")}`,

  `SELECT format('operator class %s of %s', quote_ident(n.nspname) || '.' || quote_ident(o.opcname), m.amname) AS what,
    jsonb_build_array(pg_get_userbyid(o.opcowner), o.opcintype::regtype, o.opcdefault, nullif(o.opckeytype, 0)::regtype, (
      SELECT jsonb_agg(format('%s %s', p.amopstrategy, p.amopopr::regoperator) ORDER BY p.amopstrategy, p.amopopr::regoperator::text COLLATE "C")
      FROM pg_catalog.pg_amop p WHERE p.amopfamily = o.opcfamily), (
      SELECT jsonb_agg(format('%s %s', p.amprocnum, p.amproc::regprocedure) ORDER BY p.amprocnum, p.amproc::regprocedure::text COLLATE "C")
      FROM pg_catalog.pg_amproc p WHERE p.amprocfamily = o.opcfamily)) AS how
  FROM pg_catalog.pg_opclass o JOIN ${OWN_SCHEMAS} n ON n.oid = o.opcnamespace JOIN pg_catalog.pg_am m ON m.oid = o.opcmethod
  WHERE ${ofNoExtension("pg_opclass", "o.oid")}`,

  `SELECT format('operator family %s of %s', quote_ident(n.nspname) || '.' || quote_ident(f.opfname), m.amname) AS what,
    to_jsonb(pg_get_userbyid(f.opfowner)) AS how
  FROM pg_catalog.pg_opfamily f JOIN ${OWN_SCHEMAS} n ON n.oid = f.opfnamespace JOIN pg_catalog.pg_am m ON m.oid = f.opfmethod
  WHERE ${ofNoExtension("pg_opfamily", "f.oid")}`,

  `SELECT format('access method %I', m.amname) AS what, jsonb_build_array(m.amhandler::regproc, m.amtype) AS how
  FROM pg_catalog.pg_am m WHERE m.oid >= 16384 AND ${ofNoExtension("pg_am", "m.oid")}`,

  `SELECT format('language %I', l.lanname) AS what,
    jsonb_build_array(pg_get_userbyid(l.lanowner), l.lanpltrusted, l.lanplcallfoid::regproc, l.laninline::regproc, l.lanvalidator::regproc,
      ${grants("l.lanacl", "l", "l.lanowner")}) AS how
  FROM pg_catalog.pg_language l WHERE l.oid >= 16384 AND ${ofNoExtension("pg_language", "l.oid")}`,

  `SELECT format('transform for %s in %I', f.trftype::regtype, l.lanname) AS what,
    jsonb_build_array(f.trffromsql::regprocedure, f.trftosql::regprocedure) AS how
  FROM pg_catalog.pg_transform f JOIN pg_catalog.pg_language l ON l.oid = f.trflang
  WHERE ${ofNoExtension("pg_transform", "f.oid")}`,

  `SELECT format('conversion %s', quote_ident(n.nspname) || '.' || quote_ident(c.conname)) AS what,
    jsonb_build_array(pg_get_userbyid(c.conowner), pg_encoding_to_char(c.conforencoding), pg_encoding_to_char(c.contoencoding),
      c.conproc::regproc, c.condefault) AS how
  FROM pg_catalog.pg_conversion c JOIN ${OWN_SCHEMAS} n ON n.oid = c.connamespace
  WHERE ${ofNoExtension("pg_conversion", "c.oid")}`,

  `SELECT format('cast from %s to %s', k.castsource::regtype, k.casttarget::regtype) AS what,
    jsonb_build_array(k.castfunc::regprocedure, k.castcontext, k.castmethod) AS how
  FROM pg_catalog.pg_cast k WHERE k.oid >= 16384 AND ${ofNoExtension("pg_cast", "k.oid")}`,

  `SELECT format('collation %s', c.oid::regcollation) AS what,
    to_jsonb(c) - ARRAY['oid', 'collnamespace', 'collowner', 'collversion', 'collname']
      || jsonb_build_object('owner', pg_get_userbyid(c.collowner)) AS how
  FROM pg_catalog.pg_collation c JOIN ${OWN_SCHEMAS} n ON n.oid = c.collnamespace
  WHERE ${ofNoExtension("pg_collation", "c.oid")}`,

  `SELECT format('text search configuration %s', c.oid::regconfig) AS what,
    jsonb_build_array(pg_get_userbyid(c.cfgowner), (
      SELECT jsonb_agg(jsonb_build_array(m.maptokentype, m.mapseqno, m.mapdict::regdictionary) ORDER BY m.maptokentype, m.mapseqno)
      FROM pg_catalog.pg_ts_config_map m WHERE m.mapcfg = c.oid)) AS how
  FROM pg_catalog.pg_ts_config c JOIN ${OWN_SCHEMAS} n ON n.oid = c.cfgnamespace
  WHERE ${ofNoExtension("pg_ts_config", "c.oid")}`,

  `SELECT format('text search dictionary %s', d.oid::regdictionary) AS what,
    jsonb_build_array(pg_get_userbyid(d.dictowner), d.dictinitoption) AS how
  FROM pg_catalog.pg_ts_dict d JOIN ${OWN_SCHEMAS} n ON n.oid = d.dictnamespace
  WHERE ${ofNoExtension("pg_ts_dict", "d.oid")}`,

  `SELECT format('text search parser %s', quote_ident(n.nspname) || '.' || quote_ident(p.prsname)) AS what,
    jsonb_build_array(p.prsstart::regproc, p.prstoken::regproc, p.prsend::regproc, p.prsheadline::regproc, p.prslextype::regproc) AS how
  FROM pg_catalog.pg_ts_parser p JOIN ${OWN_SCHEMAS} n ON n.oid = p.prsnamespace
  WHERE ${ofNoExtension("pg_ts_parser", "p.oid")}`,

  `SELECT format('text search template %s', quote_ident(n.nspname) || '.' || quote_ident(t.tmplname)) AS what,
    jsonb_build_array(t.tmplinit::regproc, t.tmpllexize::regproc) AS how
  FROM pg_catalog.pg_ts_template t JOIN ${OWN_SCHEMAS} n ON n.oid = t.tmplnamespace
  WHERE ${ofNoExtension("pg_ts_template", "t.oid")}`,

  `SELECT format('foreign data wrapper %I', w.fdwname) AS what,
    jsonb_build_array(pg_get_userbyid(w.fdwowner), w.fdwhandler::regproc, w.fdwvalidator::regproc, ${optionsOf("w.fdwoptions")},
      ${grants("w.fdwacl", "F", "w.fdwowner")}) AS how
  FROM pg_catalog.pg_foreign_data_wrapper w WHERE ${ofNoExtension("pg_foreign_data_wrapper", "w.oid")}`,

  // Without their options, which are passwords.
  `SELECT format('user mapping of %s for %I', m.usename, m.srvname) AS what, to_jsonb(true) AS how
  FROM pg_catalog.pg_user_mappings m`,

  `SELECT format('server %I', s.srvname) AS what,
    jsonb_build_array(pg_get_userbyid(s.srvowner), w.fdwname, s.srvtype, s.srvversion, ${optionsOf("s.srvoptions")},
      ${grants("s.srvacl", "S", "s.srvowner")}) AS how
  FROM pg_catalog.pg_foreign_server s JOIN pg_catalog.pg_foreign_data_wrapper w ON w.oid = s.srvfdw
  WHERE ${ofNoExtension("pg_foreign_server", "s.oid")}`,

  `SELECT format('foreign table %s', f.ftrelid::regclass) AS what, jsonb_build_array(s.srvname, ${optionsOf("f.ftoptions")}) AS how
  FROM pg_catalog.pg_foreign_table f JOIN pg_catalog.pg_foreign_server s ON s.oid = f.ftserver`,
];

interface Definition {
  readonly what: string;
  readonly how: string;
  readonly expression: string | null;
}

/** Whoever changes what goes into the hash of definitions, or how, counts this up. */
const RULES = 2;

export interface HashedDefinitions {
  /** What the hash is of; only those of the same can be compared. */
  readonly schemaRules: number;
  /** SHA-256 of all, hexadecimal. */
  readonly schema: string;
  /** The beginning of each one's, by its name; absent where they are very many. */
  readonly definitions?: Readonly<Record<string, string>>;
}

/** They go into a manifest, which is read in one piece. */
const MOST_NAMED = 10_000;
const NAMED_DIGITS = 8;

/**
 * Hashes how all in a database is defined: the same after a dump and a restore.
 * Left out is what isn't in a dump, and what its order of doing things decides:
 * numbers, tablespaces, who granted, casts in expressions.
 *
 * @throws {DrError} DATABASE_DENIED and the like.
 */
export async function hashDefinitions({
  query,
}: Pick<Session, "query">): Promise<HashedDefinitions> {
  const found: { readonly name: string; readonly line: string }[] = [];
  for (const sql of DEFINITIONS) {
    const rows = await query<Partial<Definition>>(
      `SELECT what, how::text, ${sql.includes("AS expression") ? "expression" : "NULL AS expression"} FROM (${sql}) AS defined`,
    );
    found.push(
      ...rows.map((row) => ({
        // All columns of a table together.
        name: (row.what ?? "").replace(/ \d+$/, ""),
        line: toLine(row),
      })),
    );
  }
  const named = Map.groupBy(found, ({ name }) => name);
  const definitions = Object.fromEntries(
    [...named].map(
      ([name, own]) => [name, hashLines(own).slice(0, NAMED_DIGITS)] as const,
    ),
  );
  return {
    schemaRules: RULES,
    schema: hashLines(found),
    ...(named.size > MOST_NAMED ? {} : { definitions }),
  };
}

function hashLines(found: readonly { readonly line: string }[]): string {
  const hash = createHash("sha256");
  for (const line of found.map((one) => one.line).toSorted()) {
    hash.update(`${line}\n`);
  }
  return hash.digest("hex");
}

function toLine({ what, how, expression }: Partial<Definition>): string {
  const shown = expression ? normaliseExpression(expression) : null;
  return JSON.stringify([what, how, shown]);
}
