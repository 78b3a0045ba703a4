/**
 * In ORDER BY, for columns `a` of a relation `c`: the same after a restore.
 * Columns that come from a parent are the first then, though they may have come
 * last: those of a table that inherits are taken by name.
 */
export const COLUMN_ORDER = `CASE WHEN NOT c.relispartition
  AND EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhrelid = c.oid) THEN a.attname END, a.attnum`;
