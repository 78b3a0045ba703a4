import { recoverRows } from "../src/database/recover/recover.js";
import { PostgresCluster } from "../test/helpers/postgres.js";
import {
  formatMegabytes,
  formatSeconds,
  median,
  within,
  type Measurement,
} from "./measurement.js";

const ROWS = Number(process.env.BENCH_ROWS ?? "10000000");
const DELETED = 1000;
const TARGET_MILLISECONDS = 15_000;
const RUNS = 3;
const SAMPLE_MS = 20;

/** Finding a thousand deleted rows among millions, once the backup is restored. */
export async function* measureRecover(): AsyncGenerator<Measurement> {
  if (!PostgresCluster.isPossible()) {
    return;
  }
  const cluster = await PostgresCluster.start();
  try {
    cluster.psql("CREATE DATABASE old");
    cluster.psql(
      `CREATE TABLE profiles (id bigint PRIMARY KEY, handle text NOT NULL, bio text, at timestamptz NOT NULL);
       INSERT INTO profiles SELECT n, 'handle' || n, md5(n::text), '2024-01-01'::timestamptz + n * interval '1 s'
         FROM generate_series(1, ${String(ROWS)}) n;
       VACUUM ANALYZE profiles`,
      "old",
    );
    cluster.psql("CREATE DATABASE live TEMPLATE old");
    cluster.psql(
      `DELETE FROM profiles WHERE id % ${String(ROWS / DELETED)} = 7`,
      "live",
    );
    const found = [];
    for (let run = 0; run < RUNS; run += 1) {
      found.push(await find(cluster));
    }
    const milliseconds = median(found.map((one) => one.milliseconds));
    yield within(
      `find ${String(DELETED)} of ${String(ROWS)} rows`,
      milliseconds,
      TARGET_MILLISECONDS,
      formatSeconds,
    );
    yield {
      what: "memory that takes",
      ours: formatMegabytes(Math.max(...found.map((one) => one.bytes))),
      peer: "",
      ratio: "",
      target: "",
      isMet: undefined,
    };
  } finally {
    await cluster.stop();
  }
}

async function find(
  cluster: PostgresCluster,
): Promise<{ readonly milliseconds: number; readonly bytes: number }> {
  const before = process.memoryUsage.rss();
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, SAMPLE_MS);
  const startedAt = performance.now();
  await recoverRows(
    cluster.access("old"),
    cluster.access("live"),
    {
      table: "profiles",
      isChangedIncluded: false,
      areChildrenIncluded: false,
      erased: [],
      triggers: "fire",
    },
    {
      onPlan: async () => {
        await Promise.resolve();
      },
    },
  );
  clearInterval(timer);
  return {
    milliseconds: performance.now() - startedAt,
    bytes: peak - before,
  };
}
