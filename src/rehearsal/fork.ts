import type {
  EdrNetworkConfigOverride,
  NetworkConfig,
} from "hardhat/types/config";
import type { EthereumProvider } from "hardhat/types/providers";

import {
  readBlock,
  readChainId,
  type BlockRef,
} from "../chain/block-reader.js";
import { ProviderRpc } from "../chain/provider-rpc.js";
import type { Rpc } from "../chain/rpc.js";
import { DrError, isDrError, messageOf } from "../core/errors.js";
import type { Address, Hex } from "../core/hex.js";
import { serveRpc, type RpcServer } from "./rpc-server.js";

/** A simulated network as Hardhat makes it. */
export interface SimulatedNetwork {
  readonly provider: EthereumProvider;
  readonly networkConfig: Readonly<NetworkConfig>;
  close(): Promise<void>;
}

/** Makes a simulated network of the chain type that is rehearsed on. */
export type CreateSimulation = (
  override: EdrNetworkConfigOverride,
) => Promise<SimulatedNetwork>;

/** A copy of a chain as it was at one block, where everything may be tried. */
export interface Fork {
  readonly provider: EthereumProvider;
  readonly networkConfig: Readonly<NetworkConfig>;
  readonly rpc: Rpc;
  readonly chainId: number;
  /** The last block of the original. */
  readonly origin: BlockRef;
  /** The first block of the fork's own; blocks after it are the rehearsal's. */
  readonly start: bigint;
  close(): Promise<void>;
}

/**
 * Forks a chain at its latest block, under its own chainId: it is in the
 * domains of signatures.
 *
 * @throws {DrError} FORK_FAILED, and the RPC's failures.
 */
export async function openFork(
  rpc: Rpc,
  createSimulation: CreateSimulation,
): Promise<Fork> {
  const [chainId, origin] = await Promise.all([
    readChainId(rpc),
    readBlock(rpc, "latest"),
  ]);
  const server = await serveRpc(rpc);
  try {
    const network = await createSimulation(
      await describeFork(rpc, Number(chainId), origin, server),
    );
    // Hardhat doesn't know by which rules a foreign chain's blocks go; its own
    // block on top goes by its own.
    await network.provider.request({ method: "evm_mine" });
    return {
      provider: network.provider,
      networkConfig: network.networkConfig,
      rpc: new ProviderRpc(`${rpc.network} (fork)`, network.provider),
      chainId: Number(chainId),
      origin,
      start: origin.number + 1n,
      close: async () => {
        await network.close();
        await server.close();
      },
    };
  } catch (error) {
    await server.close();
    if (isDrError(error)) {
      throw error;
    }
    throw new DrError(
      "FORK_FAILED",
      {
        network: rpc.network,
        block: origin.number,
        reason: messageOf(error),
      },
      { cause: error },
    );
  }
}

async function describeFork(
  rpc: Rpc,
  chainId: number,
  { number, hash }: BlockRef,
  { url }: RpcServer,
): Promise<EdrNetworkConfigOverride> {
  const block = (await rpc.request("eth_getBlockByHash", [hash, false])) as {
    readonly gasLimit: Hex;
  } | null;
  return {
    chainId,
    networkId: chainId,
    forking: { enabled: true, url, blockNumber: number },
    // Hardhat's own accounts would be given coin and lose their code.
    accounts: [],
    mining: { auto: true, interval: 0 },
    ...(block === null ? {} : { blockGasLimit: BigInt(block.gasLimit) }),
    // As a real node: a transaction that reverts has a receipt.
    throwOnTransactionFailures: false,
    throwOnCallFailures: true,
    loggingEnabled: false,
  };
}

/** Enough for any gas; not so much that a contract might choke on it. */
const ALLOWANCE = 10n ** 21n;

/** Lets an account act without its key, and pay for it. */
export async function impersonate(
  { provider, rpc }: Pick<Fork, "provider" | "rpc">,
  address: Address,
): Promise<{ readonly address: Address; readonly balance: bigint }> {
  const [balance] = await Promise.all([
    rpc.request("eth_getBalance", [address, "latest"]),
    provider.request({
      method: "hardhat_impersonateAccount",
      params: [address],
    }),
  ]);
  const funded = BigInt(balance as Hex) + ALLOWANCE;
  await provider.request({
    method: "hardhat_setBalance",
    params: [address, `0x${funded.toString(16)}`],
  });
  return { address, balance: BigInt(balance as Hex) };
}
