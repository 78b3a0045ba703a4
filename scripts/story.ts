/**
 * The main job on an embedded chain, told step by step: a broken upgrade lands
 * on three proxies and is taken back, first by who holds the key, then, past a
 * timelock, by the owners of a Safe. Everything after the disaster is done by
 * the tasks themselves, as on a live chain.
 */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

import hre from "hardhat";

import {
  breakPlatform,
  deployPlatform,
} from "../test/helpers/deploy-platform.js";
import {
  governPlatform,
  UPGRADE_DELAY_SECONDS,
} from "../test/helpers/govern-platform.js";

/** For a delay, or for signatures. */
const WAITING = 4;

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
  `Paused ${seconds(paused - alarm)} after the alarm, recovered ${seconds(recovered - alarm)} after it.`,
);

tell(
  "7. From now on no key alone may upgrade: a timelock of 48 hours may, and a Safe, 3 of 5, at once.",
);
const { owners } = await governPlatform(connection, platform);
await runTask("dr:status", { names: ["SkillProfile"] });

tell("8. A bad upgrade again, by the book: scheduled, 48 hours, executed.");
await runTask("dr:upgrade", {
  name: "SkillProfile",
  to: "SkillProfileV2",
  yes: true,
});
await connection.provider.request({
  method: "evm_increaseTime",
  params: [UPGRADE_DELAY_SECONDS],
});
// Blocks again as often as on Ethereum, for whoever reckons with them.
await connection.provider.request({
  method: "hardhat_mine",
  params: ["0x64", "0xc"],
});
await runTask("dr:resume", { yes: true });

tell(
  "9. No time for 48 hours: who is on call, and owns nothing, proposes to the Safe to go back.",
);
const second = performance.now();
const onCall = (await connection.ethers.getSigners())[9]?.address;
await runTask("dr:emergency", {
  names: ["SkillProfile"],
  unpause: true,
  from: onCall,
  yes: true,
});

tell("10. Three owners look at it and sign, each on their own.");
const [proposal = ""] = await readdir(join(folder, "safe"));
for (const [index, from] of owners.slice(0, 3).entries()) {
  await runTask(
    "dr:safe:sign",
    { proposal: proposal.replace(".json", ""), from, yes: true },
    { isShown: index === 0 },
  );
}

tell("11. Whoever is on call goes on: executed once, verified, recorded.");
await runTask("dr:resume", { from: onCall, yes: true });
await runTask("dr:status", { names: ["SkillProfile"] });

const end = performance.now();
tell(
  `Recovered ${seconds(end - second)} after the second alarm; ${seconds(end - started)} in all.`,
);

function tell(text: string): void {
  process.stdout.write(`\n${text}\n\n`);
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

/** @param isShown - Whether what it prints is of interest. */
async function runTask(
  id: string,
  args: Readonly<Record<string, unknown>>,
  { isShown = true }: { readonly isShown?: boolean } = {},
): Promise<void> {
  process.stdout.write(`$ npx hardhat ${id}\n`);
  const write = process.stdout.write.bind(process.stdout);
  if (!isShown) {
    process.stdout.write = () => true;
  }
  await hre.tasks.getTask(id).run({ ...args });
  process.stdout.write = write;
  const { exitCode } = process;
  if (exitCode !== undefined && exitCode !== 0 && exitCode !== WAITING) {
    process.exit();
  }
  process.exitCode = 0;
}
