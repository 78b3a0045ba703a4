import type { QueryResultRow } from "pg";

/** A statement that is alone: the server refuses a text that holds another one. */
export interface SingleStatement {
  readonly text: string;
  readonly queryMode: "extended";
}

/** What sessions ask of node-postgres's client, and of what stands in its place. */
export interface SessionClient {
  query(
    sql: string | SingleStatement,
    values?: unknown[],
  ): Promise<{ readonly rows: QueryResultRow[] }>;
  escapeIdentifier(text: string): string;
  escapeLiteral(text: string): string;
  end(): Promise<void>;
}
