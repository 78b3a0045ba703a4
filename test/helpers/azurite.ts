import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";

import {
  BlobServiceClient,
  StorageSharedKeyCredential,
  type ContainerClient,
} from "@azure/storage-blob";

import {
  collectOutput,
  endWithThisProcess,
  printedMatch,
} from "./child-process.js";

/** Microsoft's own emulator of Azure Blob Storage, with everything in memory. */
export interface Azurite {
  /** `http://127.0.0.1:PORT/takumi`: of the account. */
  readonly endpoint: string;
  readonly account: string;
  /** Base64. */
  readonly key: string;
  /** A new, empty one. */
  createContainer(): Promise<ContainerClient>;
  stop(): Promise<void>;
}

const PROGRAM = createRequire(import.meta.url).resolve(
  "azurite/dist/src/blob/main.js",
);
const ACCOUNT = "takumi";

/** Starts it on a free port; it dies with this process, even if that is killed. */
export async function startAzurite(): Promise<Azurite> {
  const key = randomBytes(64).toString("base64");
  const child = spawn(
    process.execPath,
    [
      PROGRAM,
      "--blobPort=0",
      "--inMemoryPersistence",
      "--skipApiVersionCheck",
      "--silent",
      "--disableTelemetry",
    ],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, AZURITE_ACCOUNTS: `${ACCOUNT}:${key}` },
    },
  );
  const release = endWithThisProcess(child);
  const exited = new Promise<void>((resolve) => {
    child.once("exit", () => {
      release();
      resolve();
    });
  });
  const url = await printedMatch(
    child,
    collectOutput(child),
    /successfully listens on (\S+)/,
  );
  const endpoint = `${url}/${ACCOUNT}`;
  const service = new BlobServiceClient(
    endpoint,
    new StorageSharedKeyCredential(ACCOUNT, key),
  );
  let containers = 0;
  return {
    endpoint,
    account: ACCOUNT,
    key,
    createContainer: async () => {
      containers += 1;
      const container = service.getContainerClient(
        `container-${String(containers)}`,
      );
      await container.create();
      return container;
    },
    stop: async () => {
      child.ref();
      child.kill("SIGKILL");
      await exited;
    },
  };
}
