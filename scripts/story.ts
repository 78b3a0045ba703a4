/**
 * The main job on an embedded chain, told step by step: a broken upgrade lands
 * on three proxies and is taken back. Everything after the disaster is done by
 * the tasks themselves, as on a live chain.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";

import hre from "hardhat";

import {
  breakPlatform,
  deployPlatform,
} from "../test/helpers/deploy-platform.js";

const started = performance.now();
const connection = await hre.network.getOrCreate();
const folder = join(hre.config.dr.paths.deployments, connection.networkName);
// The embedded chain is new in every process; so is what is recorded of it.
await rm(folder, { recursive: true, force: true });

tell(
  "1. Three proxies go live: one transparent, one UUPS, one behind a beacon.",
);
const platform = await deployPlatform(connection);
await runTask("dr:init", {
  contracts: [
    `SkillProfile=${platform.skillProfile}`,
    `Endorsement=${platform.endorsement}`,
    `SkillClaim=${platform.skillClaim}`,
  ],
  yes: true,
});

tell("2. Version 2.0.0 lands on all of them, and it is broken.");
await breakPlatform(connection, platform);
await runTask("dr:status", {});

tell("3. deploy.json learns from the chain what happened.");
await runTask("dr:init", {
  contracts: [
    `SkillProfile=${platform.skillProfile}`,
    `Endorsement=${platform.endorsement}`,
    `SkillClaim=${platform.skillClaim}`,
  ],
  yes: true,
});

tell("4. First of all, stop the damage.");
const alarm = performance.now();
await runTask("dr:pause", { all: true, yes: true });
const paused = performance.now();

tell("5. Roll back: upgrade to the previous implementation, verify, unpause.");
await runTask("dr:rollback", { all: true, yes: true });
const recovered = performance.now();

tell("6. All is as it was before.");
await runTask("dr:status", {});

tell(
  `Paused ${seconds(paused - alarm)} after the alarm, recovered ${seconds(recovered - alarm)} after it; ${seconds(recovered - started)} in all.`,
);

function tell(text: string): void {
  process.stdout.write(`\n${text}\n\n`);
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

async function runTask(
  id: string,
  args: Readonly<Record<string, unknown>>,
): Promise<void> {
  process.stdout.write(`$ npx hardhat ${id}\n`);
  await hre.tasks.getTask(id).run({ ...args });
  if (process.exitCode !== undefined && process.exitCode !== 0) {
    process.exit();
  }
}
