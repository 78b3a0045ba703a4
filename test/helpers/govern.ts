import { ZERO_ADDRESS, type Address } from "../../src/core/hex.js";
import { signer, type Connection } from "./contracts.js";
import {
  deployAccessManager,
  deploySafe,
  deployTimelock,
  grantManagedRole,
  handOver,
  placeMultiSend,
} from "./deploy-governance.js";
import type { Platform } from "./deploy-platform.js";

export type GovernanceKind = "timelock" | "access-manager" | "safe";

/** Of the timelock, and of the AccessManager's role. */
export const DELAY_SECONDS = 3600;

/** Hands the platform over; the first account, and for the Safe the second too, can act for it. */
export async function govern(
  connection: Connection,
  platform: Platform,
  kind: GovernanceKind,
): Promise<void> {
  await handOver(
    connection,
    platform,
    await deployGovernance(connection, platform, kind),
  );
}

async function deployGovernance(
  connection: Connection,
  platform: Platform,
  kind: GovernanceKind,
): Promise<Address> {
  const [first, second, third] = await Promise.all(
    [0, 1, 2].map(
      async (index) => (await signer(connection, index)).address as Address,
    ),
  );
  switch (kind) {
    case "timelock":
      return await deployTimelock(connection, {
        minDelaySeconds: DELAY_SECONDS,
        proposers: [first!],
        executors: [ZERO_ADDRESS],
      });
    case "access-manager": {
      const manager = await deployAccessManager(connection);
      const pausing = ["pause()", "unpause()"];
      const powers = [
        [platform.proxyAdmin, ["upgradeAndCall(address,address,bytes)"]],
        [platform.beacon, ["upgradeTo(address)"]],
        [platform.skillProfile, pausing],
        [platform.skillClaim, pausing],
        [platform.endorsement, [...pausing, "upgradeToAndCall(address,bytes)"]],
      ] as const;
      for (const [target, functions] of powers) {
        await grantManagedRole(connection, manager, target, {
          roleId: 7n,
          functions,
          members: [first!],
          executionDelaySeconds: DELAY_SECONDS,
        });
      }
      return manager;
    }
    case "safe":
      await placeMultiSend(connection);
      return await deploySafe(connection, {
        owners: [first!, second!, third!],
        threshold: 2,
        version: "1.4.1",
      });
  }
}
