import { id } from "ethers";

import { ZERO_ADDRESS, type Address } from "../../src/core/hex.js";
import { contractAt, send, signer, type Connection } from "./contracts.js";
import {
  deployAccessManager,
  deploySafe,
  deployTimelock,
  grantManagedRole,
  placeMultiSend,
} from "./deploy-governance.js";
import { BEACON, PROXY_ADMIN, type Platform } from "./deploy-platform.js";

/** 48 hours. */
export const UPGRADE_DELAY_SECONDS = 172_800;

const UPGRADERS = 7n;

/** Who holds the sample platform's powers. */
export interface PlatformGovernance {
  /** 3 of 5. */
  readonly safe: Address;
  readonly owners: readonly Address[];
  readonly timelock: Address;
  /** Over SkillProfile's ProxyAdmin and SkillClaim's beacon. */
  readonly manager: Address;
}

/**
 * Two ways over the same contracts: the team proposes upgrades to a timelock,
 * and a Safe may upgrade at once. One AccessManager holds the ProxyAdmin and
 * the beacon, with the role for both; Endorsement knows both as upgraders. The
 * Safe alone pauses. The platform's owner keeps nothing but the proposing.
 *
 * @param ownersFrom - The first of the five accounts that own the Safe.
 */
export async function governPlatform(
  connection: Connection,
  platform: Platform,
  ownersFrom = 1,
): Promise<PlatformGovernance> {
  await placeMultiSend(connection);
  const owners = await Promise.all(
    Array.from(
      { length: 5 },
      async (_, index) =>
        (await signer(connection, ownersFrom + index)).address as Address,
    ),
  );
  const safe = await deploySafe(connection, { owners, threshold: 3 });
  const timelock = await deployTimelock(connection, {
    minDelaySeconds: UPGRADE_DELAY_SECONDS,
    proposers: [platform.owner],
    executors: [ZERO_ADDRESS],
  });
  const manager = await deployAccessManager(connection);
  const governance = { safe, owners, timelock, manager };
  await handToManager(connection, platform, governance);
  await handToSafe(connection, platform, governance);
  await shareEndorsement(connection, platform, governance);
  return governance;
}

async function handToManager(
  connection: Connection,
  { proxyAdmin, beacon }: Platform,
  { safe, timelock, manager }: PlatformGovernance,
): Promise<void> {
  for (const [name, address, upgrade] of [
    [PROXY_ADMIN, proxyAdmin, "upgradeAndCall(address,address,bytes)"],
    [BEACON, beacon, "upgradeTo(address)"],
  ] as const) {
    await grantManagedRole(connection, manager, address, {
      roleId: UPGRADERS,
      functions: [upgrade],
      members: [timelock, safe],
    });
    const contract = await contractAt(connection, name, address);
    await send(connection, contract, "transferOwnership", [manager]);
  }
}

async function handToSafe(
  connection: Connection,
  { skillProfile, skillClaim }: Platform,
  { safe }: PlatformGovernance,
): Promise<void> {
  for (const [name, address] of [
    ["SkillProfile", skillProfile],
    ["SkillClaim", skillClaim],
  ] as const) {
    const contract = await contractAt(connection, name, address);
    await send(connection, contract, "transferOwnership", [safe]);
  }
}

async function shareEndorsement(
  connection: Connection,
  { endorsement, owner }: Platform,
  { safe, timelock }: PlatformGovernance,
): Promise<void> {
  const contract = await contractAt(connection, "Endorsement", endorsement);
  const holders = [
    [id("PAUSER_ROLE"), [safe]],
    [id("UPGRADER_ROLE"), [safe, timelock]],
    // Last: whoever lacks it can grant nothing.
    [`0x${"00".repeat(32)}`, [safe]],
  ] as const;
  for (const [role, members] of holders) {
    for (const member of members) {
      await send(connection, contract, "grantRole", [role, member]);
    }
    await send(connection, contract, "renounceRole", [role, owner]);
  }
}
