import { DrError } from "../core/errors.js";
import type { Address } from "../core/hex.js";

type Numbers = readonly [major: number, minor: number];

/**
 * Refuses Safes older than 1.3.0, whose signatures are valid on every chain,
 * and those of a major version that nobody knows yet.
 *
 * @throws {DrError} SAFE_VERSION_UNSUPPORTED.
 */
export function requireSupportedVersion(safe: Address, version: string): void {
  const [major, minor] = numbersOf(version);
  if (major !== 1 || minor < 3) {
    throw new DrError("SAFE_VERSION_UNSUPPORTED", { safe, version });
  }
}

/** Whether contracts that own a Safe are asked the hash alone, and not what it is the hash of. */
export function asksOwnersForHash(version: string): boolean {
  const [, minor] = numbersOf(version);
  return minor >= 5;
}

/** Whether its fallback handler hands on what the hash is made of; 1.3.0 hands on the message itself. */
export function handsOnPreimage(version: string): boolean {
  const [, minor] = numbersOf(version);
  return minor >= 4;
}

function numbersOf(version: string): Numbers {
  const [, major = "0", minor = "0"] = /^(\d+)\.(\d+)\./.exec(version) ?? [];
  return [Number(major), Number(minor)];
}
