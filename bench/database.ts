import { randomBytes } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import path from "node:path";

import { PostgresCluster, serverPrograms } from "../test/helpers/postgres.js";
import {
  aboveBare,
  alternate,
  atMost,
  formatSeconds,
  timesFaster,
  type Measurement,
} from "./measurement.js";
import type { Project, Watched } from "./project.js";

/** Of pgbench: 100 is 10,000,000 accounts, about 1.3 GB. */
const SCALE = process.env.BENCH_SCALE ?? "100";
const TARGET_COUNTED = 2.5;
const TARGET_HASHED = 2;
const TARGET_HASHING = 1.25;
const TARGET_ABOVE_BYTES = 150e6;
const RUNS = 3;

const TARGET_RESTORED = 1.2;

/** As the old scripts have it. */
const SCRIPT_BACKS_UP = `
pg_dump | gzip -c | openssl enc -aes-256-cbc -pbkdf2 -salt -pass "file:$KEY" > "$OLD"`;
const SCRIPT_RESTORES = `
openssl enc -d -aes-256-cbc -pbkdf2 -pass "file:$KEY" -in "$OLD" | gunzip |
  psql -q -X -v ON_ERROR_STOP=1 -o /dev/null -d back`;

/** Blanks are what no database is full of, and what gzip is fastest with. */
const TEXT = `
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

/** A backup of a database beside the pipe that the scripts make one with. */
export async function* measureDatabase(
  project: Project,
): AsyncGenerator<Measurement> {
  if (!PostgresCluster.isPossible()) {
    return;
  }
  const cluster = await PostgresCluster.start("shared_buffers = '512MB'");
  try {
    cluster.psql("CREATE DATABASE bench");
    yield* measure(project, cluster);
  } finally {
    await cluster.stop();
  }
}

async function* measure(
  project: Project,
  cluster: PostgresCluster,
): AsyncGenerator<Measurement> {
  await project.write("database.config.ts", CONFIG);
  const key = project.pathOf("database.key");
  await writeFile(key, randomBytes(32).toString("hex"), { mode: 0o600 });
  const env = {
    KEY: key,
    OLD: project.pathOf("old.sql.gz.enc"),
    DATABASE_URL: cluster.url("bench"),
    PATH: [serverPrograms(), process.env.PATH].join(path.delimiter),
    PGHOST: cluster.host,
    PGPORT: String(cluster.port),
    PGUSER: cluster.user,
    PGPASSWORD: cluster.password,
    PGDATABASE: "bench",
  };
  await project.watch(
    "bash",
    ["-c", `pgbench -i -q -s ${SCALE} 2>/dev/null`],
    env,
  );
  const backUp = async (...options: readonly string[]): Promise<Watched> => {
    await rm(project.pathOf("backups"), { recursive: true, force: true });
    const task = ["dr:db:backup", "--json", ...options];
    return await project.watchHardhat(
      ["--config", "database.config.ts", ...task],
      env,
    );
  };
  const peer = async () =>
    await project.watch(
      "bash",
      ["-eo", "pipefail", "-c", SCRIPT_BACKS_UP],
      env,
    );
  const counts = async () => await backUp("--no-hashes");
  const what = `pgbench ${SCALE} to artifact`;
  const blank = await compare(`${what} (pg_dump | gzip | openssl)`);
  yield* blank.measurements;
  cluster.psql(TEXT, "bench");
  const text = await compare("the same with text where it has blanks");
  yield* text.measurements;
  const peaks = [blank.peakBytes, text.peakBytes];
  yield await measureRestore();
  // Of our process, without PostgreSQL's.
  yield* aboveBare(await project.barePeak(), peaks, TARGET_ABOVE_BYTES);

  async function measureRestore() {
    const backups = await backUp();
    peaks.push(backups.peakBytes ?? 0);
    await peer();
    const restored = await alternate(RUNS, {
      ours: async () => {
        cluster.psql("DROP DATABASE IF EXISTS back");
        const watched = await project.watchHardhat(
          [
            ...["--config", "database.config.ts", "dr:db:restore"],
            ...["--into", "back", "--yes", "--json"],
          ],
          env,
        );
        peaks.push(watched.peakBytes ?? 0);
        return watched;
      },
      peer: async () => {
        cluster.psql("DROP DATABASE IF EXISTS back; CREATE DATABASE back");
        return await project.watch(
          "bash",
          ["-eo", "pipefail", "-c", SCRIPT_RESTORES],
          env,
        );
      },
    });
    return timesFaster(
      "restored, and every row verified (openssl | gunzip | psql)",
      restored,
      TARGET_RESTORED,
    );
  }

  async function compare(name: string) {
    const counted = await alternate(RUNS, { ours: counts, peer });
    let peakBytes = 0;
    const hashed = await alternate(RUNS, {
      ours: async () => {
        const watched = await backUp();
        peakBytes = Math.max(peakBytes, watched.peakBytes ?? 0);
        return watched;
      },
      peer,
    });
    const added = { ours: hashed.ours, peer: counted.ours };
    return {
      peakBytes,
      measurements: [
        timesFaster(name, counted, TARGET_COUNTED),
        timesFaster("  and all rows hashed", hashed, TARGET_HASHED),
        atMost(
          "  time with hashes (without)",
          added,
          TARGET_HASHING,
          formatSeconds,
        ),
      ],
    };
  }
}
