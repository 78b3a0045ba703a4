import hre from "hardhat";
import type { HttpNetworkAccountsUserConfig } from "hardhat/types/config";
import type { NetworkConnection } from "hardhat/types/network";

export interface ConnectOptions {
  /** Private keys; without them the node's unlocked accounts sign. */
  readonly accounts?: HttpNetworkAccountsUserConfig;
  /** Milliseconds for one request. */
  readonly timeout?: number;
}

/** A Hardhat connection to the node at a URL, as the network `localhost`. */
export async function connectTo(
  url: string,
  options: ConnectOptions = {},
): Promise<NetworkConnection> {
  return await hre.network.create({
    network: "localhost",
    override: { url, ...options },
  });
}
