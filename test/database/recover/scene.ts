import { inDatabase } from "../../../src/database/access.js";
import type { RecoveryPlan } from "../../../src/database/recover/plan.js";
import {
  recoverRows,
  type Recovery,
  type RecoveryPorts,
  type RecoveryRequest,
} from "../../../src/database/recover/recover.js";
import type { PostgresCluster } from "../../helpers/postgres.js";

let scenes = 0;

/** A database as it was, and as it is: the same until somebody changes the live one. */
export class RecoveryScene {
  readonly old: string;
  readonly live: string;
  readonly cluster: PostgresCluster;

  /** @param options - Of CREATE DATABASE. */
  constructor(cluster: PostgresCluster, schema: string, options = "") {
    this.cluster = cluster;
    scenes += 1;
    this.old = `old_${String(scenes)}`;
    this.live = `live_${String(scenes)}`;
    cluster.psql(`CREATE DATABASE ${this.old} ${options}`);
    cluster.psql(schema, this.old);
    cluster.psql(`CREATE DATABASE ${this.live} TEMPLATE ${this.old}`);
  }

  /** In the live database, by psql. */
  sql(sql: string): string {
    return this.cluster.psql(sql, this.live);
  }

  /** What a table holds, all of it, by psql. */
  content(table: string, database = this.live): string {
    return this.cluster.psql(
      `SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE "C")), '')
       FROM ${table} AS t`,
      database,
    );
  }

  isAsBefore(...tables: readonly string[]): boolean {
    return tables.every(
      (table) => this.content(table) === this.content(table, this.old),
    );
  }

  /** Writes what it finds. */
  async recover(
    table: string,
    request: Partial<RecoveryRequest> = {},
    ports: Partial<RecoveryPorts> = {
      approve: async () => await Promise.resolve(true),
    },
    access = this.cluster.access(),
  ): Promise<Recovery> {
    return await recoverRows(
      inDatabase(access, this.old),
      inDatabase(access, this.live),
      {
        table,
        isChangedIncluded: false,
        areChildrenIncluded: false,
        erased: [],
        triggers: "fire",
        ...request,
      },
      {
        onPlan: async () => {
          await Promise.resolve();
        },
        ...ports,
      },
    );
  }

  /** Only shows what it would write. */
  async plan(
    table: string,
    request: Partial<RecoveryRequest> = {},
  ): Promise<RecoveryPlan> {
    return (await this.recover(table, request, {})).plan;
  }
}

/** `profiles: 2 missing, 1 parents`, for each table that gets something. */
export function tell({ tables }: RecoveryPlan): readonly string[] {
  return tables.map(({ table, counts }) => {
    const given = Object.entries(counts).filter(([, count]) => count > 0);
    const parts = given.map(([why, count]) => `${String(count)} ${why}`);
    return `${table}: ${parts.join(", ")}`;
  });
}
