import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";

import { startAnvil } from "../test/helpers/anvil.js";
import { connectTo } from "../test/helpers/connect-anvil.js";
import { deployPlatform } from "../test/helpers/deploy-platform.js";
import { PostgresCluster, serverPrograms } from "../test/helpers/postgres.js";
import { findOnPath } from "../test/helpers/programs.js";
import { platformProxies } from "../test/helpers/recovery-session.js";
import {
  alternate,
  formatKilobytes,
  formatSeconds,
  within,
  type Measurement,
} from "./measurement.js";
import type { Project } from "./project.js";

const TARGET_DRILL = 60_000;
const TARGET_DRAWN = 1000;
const TARGET_PAGE_BYTES = 300_000;
const RUNS = 3;

/** About 100 MB. */
const DATABASE = `
CREATE TABLE profiles (id bigint PRIMARY KEY, handle text NOT NULL, bio text NOT NULL);
INSERT INTO profiles SELECT n, 'handle' || n, md5(n::text) || ' ' || md5((n + 1)::text) || ' ' || md5((n + 2)::text)
  FROM generate_series(1, 700000) n;
VACUUM ANALYZE profiles`;

const CONFIG = `
import { defineConfig } from "hardhat/config";
import hardhatDr from "hardhat-dr";

export default defineConfig({
  plugins: [hardhatDr],
  networks: { bench: { type: "http", url: process.env.BENCH_URL } },
  dr: {
    project: "bench",
    database: { criticalTables: ["profiles"] },
    files: ["uploads"],
    encryption: { keyFile: process.env.KEY },
  },
});
`;

/** A complete drill of three proxies and a database, and how fast its page is there. */
export async function* measureDrill(
  project: Project,
): AsyncGenerator<Measurement> {
  if (!PostgresCluster.isPossible()) {
    return;
  }
  const [anvil, cluster] = await Promise.all([
    startAnvil(),
    PostgresCluster.start(),
  ]);
  try {
    cluster.psql("CREATE DATABASE bench");
    cluster.psql(DATABASE, "bench");
    const env = await prepare(project, cluster, anvil.url);
    const { milliseconds } = await project.watchHardhat(
      ["--config", "drill.config.ts", "--network", "bench", "dr:drill"],
      env,
    );
    yield within(
      "a drill of 3 proxies and 100 MB",
      milliseconds,
      TARGET_DRILL,
      formatSeconds,
    );
    yield* measurePage(project);
  } finally {
    await Promise.all([anvil.stop(), cluster.stop()]);
  }
}

async function prepare(
  project: Project,
  cluster: PostgresCluster,
  url: string,
): Promise<Record<string, string>> {
  const proxies = platformProxies(await deployPlatform(await connectTo(url)));
  await project.write("drill.config.ts", CONFIG);
  await mkdir(project.pathOf("uploads"), { recursive: true });
  await project.write("uploads/one.txt", "one");
  const key = project.pathOf("drill.key");
  await rm(key, { force: true });
  await writeFile(key, randomBytes(32).toString("hex"), { mode: 0o600 });
  const env = {
    KEY: key,
    BENCH_URL: url,
    DATABASE_URL: cluster.url("bench"),
    PATH: [serverPrograms(), process.env.PATH].join(path.delimiter),
  };
  await project.watchHardhat(
    [
      ...["--config", "drill.config.ts", "--network", "bench", "dr:init"],
      ...Object.entries(proxies).map(([name, proxy]) => `${name}=${proxy}`),
      "--yes",
    ],
    env,
  );
  return env;
}

/** Beside an empty page, which takes the browser's own time. */
async function* measurePage(project: Project): AsyncGenerator<Measurement> {
  const folder = project.pathOf("logs/dr-drills");
  const [name = ""] = (await readdir(folder)).filter((one) =>
    one.endsWith(".html"),
  );
  const page = path.join(folder, name);
  const { size } = await stat(page);
  yield within("its page", size, TARGET_PAGE_BYTES, formatKilobytes);
  const chromium = findOnPath("chromium");
  if (chromium === undefined) {
    return;
  }
  const empty = await project.write("empty.html", "<!doctype html>");
  const draw = async (file: string) =>
    await project.watch(chromium, [
      ...["--headless", "--no-sandbox", "--disable-gpu"],
      `--screenshot=${project.pathOf("page.png")}`,
      `file://${file}`,
    ]);
  const drawn = await alternate(RUNS, {
    ours: async () => await draw(page),
    peer: async () => await draw(empty),
  });
  yield within(
    "drawn by Chromium, an empty page's time left out",
    Math.max(0, drawn.ours - drawn.peer),
    TARGET_DRAWN,
    formatSeconds,
  );
}
