import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import { Readable } from "node:stream";

import { writeArtifact } from "../src/artifact/write-artifact.js";
import { systemClock } from "../src/core/clock.js";
import { takeInventory } from "../src/offsite/inventory.js";
import type { ObjectPage, StoredObject } from "../src/offsite/storage.js";
import {
  alternate,
  atMost,
  formatSeconds,
  timesFaster,
  type Measurement,
} from "./measurement.js";
import type { Project, Watched } from "./project.js";

const GIGABYTE = 1e9;
const RUNS = 3;
const TARGET_UPLOAD = 1.3;
const LISTED = 10_000;
const PAGE = 1000;
const TARGET_REQUESTS = 2;
const PART_BYTES = 16 * 2 ** 20;
const PARTS_AT_ONCE = 4;

const CONFIG = `
import hardhatDr from "hardhat-dr";
import { defineConfig } from "hardhat/config";

const { BENCH_KEY, BENCH_TARGET } = process.env;

export default defineConfig({
  plugins: [hardhatDr],
  dr: {
    project: "bench",
    encryption: { format: "aes-256-gcm", keyFile: BENCH_KEY },
    offsite: { targets: [JSON.parse(BENCH_TARGET)] },
  },
});
`;

const SDK_CONFIG = `
import { defineConfig, task } from "hardhat/config";

const upload = task("upload", "Uploads a file")
  .setAction(() => import("./upload.js"))
  .build();

export default defineConfig({ plugins: [], tasks: [upload] });
`;

const SDK = `
import { createReadStream } from "node:fs";

import { S3 } from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";

const { BENCH_FILE, BENCH_TARGET } = process.env;

export default async () => {
  const { bucket, endpoint } = JSON.parse(BENCH_TARGET);
  const upload = new Upload({
    client: new S3({ endpoint, region: "us-east-1", forcePathStyle: true }),
    params: { Bucket: bucket, Key: "bench", Body: createReadStream(BENCH_FILE) },
    partSize: ${String(PART_BYTES)},
    queueSize: ${String(PARTS_AT_ONCE)},
  });
  await upload.done();
};
`;

/** Replicating beside the SDK alone and beside restic; what listing asks for. */
export async function* measureOffsite(
  project: Project,
): AsyncGenerator<Measurement> {
  const bench = await prepare(project);
  try {
    yield await measureUpload(bench);
    yield await measureDirectory(bench);
    yield await measureListing();
  } finally {
    await rm(project.pathOf("backups"), { recursive: true, force: true });
  }
}

interface Bench {
  readonly project: Project;
  /** The artifact's. */
  readonly file: string;
  /** Runs `dr:offsite:replicate`. */
  readonly replicate: (
    target: Readonly<Record<string, string>>,
    env?: Readonly<Record<string, string>>,
  ) => Promise<Watched>;
}

async function prepare(project: Project): Promise<Bench> {
  const keyFile = project.pathOf("offsite.key");
  await writeFile(keyFile, randomBytes(32).toString("hex"), { mode: 0o600 });
  await project.write("offsite.config.ts", CONFIG);
  await project.write("upload.config.ts", SDK_CONFIG);
  await project.write("upload.ts", SDK);
  const place = {
    folder: project.pathOf("backups/database"),
    project: "bench",
    clock: systemClock,
    tool: "bench",
    compression: "zstd",
    encryption: {
      format: "aes-256-gcm",
      keyFile,
      oldKeyFiles: [],
      recipients: [],
    },
  } as const;
  const written = await writeArtifact(place, {
    kind: "database",
    stream: Readable.from(noise(GIGABYTE), { objectMode: false }),
    describe: () => ({ contents: {}, recoveryPoint: {} }),
  });
  return {
    project,
    file: written.path,
    replicate: async (target, env = {}) =>
      await project.watchHardhat(
        ["--config", "offsite.config.ts", "dr:offsite:replicate", "--yes"],
        { ...env, BENCH_KEY: keyFile, BENCH_TARGET: JSON.stringify(target) },
      ),
  };
}

/** It doesn't compress: the artifact is as large. */
function* noise(sizeBytes: number): Generator<Buffer> {
  const chunk = randomBytes(2 ** 20);
  for (let left = sizeBytes; left > 0; left -= chunk.length) {
    yield chunk.subarray(0, left);
  }
}

async function measureUpload({
  project,
  file,
  replicate,
}: Bench): Promise<Measurement> {
  const times = await alternate(RUNS, {
    ours: async () =>
      await withS3(async (target, env) => await replicate(target, env)),
    peer: async () =>
      await withS3(
        async (target, env) =>
          await project.watchHardhat(
            ["--config", "upload.config.ts", "upload"],
            {
              ...env,
              BENCH_FILE: file,
              BENCH_TARGET: JSON.stringify(target),
            },
          ),
      ),
  });
  const what = "1 GB replicated to S3 (a task with the SDK only)";
  return atMost(what, times, TARGET_UPLOAD, formatSeconds);
}

/** A fresh server for each: it keeps all in memory. */
async function withS3<T>(
  work: (
    target: Readonly<Record<string, string>>,
    env: Readonly<Record<string, string>>,
  ) => Promise<T>,
): Promise<T> {
  const server = spawn(
    process.execPath,
    ["--import", "tsx", "bench/serve-s3.ts"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  try {
    const { endpoint, bucket, credentials } = await firstLineOf(server);
    return await work(
      { kind: "s3", bucket, endpoint },
      {
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      },
    );
  } finally {
    server.kill("SIGKILL");
    await once(server, "exit");
  }
}

interface S3Address {
  readonly endpoint: string;
  readonly bucket: string;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
  };
}

async function firstLineOf({
  stdout,
}: {
  readonly stdout: Readable;
}): Promise<S3Address> {
  const lines = createInterface({ input: stdout });
  const [line] = (await once(lines, "line")) as [string];
  return JSON.parse(line) as S3Address;
}

async function measureDirectory({
  project,
  file,
  replicate,
}: Bench): Promise<Measurement> {
  const what = "1 GB replicated to a folder (restic backup)";
  if (spawnSync("restic", ["version"]).status !== 0) {
    const absent = { ours: "", ratio: "", target: "", isMet: undefined };
    return { what, peer: "not installed", ...absent };
  }
  const [directory, repository] = ["store", "restic"].map((name) =>
    project.pathOf(name),
  ) as [string, string];
  const env = { RESTIC_PASSWORD: "bench", RESTIC_REPOSITORY: repository };
  const times = await alternate(RUNS, {
    ours: async () => {
      await rm(directory, { recursive: true, force: true });
      await mkdir(directory);
      return await replicate({ kind: "fs", directory });
    },
    peer: async () => {
      await rm(repository, { recursive: true, force: true });
      await project.watch("restic", ["init"], env);
      return await project.watch("restic", ["backup", "--no-cache", file], env);
    },
  });
  return timesFaster(what, times, 1);
}

/** Of artifacts with checksums and manifests. */
async function measureListing(): Promise<Measurement> {
  const objects = listed();
  let requests = 0;
  const listPage = async (_: string, from = "0"): Promise<ObjectPage> => {
    requests += 1;
    const start = Number(from);
    const page = objects.slice(start, start + PAGE);
    const isLast = start + PAGE >= objects.length;
    return await Promise.resolve({
      objects: page,
      ...(isLast ? {} : { next: String(start + PAGE) }),
    });
  };
  const { artifacts } = await takeInventory({ listPage }, "bench");
  const pages = objects.length / PAGE;
  const ratio = requests / pages;
  return {
    what: `requests to list ${String(artifacts.length)} artifacts (pages)`,
    ours: String(requests),
    peer: String(pages),
    ratio: `${ratio.toFixed(2)} ×`,
    target: `≤ ${TARGET_REQUESTS.toFixed(2)} ×`,
    isMet: artifacts.length === LISTED && ratio <= TARGET_REQUESTS,
  };
}

function listed(): StoredObject[] {
  const first = Date.UTC(2024, 0, 1);
  return Array.from({ length: LISTED }, (_, index) => {
    const modifiedAt = new Date(first + index * 3_600_000);
    const [date, time] = modifiedAt.toISOString().split(/[T.]/) as [
      string,
      string,
    ];
    const stamp = `${date.replaceAll("-", "")}_${time.replaceAll(":", "")}`;
    const key = `database/bench_db_${stamp}.sql.zst.enc`;
    return ["", ".manifest.json", ".sha256"].map((suffix) => ({
      key: `${key}${suffix}`,
      sizeBytes: 1000,
      modifiedAt,
    }));
  }).flat();
}
