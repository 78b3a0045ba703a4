import type { Copy } from "./copy.js";

/** What a drill needs of a copy of a database, whatever its engine. */
export interface DatabaseCopy extends Copy {
  readonly part: "database";
  /** For `dr.database.url` of whoever recovers it. */
  readonly url: string;
  /**
   * @param table - As in the fingerprint: `public.profiles`; absent: any with rows.
   * @returns which it was.
   * @throws {DrError} DRILL_NOT_ITS_OWN.
   */
  dropTable(table?: string): Promise<string>;
  /** Overwrites what can be overwritten of a table's rows. As {@link dropTable}. */
  corruptRows(table?: string): Promise<string>;
  /** The whole database is gone. @throws {DrError} DRILL_NOT_ITS_OWN. */
  lose(): Promise<void>;
}
