import * as Hash from "ox/Hash";

import { encodeValues } from "../chain/abi.js";
import { BlockReader } from "../chain/block-reader.js";
import { DrError } from "../core/errors.js";
import { sameAddress, type Address, type Hex } from "../core/hex.js";
import { readSafeState } from "../safe/safe-state.js";
import type { Fork } from "./fork.js";

/** `approvedHashes` of a Safe, 1.3.0 to 1.5.0. */
const APPROVED_HASHES = 8n;

/**
 * Lets an owner of a Safe say yes on a fork: the approval is put into the
 * Safe's storage, where its own check then finds it.
 */
export async function approveAsOwner(
  { provider }: Pick<Fork, "provider">,
  safe: Address,
  owner: Address,
  safeTxHash: Hex,
): Promise<void> {
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
  // Whoever reads the latest block shall see it.
  await provider.request({ method: "evm_mine" });
}

/**
 * As many of the owners as the Safe really asks for.
 *
 * @param absent - Don't say yes.
 * @throws {DrError} SIGNATURES_MISSING when too few are left.
 */
export async function approveAsOwners(
  fork: Pick<Fork, "provider" | "rpc">,
  safe: Address,
  safeTxHash: Hex,
  absent: readonly Address[] = [],
): Promise<void> {
  const reader = await BlockReader.at(fork.rpc);
  const { owners, threshold } = await readSafeState(reader, safe);
  const present = owners.filter(
    (owner) => !absent.some((gone) => sameAddress(gone, owner)),
  );
  if (present.length < threshold) {
    throw new DrError("SIGNATURES_MISSING", {
      safe,
      have: present.length,
      threshold,
      missing: absent.join(", "),
      worthless: "",
    });
  }
  for (const owner of present.slice(0, threshold)) {
    await approveAsOwner(fork, safe, owner, safeTxHash);
  }
}
