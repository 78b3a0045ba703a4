import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { extentOf } from "../artifact/measure.js";
import { DrError } from "../core/errors.js";
import { namesIn } from "../core/names-in.js";
import type { DeployFile } from "../deployments/deploy-file.js";
import { readDeployFile } from "../deployments/read.js";
import { manifestNames } from "../implementation/openzeppelin-manifest.js";
import { deployFilePath, layoutsPath, OPENZEPPELIN } from "./snapshot.js";

/** What a network's contracts need of a project. */
export interface ProjectFiles {
  readonly deployFile: DeployFile;
  /** By their paths in the archive. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/**
 * deploy.json, the layouts beside it, and OpenZeppelin's manifests.
 *
 * @param folder - `deployments/<network>`.
 * @param root - The project's.
 * @throws {DrError} DEPLOY_FILE_CHANGED, and whatever is wrong with deploy.json.
 */
export async function readProjectFiles(
  network: string,
  folder: string,
  root: string,
): Promise<ProjectFiles> {
  const path = join(folder, "deploy.json");
  const { file, digest } = await readDeployFile(path);
  const bytes = await readFile(path);
  if (extentOf(bytes).sha256 !== digest) {
    throw new DrError("DEPLOY_FILE_CHANGED", { file: path });
  }
  const layouts = await namesIn(join(folder, "layouts"));
  const manifests = await manifestNames(file.chainId);
  const present = await namesIn(join(root, OPENZEPPELIN));
  return {
    deployFile: file,
    files: new Map([
      [deployFilePath(network), bytes],
      ...(await readAll(
        join(folder, "layouts"),
        layouts.filter((name) => /^0x[0-9a-fA-F]{40}\.json$/.test(name)),
        layoutsPath(network),
      )),
      ...(await readAll(
        join(root, OPENZEPPELIN),
        manifests.filter((name) => present.includes(name)),
        OPENZEPPELIN,
      )),
    ]),
  };
}

async function readAll(
  folder: string,
  names: readonly string[],
  to: string,
): Promise<(readonly [string, Buffer])[]> {
  return await Promise.all(
    names.map(
      async (name) =>
        [`${to}/${name}`, await readFile(join(folder, name))] as const,
    ),
  );
}
