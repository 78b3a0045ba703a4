import type { QueryResultRow } from "pg";

/** What sessions ask of node-postgres's client, and of what stands in its place. */
export interface SessionClient {
  query(
    sql: string,
    values?: unknown[],
  ): Promise<{ readonly rows: QueryResultRow[] }>;
  escapeIdentifier(text: string): string;
  escapeLiteral(text: string): string;
  end(): Promise<void>;
}
