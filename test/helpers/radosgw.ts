import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { S3 } from "@aws-sdk/client-s3";
import hre from "hardhat";

/** Ceph's S3 gateway: somebody else's idea of the protocol. */
export interface Radosgw {
  readonly endpoint: string;
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
  };
  /** A new, empty one. */
  createBucket(options?: { readonly hasLocks?: boolean }): Promise<string>;
  stop(): Promise<void>;
}

/** What must be on the machine. */
export const RADOSGW_PROGRAMS = ["radosgw", "ceph-mon", "ceph-osd", "curl"];

const CREDENTIALS = { accessKeyId: "testkey", secretAccessKey: "testsecret" };

/** Starts it as root, with everything in memory. */
export async function startRadosgw(): Promise<Radosgw> {
  const folder = await mkdtemp(join(tmpdir(), "hardhat-dr-radosgw-"));
  const port = await freePort();
  const script = join(hre.config.paths.root, "test/helpers/radosgw-start.sh");
  const end = async () => {
    await stopAll(join(folder, "run"));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await promisify(execFile)("bash", [script, folder, String(port)]);
  } catch (error) {
    await end();
    throw error;
  }
  const endpoint = `http://127.0.0.1:${String(port)}`;
  const client = new S3({
    endpoint,
    region: "us-east-1",
    forcePathStyle: true,
    credentials: CREDENTIALS,
    requestChecksumCalculation: "WHEN_REQUIRED",
  });
  let count = 0;
  return {
    endpoint,
    credentials: CREDENTIALS,
    createBucket: async ({ hasLocks = false } = {}) => {
      count += 1;
      const bucket = `backups-${String(count)}`;
      await client.createBucket({
        Bucket: bucket,
        ObjectLockEnabledForBucket: hasLocks,
      });
      return bucket;
    },
    stop: async () => {
      client.destroy();
      await end();
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function stopAll(folder: string): Promise<void> {
  const names = await readdir(folder);
  for (const name of names.filter((one) => one.endsWith(".pid"))) {
    process.kill(Number(await readFile(join(folder, name), "utf8")), "SIGKILL");
  }
}
