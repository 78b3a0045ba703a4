import type {
  HardhatEthers,
  HardhatEthersSigner,
} from "@nomicfoundation/hardhat-ethers/types";
import { assert } from "chai";
import type { Contract, TransactionReceipt } from "ethers";
import type { EthereumProvider } from "hardhat/types/providers";

import type { Address, Hex } from "../../src/core/hex.js";

/** As much of a Hardhat connection as the fixtures need; simulated or HTTP. */
export interface Connection {
  readonly ethers: HardhatEthers;
  readonly provider: EthereumProvider;
}

const POLL_MS = 20;
const LONGEST_WAIT_MS = 30_000;

/** The n-th of the connection's unlocked accounts. */
export async function signer(
  { ethers }: Connection,
  index = 0,
): Promise<HardhatEthersSigner> {
  const found = (await ethers.getSigners())[index];
  assert(found !== undefined, `there is no account ${String(index)}`);
  return found;
}

/**
 * Deploys a contract and waits for it.
 *
 * @param name - as Hardhat's artifacts know it; fully qualified for
 * OpenZeppelin's own, which come in two versions.
 */
export async function deploy(
  connection: Connection,
  name: string,
  args: readonly unknown[] = [],
  from?: HardhatEthersSigner,
): Promise<Address> {
  const factory = await connection.ethers.getContractFactory(
    name,
    from ?? (await signer(connection)),
  );
  const { data } = await factory.getDeployTransaction(...args);
  return await deployCode(connection, data as Hex, from);
}

/** Deploys creation code as it is. */
export async function deployCode(
  connection: Connection,
  data: Hex,
  from?: HardhatEthersSigner,
): Promise<Address> {
  const sender = from ?? (await signer(connection));
  const { contractAddress } = await mined(
    connection,
    await sender.sendTransaction({ data }),
  );
  return contractAddress as Address;
}

/** A contract of ours at an address, to `send` to and `read` from. */
export async function contractAt(
  { ethers }: Connection,
  name: string,
  address: Address,
  from?: HardhatEthersSigner,
): Promise<Contract> {
  return await ethers.getContractAt(name, address, from);
}

/** Sends a transaction and waits until it is mined; rejects when it reverts. */
export async function send(
  connection: Connection,
  contract: Contract,
  method: string,
  args: readonly unknown[] = [],
): Promise<TransactionReceipt> {
  return await mined(
    connection,
    await contract.getFunction(method).send(...args),
  );
}

/** The answer of a view, as ethers decodes it. */
export async function read(
  contract: Contract,
  method: string,
  args: readonly unknown[] = [],
): Promise<unknown> {
  return (await contract.getFunction(method).staticCall(...args)) as unknown;
}

/**
 * What a call reverts with: the custom error's name, the reason string, or the
 * bare data when the contract's ABI doesn't know it; `without a reason`.
 *
 * @returns undefined when the call passes.
 */
export async function revertOf(
  contract: Contract,
  method: string,
  args: readonly unknown[] = [],
): Promise<string | undefined> {
  try {
    await contract.getFunction(method).staticCall(...args);
    return undefined;
  } catch (error) {
    const { data } = error as { readonly data?: Hex };
    if (data === undefined) {
      // The chain couldn't be asked.
      throw error;
    }
    if (data === "0x") {
      return "without a reason";
    }
    const revert = contract.interface.parseError(data);
    return revert?.name === "Error"
      ? String(revert.args[0])
      : (revert?.name ?? data);
  }
}

/** Calldata of a function of one of our contracts. */
export async function encode(
  { ethers }: Connection,
  name: string,
  method: string,
  args: readonly unknown[] = [],
): Promise<Hex> {
  const { interface: abi } = await ethers.getContractFactory(name);
  return abi.encodeFunctionData(method, args) as Hex;
}

/** Polls faster than ethers does: fixtures send dozens of transactions. */
async function mined(
  { ethers }: Connection,
  { hash }: { readonly hash: string },
): Promise<TransactionReceipt> {
  const deadline = Date.now() + LONGEST_WAIT_MS;
  let receipt = await ethers.provider.getTransactionReceipt(hash);
  while (receipt === null && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    receipt = await ethers.provider.getTransactionReceipt(hash);
  }
  assert(receipt !== null, `transaction ${hash} isn't mined`);
  assert(receipt.status === 1, `transaction ${hash} reverted`);
  return receipt;
}
