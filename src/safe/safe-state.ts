import * as OxAddress from "ox/Address";
import * as Hash from "ox/Hash";

import type { BlockReader } from "../chain/block-reader.js";
import { DrError } from "../core/errors.js";
import {
  addressInWord,
  ZERO_ADDRESS,
  type Address,
  type Hex,
} from "../core/hex.js";
import { requireSupportedVersion } from "./version.js";

/** A Safe as the chain had it at one block. */
export interface SafeState {
  readonly address: Address;
  /** Its `VERSION()`. */
  readonly version: string;
  /** Of the next transaction. */
  readonly nonce: bigint;
  readonly threshold: number;
  /** In the Safe's own order. */
  readonly owners: readonly Address[];
  /** Asked before and after every transaction, and may refuse it. */
  readonly guard?: Address;
  /** Since 1.5.0: asked about what modules do. */
  readonly moduleGuard?: Address;
  /** Contracts that may make the Safe do anything without a signature. */
  readonly modules: readonly Address[];
  readonly fallbackHandler?: Address;
  /** Where the Safe's own code is. */
  readonly singleton: Address;
  /** keccak-256 of the singleton's code. */
  readonly codeHash: Hex;
}

/** What every Safe has. */
export interface SafeOwnership {
  readonly version: string;
  readonly threshold: number;
  readonly owners: readonly Address[];
}

export const THRESHOLD = "function getThreshold() view returns (uint256)";
export const OWNERS = "function getOwners() view returns (address[])";
const VERSION = "function VERSION() view returns (string)";
export const NONCE = "function nonce() view returns (uint256)";
const MODULES =
  "function getModulesPaginated(address start, uint256 pageSize) view returns (address[] array, address next)";

/** The same since Safe 1.0. @see safe-smart-account, libraries/SafeStorage.sol */
export const SINGLETON_SLOT: Hex = `0x${"0".repeat(64)}`;
const OWNER_COUNT_SLOT: Hex = `0x${"3".padStart(64, "0")}`;
const THRESHOLD_SLOT: Hex = `0x${"4".padStart(64, "0")}`;
const GUARD_SLOT = slotNamed("guard_manager.guard.address");
const MODULE_GUARD_SLOT = slotNamed("module_manager.module_guard.address");
const FALLBACK_HANDLER_SLOT = slotNamed("fallback_manager.handler.address");

const FIRST_MODULE: Address = "0x0000000000000000000000000000000000000001";
const MODULES_PER_PAGE = 50n;
/** A contract that goes on for ever is no Safe. */
const MOST_MODULES = 1000;

/**
 * Who owns a Safe, of any version from 1.0 on. What its functions say must be
 * what a Safe's storage says, so that nothing else with owners is taken for one.
 *
 * @returns undefined when the address is no Safe.
 */
export async function probeSafe(
  reader: BlockReader,
  address: Address,
): Promise<SafeOwnership | undefined> {
  const [threshold, owners, version, storedThreshold, storedCount] =
    await Promise.all([
      reader.call(address, THRESHOLD),
      reader.call(address, OWNERS),
      reader.call(address, VERSION),
      reader.storage(address, THRESHOLD_SLOT),
      reader.storage(address, OWNER_COUNT_SLOT),
    ]);
  if (
    typeof threshold !== "bigint" ||
    typeof version !== "string" ||
    !Array.isArray(owners) ||
    threshold === 0n ||
    threshold > BigInt(owners.length) ||
    owners.includes(ZERO_ADDRESS) ||
    BigInt(storedThreshold) !== threshold ||
    BigInt(storedCount) !== BigInt(owners.length)
  ) {
    return undefined;
  }
  return {
    version,
    threshold: Number(threshold),
    owners: owners.map((owner) => OxAddress.checksum(owner as Address)),
  };
}

/**
 * All that decides what a Safe would do, at the reader's block.
 *
 * @throws {DrError} NOT_A_SAFE, SAFE_VERSION_UNSUPPORTED.
 */
export async function readSafeState(
  reader: BlockReader,
  safe: Address,
): Promise<SafeState> {
  const address = OxAddress.checksum(safe);
  const [ownership, nonce, modules, ...words] = await Promise.all([
    probeSafe(reader, address),
    reader.call(address, NONCE),
    readModules(reader, address),
    ...[
      SINGLETON_SLOT,
      GUARD_SLOT,
      MODULE_GUARD_SLOT,
      FALLBACK_HANDLER_SLOT,
    ].map(async (slot) => await reader.storage(address, slot)),
  ]);
  const [singleton, guard, moduleGuard, fallbackHandler] =
    words.map(checksummedAddressIn);
  if (
    ownership === undefined ||
    typeof nonce !== "bigint" ||
    modules === undefined ||
    singleton === undefined
  ) {
    throw new DrError("NOT_A_SAFE", {
      address,
      block: reader.block.number,
    });
  }
  requireSupportedVersion(address, ownership.version);
  return {
    address,
    ...ownership,
    nonce,
    modules,
    singleton,
    codeHash: Hash.keccak256(await reader.code(singleton)),
    ...(guard === undefined ? {} : { guard }),
    ...(moduleGuard === undefined ? {} : { moduleGuard }),
    ...(fallbackHandler === undefined ? {} : { fallbackHandler }),
  };
}

/** All modules, page by page. */
async function readModules(
  reader: BlockReader,
  safe: Address,
): Promise<readonly Address[] | undefined> {
  const modules: Address[] = [];
  let start = FIRST_MODULE;
  while (modules.length < MOST_MODULES) {
    const page = (await reader.call(safe, MODULES, [
      start,
      MODULES_PER_PAGE,
    ])) as readonly [readonly Address[], Address] | undefined;
    if (page === undefined) {
      return undefined;
    }
    const [found, next] = page;
    modules.push(...found.map((module) => OxAddress.checksum(module)));
    if (next === FIRST_MODULE || next === ZERO_ADDRESS) {
      return modules;
    }
    // Up to 1.3.0 `next` is one that no page has shown.
    start = found.at(-1) ?? next;
  }
  return undefined;
}

function checksummedAddressIn(word: Hex): Address | undefined {
  const address = addressInWord(word);
  return address === undefined ? undefined : OxAddress.checksum(address);
}

function slotNamed(name: string): Hex {
  return Hash.keccak256(`0x${Buffer.from(name).toString("hex")}`);
}
