import { randomBytes } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import path from "node:path";

import { PostgresCluster, serverPrograms } from "../test/helpers/postgres.js";
import type { Measurement } from "./measurement.js";
import type { Project, Watched } from "./project.js";

/** Blanks are what no database is full of, and what gzip is fastest with. */
export const TEXT = `
ALTER TABLE pgbench_accounts ALTER filler TYPE text
  USING md5(aid::text) || ' ' || md5(bid::text || aid::text) || ' user ' || aid;
VACUUM pgbench_accounts`;

const CONFIG = `
import { defineConfig } from "hardhat/config";
import hardhatDr from "hardhat-dr";

export default defineConfig({
  plugins: [hardhatDr],
  dr: { project: "bench", encryption: { keyFile: process.env.KEY } },
});
`;

/** Measures with a server of its own; nothing where PostgreSQL isn't installed. */
export async function* onDatabase(
  project: Project,
  measure: (scene: DatabaseScene) => AsyncGenerator<Measurement>,
): AsyncGenerator<Measurement> {
  if (!PostgresCluster.isPossible()) {
    return;
  }
  const cluster = await PostgresCluster.start("shared_buffers = '512MB'");
  try {
    yield* measure(await DatabaseScene.open(project, cluster));
  } finally {
    await cluster.stop();
  }
}

/** A database of pgbench's, and the tasks that back it up and restore it. */
export class DatabaseScene {
  readonly project: Project;
  readonly cluster: PostgresCluster;
  /** The database is `bench`; `KEY` names the key's file. */
  readonly env: Readonly<Record<string, string>>;

  private constructor(
    project: Project,
    cluster: PostgresCluster,
    env: Readonly<Record<string, string>>,
  ) {
    this.project = project;
    this.cluster = cluster;
    this.env = env;
  }

  static async open(
    project: Project,
    cluster: PostgresCluster,
  ): Promise<DatabaseScene> {
    await project.write("database.config.ts", CONFIG);
    const key = project.pathOf("database.key");
    await rm(key, { force: true });
    await writeFile(key, randomBytes(32).toString("hex"), { mode: 0o600 });
    return new DatabaseScene(project, cluster, {
      KEY: key,
      OLD: project.pathOf("old.sql.gz.enc"),
      DATABASE_URL: cluster.url("bench"),
      PATH: [serverPrograms(), process.env.PATH].join(path.delimiter),
      PGHOST: cluster.host,
      PGPORT: String(cluster.port),
      PGUSER: cluster.user,
      PGPASSWORD: cluster.password,
      PGDATABASE: "bench",
    });
  }

  /** @param scale - As pgbench counts: 100 is 10,000,000 accounts, about 1.3 GB. */
  async fill(scale: string): Promise<void> {
    this.cluster.psql("DROP DATABASE IF EXISTS bench; CREATE DATABASE bench;");
    await this.shell(`pgbench -i -q -s ${scale} 2>/dev/null`);
  }

  /** The only backup there is afterwards. */
  async backUp(...options: readonly string[]): Promise<Watched> {
    await rm(this.project.pathOf("backups"), { recursive: true, force: true });
    return await this.#task("dr:db:backup", "--json", ...options);
  }

  /** The newest, into the database `back`. */
  async restore(): Promise<Watched> {
    this.cluster.psql("DROP DATABASE IF EXISTS back");
    return await this.#task(
      ...["dr:db:restore", "--into", "back", "--yes", "--json"],
    );
  }

  async shell(line: string): Promise<Watched> {
    return await this.project.watch(
      "bash",
      ["-eo", "pipefail", "-c", line],
      this.env,
    );
  }

  async #task(...args: readonly string[]): Promise<Watched> {
    return await this.project.watchHardhat(
      ["--config", "database.config.ts", ...args],
      this.env,
    );
  }
}
