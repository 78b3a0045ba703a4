import { cp } from "node:fs/promises";
import { basename, join } from "node:path";

import { removeTree } from "../core/remove-tree.js";
import { makeTemporaryFolder } from "../core/temporary-folder.js";

/** A copy of a network's deployments that a rehearsal may write to. */
export interface ScratchFolder {
  /** The parent: what the real one is to `deployments/<network>`. */
  readonly deployments: string;
  remove(): Promise<void>;
}

/** What recoveries read of `deployments/<network>`. */
const COPIED = ["deploy.json", "layouts"];

/** @param folder - `deployments/<network>`. */
export async function copyToScratch(folder: string): Promise<ScratchFolder> {
  const deployments = await makeTemporaryFolder("rehearsal");
  for (const name of COPIED) {
    const to = join(deployments, basename(folder), name);
    await cp(join(folder, name), to, { recursive: true }).catch(ignoreMissing);
  }
  return {
    deployments,
    remove: async () => {
      await removeTree(deployments);
    },
  };
}

/** Whoever reads the copy says what is missing. */
function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOENT") {
    throw error;
  }
}
