import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";

import {
  aboveBare,
  alternate,
  atMost,
  formatMegabytes,
  timesFaster,
  type Measurement,
} from "./measurement.js";
import type { Project, Watched } from "./project.js";
import { sqlText } from "./sql-text.js";

const GIGABYTE = 1e9;
const TARGET_WRITE = 4;
const TARGET_READ = 2;
const TARGET_SIZE = 1.15;
const TARGET_ABOVE_BYTES = 150e6;
const TARGET_GROWTH = 1.1;

const RUNS = 3;
const ROOT = process.cwd();
const ARTIFACT = "bench_db_20240115_140000.sql.zst.enc";

/** As the old scripts have it. */
const SCRIPT_WRITES = `
gzip -c "$DUMP" | openssl enc -aes-256-cbc -pbkdf2 -salt -pass "file:$KEY" |
  tee "$OLD" | sha256sum | sed "s|-|$OLD|" > "$OLD.sha256"`;
const SCRIPT_READS = `
sha256sum -c "$OLD.sha256"
openssl enc -d -aes-256-cbc -pbkdf2 -pass "file:$KEY" -in "$OLD" | gunzip > "$BACK"`;

/** Writes an artifact from a file or from as much text as it is told, and reads one. */
const CONFIG = `
import { defineConfig, task } from "hardhat/config";

const pipe = task("pipe", "Through the pipeline")
  .setAction(() => import("./pipe.js"))
  .build();

export default defineConfig({ plugins: [], tasks: [pipe] });
`;

const PIPE = `
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";

import { checkArtifact, openArtifact } from "./node_modules/hardhat-dr/dist/src/artifact/read-artifact.js";
import { writeArtifact } from "./node_modules/hardhat-dr/dist/src/artifact/write-artifact.js";
import { readFileStream } from "./node_modules/hardhat-dr/dist/src/core/read-file-stream.js";
import { sqlText } from ${JSON.stringify(path.join(ROOT, "bench/sql-text.ts"))};

const { BENCH_FROM, BENCH_BYTES, BENCH_TO, BENCH_KEY } = process.env;
const encryption = {
  format: "aes-256-gcm",
  keyFile: BENCH_KEY,
  oldKeyFiles: [],
  recipients: [],
};

async function write() {
  const stream =
    BENCH_BYTES === undefined
      ? readFileStream(BENCH_FROM)
      : sqlText(Number(BENCH_BYTES));
  const place = {
    folder: BENCH_TO,
    project: "bench",
    clock: { now: () => new Date("2024-01-15T14:00:00Z") },
    tool: "bench",
    compression: "zstd",
    encryption,
  };
  await writeArtifact(place, {
    kind: "database",
    stream,
    describe: () => ({ contents: {}, recoveryPoint: {} }),
  });
}

async function read() {
  const keys = { encryption, trusted: [] };
  const artifact = await checkArtifact(BENCH_FROM, keys);
  await pipeline(await openArtifact(artifact, keys), createWriteStream(BENCH_TO));
}

export default async () => {
  await (BENCH_FROM?.endsWith(".enc") ? read() : write());
};
`;

/** The artifact pipeline beside the one that the scripts were made of. */
export async function* measureBackup(
  project: Project,
): AsyncGenerator<Measurement> {
  const bench = await prepare(project);
  try {
    yield* measureSpeed(bench);
    yield* measureMemory(bench);
  } finally {
    await rm(bench.folder, { recursive: true, force: true });
  }
}

interface Bench {
  readonly project: Project;
  readonly folder: string;
  readonly key: string;
  /** Runs `pipe`. */
  readonly pipe: (env: Readonly<Record<string, string>>) => Promise<Watched>;
}

async function prepare(project: Project): Promise<Bench> {
  const folder = project.pathOf("pipeline");
  await mkdir(folder, { recursive: true });
  await project.write("pipe.config.ts", CONFIG);
  await project.write("pipe.ts", PIPE);
  const key = path.join(folder, "backup.key");
  await writeFile(key, randomBytes(32).toString("hex"), { mode: 0o600 });
  return {
    project,
    folder,
    key,
    pipe: async (env) =>
      await project.watchHardhat(["--config", "pipe.config.ts", "pipe"], {
        BENCH_KEY: key,
        ...env,
      }),
  };
}

async function* measureSpeed(bench: Bench): AsyncGenerator<Measurement> {
  const { folder, pipe, key } = bench;
  const at = (name: string) => path.join(folder, name);
  await pipeline(sqlText(GIGABYTE), createWriteStream(at("dump.sql")));
  const script = async (line: string, back = "") =>
    await bench.project.watch("bash", ["-eo", "pipefail", "-c", line], {
      KEY: key,
      DUMP: at("dump.sql"),
      OLD: at("old.sql.gz.enc"),
      BACK: back,
    });
  const written = await alternate(RUNS, {
    ours: async () => {
      await rm(at("ours"), { recursive: true, force: true });
      return await pipe({ BENCH_FROM: at("dump.sql"), BENCH_TO: at("ours") });
    },
    peer: async () => await script(SCRIPT_WRITES),
  });
  yield timesFaster(
    "1 GB of SQL to artifact (the scripts' pipeline)",
    written,
    TARGET_WRITE,
  );
  const artifact = path.join(at("ours"), ARTIFACT);
  for (const [what, to, target] of [
    // As both do it: what comes back goes into a pipe.
    ["the same back, as into psql", "/dev/null", TARGET_READ],
    // For comparison: here it is the kernel's pages that take the time.
    ["the same back, into a file", at("back.sql"), undefined],
  ] as const) {
    const read = await alternate(RUNS, {
      ours: async () => await pipe({ BENCH_FROM: artifact, BENCH_TO: to }),
      peer: async () => await script(SCRIPT_READS, to),
    });
    yield timesFaster(what, read, target);
  }
  const sizes = {
    ours: (await stat(artifact)).size,
    peer: (await stat(at("old.sql.gz.enc"))).size,
  };
  yield atMost("size of the artifact", sizes, TARGET_SIZE, formatMegabytes);
}

/** Of the whole process, as the kernel counts it. */
async function* measureMemory({
  project,
  folder,
  pipe,
}: Bench): AsyncGenerator<Measurement> {
  const peakWith = async (sizeBytes: number) => {
    const to = path.join(folder, `memory-${String(sizeBytes)}`);
    const { peakBytes } = await pipe({
      BENCH_BYTES: String(sizeBytes),
      BENCH_TO: to,
    });
    await rm(to, { recursive: true });
    return peakBytes;
  };
  const [small, large] = [
    await peakWith(GIGABYTE),
    await peakWith(20 * GIGABYTE),
  ];
  const bare = await project.barePeak();
  yield* aboveBare(bare, [small, large], TARGET_ABOVE_BYTES);
  if (small === undefined || large === undefined) {
    return; // only Linux says
  }
  yield atMost(
    "peak memory with 20 GB (with 1 GB)",
    { ours: large, peer: small },
    TARGET_GROWTH,
    formatMegabytes,
  );
}
