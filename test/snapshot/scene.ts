import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";

import type { HardhatUserConfig } from "hardhat/config";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NetworkConnection } from "hardhat/types/network";

import { extract } from "tar-stream";

import { packArchive } from "../../src/artifact/archive.js";
import type { ArtifactKind } from "../../src/artifact/name.js";
import {
  checkArtifact,
  openArtifact,
  type ArtifactKeys,
} from "../../src/artifact/read-artifact.js";
import {
  writeArtifact,
  type ArtifactInput,
} from "../../src/artifact/write-artifact.js";
import { canonicalJson, type Json } from "../../src/core/canonical-json.js";
import { systemClock } from "../../src/core/clock.js";
import type { RestorePlaces } from "../../src/snapshot/restore-plan.js";
import type { Snapshot } from "../../src/snapshot/snapshot.js";
import { deployPlatform, type Platform } from "../helpers/deploy-platform.js";
import { platformProxies } from "../helpers/recovery-session.js";
import { openProject } from "../tasks/project.js";

/** The compiler that the artifacts were made with, on the disk. */
export const SOLC: HardhatUserConfig = {
  solidity: {
    compilers: [
      {
        version: "0.8.28",
        path: createRequire(import.meta.url).resolve("solc/soljson.js"),
      },
    ],
  },
};

export type TaskJson = Readonly<Record<string, unknown>> & {
  readonly error?: { readonly code: string; readonly message: string };
};

/** A project on a chain of its own, with the platform in its deploy.json. */
export interface SnapshotScene {
  readonly hre: HardhatRuntimeEnvironment;
  readonly connection: NetworkConnection;
  readonly platform: Platform;
  /** `deployments/<network>` */
  readonly deployments: string;
  /** `backups/contracts` */
  readonly backups: string;
  run(
    task: string,
    args?: Readonly<Record<string, unknown>>,
  ): Promise<TaskJson>;
  /** Takes one. @returns its path. */
  snapshot(): Promise<string>;
}

export async function openScene(
  root: string,
  config: HardhatUserConfig = {},
): Promise<SnapshotScene> {
  const hre = await openProject(root, config);
  const connection = await hre.network.getOrCreate();
  const platform = await deployPlatform(connection);
  await connection.dr.init(platformProxies(platform));
  const run: SnapshotScene["run"] = async (task, args = {}) =>
    (await hre.tasks.getTask(task).run({ json: true, ...args })) as TaskJson;
  return {
    hre,
    connection,
    platform,
    deployments: join(root, "deployments", connection.networkName),
    backups: join(root, "backups/contracts"),
    run,
    snapshot: async () => {
      const { path } = await run("dr:snapshot");
      return path as string;
    },
  };
}

/** All files of a folder, by their paths in it. */
export async function filesIn(
  folder: string,
): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(folder, {
    recursive: true,
    withFileTypes: true,
  });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const texts = await Promise.all(
    paths.map(async (path) => await readFile(path, "utf8")),
  );
  return Object.fromEntries(
    paths.map((path, index) => [path.slice(folder.length + 1), texts[index]!]),
  );
}

/** What is in a snapshot, by path. */
export async function contentsOf(
  path: string,
  keys: ArtifactKeys = { trusted: [] },
): Promise<Map<string, Buffer>> {
  const checked = await checkArtifact(path, keys);
  const files = new Map<string, Buffer>();
  const entries = extract();
  const fed = pipeline(
    await openArtifact(checked, keys),
    entries as unknown as NodeJS.WritableStream,
  );
  for await (const entry of entries) {
    files.set(entry.header.name, await buffer(entry));
  }
  await fed;
  return files;
}

/** `snapshot.json` of a snapshot. */
export async function stateIn(path: string): Promise<Snapshot> {
  const text = (await contentsOf(path)).get("snapshot.json");
  return JSON.parse(String(text)) as Snapshot;
}

/**
 * Writes a snapshot that somebody has changed in every way that digests don't
 * show: its manifest is made anew.
 *
 * @param keys - What it is encrypted with, before and after.
 * @returns its path.
 */
export async function forge(
  path: string,
  change: (files: Map<string, Buffer>) => void,
  described: Partial<ReturnType<ArtifactInput["describe"]>> = {},
  kind: ArtifactKind = "contracts",
  keys: ArtifactKeys = { trusted: [] },
): Promise<string> {
  const files = await contentsOf(path, keys);
  change(files);
  const { manifest } = await checkArtifact(path, { trusted: [] });
  const { contents, recoveryPoint } = manifest;
  const forged = await writeArtifact(
    {
      folder: join(dirname(path), "forged"),
      project: "takumi",
      clock: { ...systemClock, now: nextSecond },
      tool: "hardhat-dr test",
      compression: "zstd",
      ...(keys.encryption === undefined ? {} : { encryption: keys.encryption }),
    },
    {
      kind,
      stream: packArchive(
        [...files].map(([name, bytes]) => ({
          path: name,
          type: "file",
          mode: 0o644,
          modifiedAt: new Date(0),
          sizeBytes: bytes.length,
          open: () => Readable.from([bytes]),
        })),
      ),
      describe: () => ({ contents, recoveryPoint, ...described }),
    },
  );
  return forged.path;
}

let seconds = 0;

/** No two forgeries have the same name. */
function nextSecond(): Date {
  seconds += 1;
  return new Date(Date.UTC(2024, 0, 15) + seconds * 1000);
}

/** Changes `snapshot.json`, digests of the files in its list included. */
export function editState(
  files: Map<string, Buffer>,
  edit: (state: Record<string, Json>) => void,
): void {
  const state = JSON.parse(String(files.get("snapshot.json"))) as Record<
    string,
    Json
  >;
  edit(state);
  files.set("snapshot.json", Buffer.from(`${canonicalJson(state)}\n`));
}

/** Changes a contract in `snapshot.json`. */
export function editContract(
  files: Map<string, Buffer>,
  name: string,
  edit: (contract: Record<string, Json>) => void,
): void {
  editState(files, ({ contracts }) => {
    edit((contracts as Record<string, Record<string, Json>>)[name]!);
  });
}

/** Puts another file in the place of one, its digest in the list too. */
export function replaceListed(
  files: Map<string, Buffer>,
  path: string,
  replacement: Buffer | string,
): void {
  const bytes = Buffer.from(replacement);
  files.set(path, bytes);
  editState(files, ({ files: list }) => {
    (list as Record<string, Json>)[path] = {
      sizeBytes: bytes.length,
      sha256: createHash("sha256").update(bytes).digest("hex"),
    };
  });
}

/** Where a snapshot of `default` goes in a project. */
export function placesIn(root: string): RestorePlaces {
  return {
    network: "default",
    chainId: undefined,
    folder: join(root, "deployments/default"),
    root,
    artifacts: join(root, "artifacts"),
  };
}
