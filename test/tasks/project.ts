import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import hardhatEthers from "@nomicfoundation/hardhat-ethers";
import globalHre from "hardhat";
import type { HardhatUserConfig } from "hardhat/config";
import { createHardhatRuntimeEnvironment } from "hardhat/hre";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import hardhatDr, { type DrUserConfig } from "../../src/index.js";

/** A project of its own in a folder, with this one's artifacts. */
export async function openProject(
  folder: string,
  config: HardhatUserConfig = {},
): Promise<HardhatRuntimeEnvironment> {
  await linkProject(folder);
  return await createHardhatRuntimeEnvironment(
    { plugins: [hardhatEthers, hardhatDr], ...config },
    {},
    folder,
  );
}

/** The same for processes of their own: `localhost` is the node at a URL. */
export async function writeProject(
  folder: string,
  url: string,
  dr: DrUserConfig = {},
): Promise<void> {
  await linkProject(folder);
  const { root } = globalHre.config.paths;
  await symlink(join(root, "node_modules"), join(folder, "node_modules"));
  const plugin = pathToFileURL(join(root, "src/index.ts")).href;
  await writeFile(
    join(folder, "hardhat.config.ts"),
    `import hardhatDr from ${JSON.stringify(plugin)};
export default {
  plugins: [hardhatDr],
  networks: { localhost: { type: "http", url: ${JSON.stringify(url)} } },
  dr: ${JSON.stringify(dr)},
};
`,
  );
}

async function linkProject(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await symlink(globalHre.config.paths.artifacts, join(folder, "artifacts"));
  await writeFile(join(folder, "package.json"), '{"type": "module"}');
}
