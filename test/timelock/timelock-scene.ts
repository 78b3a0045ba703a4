import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { Contract, TransactionReceipt } from "ethers";
import hre from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";

import { BlockReader } from "../../src/chain/block-reader.js";
import { ProviderRpc } from "../../src/chain/provider-rpc.js";
import type { Rpc } from "../../src/chain/rpc.js";
import { ZERO_ADDRESS, type Address, type Hex } from "../../src/core/hex.js";
import {
  encodeCancel,
  encodeExecute,
  encodeSchedule,
  hashOperation,
  NO_PREDECESSOR,
  type Operation,
} from "../../src/timelock/operation.js";
import { contractAt, signer } from "../helpers/contracts.js";
import {
  deployTimelock,
  timelockName,
  type TimelockOptions,
} from "../helpers/deploy-governance.js";

export const MIN_DELAY_SECONDS = 3600n;

/** A timelock that account 0 proposes to and cancels, and anybody executes. */
export interface TimelockScene {
  readonly connection: NetworkConnection;
  readonly rpc: Rpc;
  readonly address: Address;
  readonly contract: Contract;
  reader(rpc?: Rpc): Promise<BlockReader>;
  /** Sends to the timelock and waits. */
  send(data: Hex, from?: HardhatEthersSigner): Promise<TransactionReceipt>;
  /** @returns the operation's id. */
  schedule(operation: Operation, delaySeconds?: bigint): Promise<Hex>;
  execute(operation: Operation): Promise<TransactionReceipt>;
  cancel(id: Hex): Promise<TransactionReceipt>;
}

export async function openTimelock(
  version: 4 | 5,
  options: Partial<TimelockOptions> = {},
  given?: NetworkConnection,
): Promise<TimelockScene> {
  const connection = given ?? (await hre.network.create());
  const owner = await signer(connection);
  const address = await deployTimelock(connection, {
    minDelaySeconds: Number(MIN_DELAY_SECONDS),
    proposers: [owner.address as Address],
    executors: [ZERO_ADDRESS],
    version,
    ...options,
  });
  const rpc = new ProviderRpc(connection.networkName, connection.provider);
  const send = async (data: Hex, from?: HardhatEthersSigner) => {
    const sent = await (from ?? owner).sendTransaction({ to: address, data });
    const receipt = await sent.wait();
    if (receipt === null) {
      throw new TypeError("the transaction isn't mined");
    }
    return receipt;
  };
  return {
    connection,
    rpc,
    address,
    contract: await contractAt(connection, timelockName(version), address),
    reader: async (through = rpc) => await BlockReader.at(through),
    send,
    schedule: async (operation, delaySeconds = MIN_DELAY_SECONDS) => {
      await send(encodeSchedule(operation, delaySeconds));
      return hashOperation(operation);
    },
    execute: async (operation) => await send(encodeExecute(operation)),
    cancel: async (id) => await send(encodeCancel(id)),
  };
}

/** Lets time go by, in a block of its own. */
export async function passTime(
  { provider }: Pick<NetworkConnection, "provider">,
  seconds: bigint | number,
): Promise<void> {
  await provider.request({
    method: "evm_increaseTime",
    params: [Number(seconds)],
  });
  await provider.request({ method: "evm_mine" });
}

/** `updateDelay` of the timelock itself, as often as wanted. */
export function delayChange(
  { address, contract }: TimelockScene,
  delays: readonly bigint[] = [MIN_DELAY_SECONDS],
  rest: Partial<Operation> = {},
): Operation {
  return {
    calls: delays.map((delay) => ({
      to: address,
      value: 0n,
      data: contract.interface.encodeFunctionData("updateDelay", [
        delay,
      ]) as Hex,
    })),
    predecessor: NO_PREDECESSOR,
    salt: `0x${"5a".repeat(32)}`,
    ...rest,
  };
}
