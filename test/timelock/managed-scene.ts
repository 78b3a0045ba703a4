import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { Contract } from "ethers";
import hre from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";

import { BlockReader } from "../../src/chain/block-reader.js";
import { ProviderRpc } from "../../src/chain/provider-rpc.js";
import type { Rpc } from "../../src/chain/rpc.js";
import type { Address, Hex } from "../../src/core/hex.js";
import { contractAt, encode, send, signer } from "../helpers/contracts.js";
import {
  ACCESS_MANAGER,
  deployAccessManager,
  grantManagedRole,
} from "../helpers/deploy-governance.js";
import { deployManaged } from "../helpers/deploy-proxies.js";

export const ROLE_DELAY_SECONDS = 600n;
export const PAUSER_ROLE = 7n;
export const GUARDIAN_ROLE = 8n;

/** An AccessManager; account 1 may pause after a delay, account 2 guards that, account 3 may nothing. */
export interface ManagedScene {
  readonly connection: NetworkConnection;
  readonly rpc: Rpc;
  readonly manager: Address;
  readonly contract: Contract;
  readonly target: Address;
  readonly pause: Hex;
  readonly member: HardhatEthersSigner;
  readonly guardian: HardhatEthersSigner;
  readonly stranger: HardhatEthersSigner;
  reader(rpc?: Rpc): Promise<BlockReader>;
  /** Sends to the manager and waits. */
  send(data: Hex, from: HardhatEthersSigner): Promise<Hex>;
}

export async function openManaged(
  given?: NetworkConnection,
): Promise<ManagedScene> {
  const connection = given ?? (await hre.network.create());
  const [member, guardian, stranger] = await Promise.all([
    signer(connection, 1),
    signer(connection, 2),
    signer(connection, 3),
  ]);
  const manager = await deployAccessManager(connection);
  const { proxy: target } = await deployManaged(connection, manager);
  await grantManagedRole(connection, manager, target, {
    roleId: PAUSER_ROLE,
    functions: ["pause()"],
    members: [member.address as Address],
    executionDelaySeconds: Number(ROLE_DELAY_SECONDS),
  });
  const contract = await contractAt(connection, ACCESS_MANAGER, manager);
  for (const [method, ...args] of [
    ["setRoleGuardian", PAUSER_ROLE, GUARDIAN_ROLE],
    ["grantRole", GUARDIAN_ROLE, guardian.address, 0],
  ] as const) {
    await send(connection, contract, method, args);
  }
  const rpc = new ProviderRpc(connection.networkName, connection.provider);
  return {
    connection,
    rpc,
    manager,
    contract,
    target,
    pause: await encode(connection, "ManagedPausable", "pause"),
    member,
    guardian,
    stranger,
    reader: async (through = rpc) => await BlockReader.at(through),
    send: async (data, from) => {
      const sent = await from.sendTransaction({ to: manager, data });
      await sent.wait();
      return sent.hash as Hex;
    },
  };
}
