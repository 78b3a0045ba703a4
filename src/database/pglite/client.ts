import type { PGlite, QueryOptions } from "@electric-sql/pglite";
import pg, { type QueryResultRow } from "pg";

import type { SessionClient } from "../session-client.js";

type Parser = (text: string) => unknown;

/** The types know only PostgreSQL's own types by number; a database may have more. */
const TYPES = pg.types as unknown as {
  readonly getTypeParser: (type: number, format: "text") => Parser;
};

function parserOf(type: number): Parser {
  return TYPES.getTypeParser(type, "text");
}

function forEachType<T>(make: (type: number) => T): Record<number, T> {
  return new Proxy<Record<number, T>>(
    {},
    { get: (_, type) => make(Number(type)) },
  );
}

/** Values come and go as node-postgres has them, so that all that is built on it works. */
const AS_NODE_POSTGRES: QueryOptions = {
  parsers: forEachType(parserOf),
  serializers: forEachType(() => toText),
};

/** A client of a database that this process serves itself. Closing it closes nothing: others use it too. */
export function clientOf(database: PGlite): SessionClient {
  return {
    query: async (sql, values) => {
      if (values !== undefined || typeof sql !== "string") {
        return await database.query<QueryResultRow>(
          typeof sql === "string" ? sql : sql.text,
          values ?? [],
          AS_NODE_POSTGRES,
        );
      }
      const results = await database.exec(sql, AS_NODE_POSTGRES);
      return { rows: results.at(-1)?.rows ?? [] };
    },
    escapeIdentifier: (text) => pg.escapeIdentifier(text),
    escapeLiteral: (text) => pg.escapeLiteral(text),
    end: async () => {
      await Promise.resolve();
    },
  };
}

/** @see node-postgres `lib/utils.js`, `prepareValue` */
function toText(value: unknown): string {
  if (Array.isArray(value)) {
    return `{${value.map(toElement).join(",")}}`;
  }
  return typeof value === "object" && value !== null
    ? JSON.stringify(value)
    : String(value);
}

function toElement(value: unknown): string {
  if (value === null || value === undefined) {
    return "NULL";
  }
  return Array.isArray(value)
    ? toText(value)
    : `"${toText(value).replaceAll(/["\\]/g, "\\$&")}"`;
}
