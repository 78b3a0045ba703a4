import * as Hash from "ox/Hash";

import { encodeValues } from "../chain/abi.js";
import { BlockReader, readBlock } from "../chain/block-reader.js";
import type { Address, Hex } from "../core/hex.js";
import type { WaitsFor } from "../run/step.js";
import { readSafeState } from "../safe/safe-state.js";
import type { Fork } from "./fork.js";

type ForkedChain = Pick<Fork, "provider" | "rpc">;

/**
 * Brings about on a fork what a plan waits for: time passes, owners of a Safe
 * say yes, as many as it really asks for.
 *
 * @returns the seconds that it takes on the real chain; people's time isn't counted.
 */
export async function passWait(
  fork: ForkedChain,
  until: WaitsFor,
): Promise<bigint> {
  switch (until.kind) {
    case "time":
      return await passTime(fork, until.readyAt);
    case "signatures":
      await approveAsOwners(fork, until.safe, until.safeTxHash);
      return 0n;
  }
}

async function passTime(
  { provider, rpc }: ForkedChain,
  readyAt: bigint,
): Promise<bigint> {
  const { timestamp } = await readBlock(rpc, "latest");
  await provider.request({
    method: "evm_setNextBlockTimestamp",
    params: [`0x${readyAt.toString(16)}`],
  });
  await provider.request({ method: "evm_mine" });
  return readyAt - timestamp;
}

/** `approvedHashes` of a Safe, 1.3.0 to 1.5.0. */
const APPROVED_HASHES = 8n;

/** The owners' approvals are put into the Safe's storage: its own check then finds them there. */
async function approveAsOwners(
  { provider, rpc }: ForkedChain,
  safe: Address,
  safeTxHash: Hex,
): Promise<void> {
  const { owners, threshold } = await readSafeState(
    await BlockReader.at(rpc),
    safe,
  );
  for (const owner of owners.slice(0, threshold)) {
    const ofOwner = Hash.keccak256(
      encodeValues(["address", "uint256"], [owner, APPROVED_HASHES]),
    );
    const slot = Hash.keccak256(
      encodeValues(["bytes32", "bytes32"], [safeTxHash, ofOwner]),
    );
    await provider.request({
      method: "hardhat_setStorageAt",
      params: [safe, slot, `0x${"1".padStart(64, "0")}`],
    });
  }
  // Whoever reads the latest block shall see them.
  await provider.request({ method: "evm_mine" });
}
