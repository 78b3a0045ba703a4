import type { Fingerprint } from "./fingerprint-shape.js";

/** How texts are stored and sorted in a database; can't be changed later. */
export type Layout = Pick<Fingerprint, "encoding" | "locale">;

/** A {@link Layout} as jsonb, of a row `d` of pg_database. Columns that only newer servers have are read through `to_jsonb`. */
export const LAYOUT_SQL = `jsonb_build_object(
  'encoding', pg_encoding_to_char(d.encoding),
  'locale', jsonb_strip_nulls(jsonb_build_object(
    'provider', coalesce(to_jsonb(d) ->> 'datlocprovider', 'c'),
    'collate', d.datcollate,
    'ctype', d.datctype,
    'icu', coalesce(to_jsonb(d) ->> 'daticulocale', to_jsonb(d) ->> 'datlocale'),
    'icuRules', to_jsonb(d) ->> 'daticurules')))`;
