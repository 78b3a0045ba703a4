import type { Address, Hex } from "./hex.js";

/**
 * What someone with the authority should make the chain do. Domain modules
 * produce calls; a route decides who sends them and how.
 */
export interface Call {
  readonly to: Address;
  /** Wei. */
  readonly value: bigint;
  readonly data: Hex;
  /** For people: `SkillProfile.pause()`. */
  readonly label: string;
}
