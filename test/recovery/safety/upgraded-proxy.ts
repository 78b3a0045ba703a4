import { expect } from "chai";
import hre from "hardhat";

import { BlockReader } from "../../../src/chain/block-reader.js";
import { ProviderRpc } from "../../../src/chain/provider-rpc.js";
import type { Address } from "../../../src/core/hex.js";
import type { ImplementationSource } from "../../../src/implementation/implementation-source.js";
import { findImplementation } from "../../../src/implementation/implementation-source.js";
import { IMPLEMENTATION_SLOT } from "../../../src/proxy/slots.js";
import { reportRollbackSafety } from "../../../src/recovery/safety/report.js";
import type { SafetyReport } from "../../../src/recovery/safety/safety-report.js";
import {
  contractAt,
  deploy,
  send,
  type Connection,
} from "../../helpers/contracts.js";
import { ERC1967_PROXY_V4 } from "../../helpers/deploy-proxies.js";

export interface Stage {
  readonly contract: string;
  /** Run through the proxy once this is its implementation. */
  readonly call?: readonly [method: string, ...args: unknown[]];
}

/** A proxy that went through some implementations, the last one being its current. */
export interface UpgradedProxy {
  readonly connection: Connection;
  readonly proxy: Address;
  readonly implementations: readonly Address[];
}

export async function upgradedProxy(
  ...stages: readonly Stage[]
): Promise<UpgradedProxy> {
  const connection = await hre.network.create();
  const implementations: Address[] = [];
  let proxy: Address | undefined;
  for (const { contract, call } of stages) {
    const implementation = await deploy(connection, contract);
    implementations.push(implementation);
    if (proxy === undefined) {
      proxy = await deploy(connection, ERC1967_PROXY_V4, [
        implementation,
        "0x",
      ]);
    } else {
      await connection.provider.request({
        method: "hardhat_setStorageAt",
        params: [
          proxy,
          IMPLEMENTATION_SLOT,
          `0x${implementation.slice(2).toLowerCase().padStart(64, "0")}`,
        ],
      });
    }
    if (call !== undefined) {
      const [method, ...args] = call;
      const target = await contractAt(connection, contract, proxy);
      await send(connection, target, method, args);
    }
  }
  if (proxy === undefined) {
    expect.fail("no stages");
  }
  return { connection, proxy, implementations };
}

export async function readerOf({ provider }: Connection): Promise<BlockReader> {
  return await BlockReader.at(new ProviderRpc("simulated", provider));
}

/** Found among the project's artifacts, and nowhere else. */
export async function sourceOf(
  reader: BlockReader,
  address: Address,
): Promise<ImplementationSource> {
  return await findImplementation(reader, address, {
    artifacts: hre.artifacts,
    folder: "/nowhere",
    root: "/nowhere",
    chainId: 31337,
  });
}

/** What a rollback from the last stage to the one before would meet. */
export async function reportOn(
  ...stages: readonly Stage[]
): Promise<SafetyReport> {
  const { connection, proxy, implementations } = await upgradedProxy(...stages);
  const [to, from] = implementations.slice(-2);
  if (to === undefined || from === undefined) {
    expect.fail("fewer than two stages");
  }
  const reader = await readerOf(connection);
  return await reportRollbackSafety({
    reader,
    proxy,
    from: await sourceOf(reader, from),
    to: await sourceOf(reader, to),
  });
}
