import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import type { ArtifactKeys } from "../../src/artifact/read-artifact.js";
import { placeFolder } from "../../src/backup/folder.js";
import { artifactKeys } from "../../src/backup/place.js";
import {
  findSnapshot,
  type FoundSnapshot,
} from "../../src/snapshot/find-snapshot.js";
import {
  openSnapshot,
  type OpenedSnapshot,
} from "../../src/snapshot/open-snapshot.js";
import type { Output } from "./output.js";
import { withBar } from "./progress.js";
import { chosenNetwork } from "./session.js";

/** A snapshot, and what opens it. */
export interface OpenableSnapshot extends FoundSnapshot {
  readonly keys: ArtifactKeys;
}

/**
 * The snapshot that a task's argument names; without one the network's newest.
 *
 * @throws {DrError} SNAPSHOT_NONE.
 */
export async function findNamedSnapshot(
  hre: HardhatRuntimeEnvironment,
  name: string,
): Promise<OpenableSnapshot> {
  const { dr, paths } = hre.config;
  const place = {
    folder: placeFolder(dr, "contracts"),
    root: paths.root,
    project: dr.project,
    network: chosenNetwork(hre).network,
  };
  const found = await findSnapshot(place, name || undefined);
  return { ...found, keys: artifactKeys(dr) };
}

/** Opens it, telling how far that is. @throws {DrError} like `openSnapshot`. */
export async function openFound(
  { path, keys }: Pick<OpenableSnapshot, "path" | "keys">,
  output: Output,
): Promise<OpenedSnapshot> {
  return await withBar(
    {
      title: "Check",
      work: async (meter) => await openSnapshot(path, keys, meter),
      tell: ({ name }) => `${name} is what its manifest says`,
    },
    output,
  );
}
