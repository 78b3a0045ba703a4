import type { Address, Hex } from "../core/hex.js";
import type { ProxyKind } from "../core/proxy-kind.js";

export const SCHEMA_VERSION = 1;

/**
 * What deploy.json holds. People may add fields anywhere; they survive a
 * rewrite though these types don't name them.
 */
export interface DeployFile {
  readonly $schema?: string;
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly chainId: number;
  readonly governance?: Governance;
  /** By name, in the order a person gave them. */
  readonly contracts: Readonly<Record<string, ContractRecord>>;
}

export interface Governance {
  readonly safe?: Address;
  readonly timelock?: Address;
}

/**
 * One contract. For a beacon proxy the implementations and the history are the
 * beacon's; a plain contract has one implementation, itself.
 */
export interface ContractRecord {
  readonly proxy: Address;
  readonly kind: ProxyKind;
  readonly admin?: Address;
  readonly beacon?: Address;
  readonly implementations: Readonly<Record<Address, ImplementationRecord>>;
  /** Oldest first; the last is the current one. Never empty. */
  readonly history: readonly HistoryEntry[];
}

export interface ImplementationRecord {
  /** What `version()` returned. */
  readonly version?: string;
  /** Fully qualified: `contracts/SkillProfile.sol:SkillProfile`. */
  readonly contract?: string;
  /** keccak-256 of the code at the address. */
  readonly codeHash: Hex;
  /** Why nobody may roll back to it. */
  readonly bad?: string;
}

/** Why an implementation came to be current; `found`: read from a slot, no log tells. */
export type HistoryReason = "deploy" | "upgrade" | "rollback" | "found";

export interface HistoryEntry {
  readonly implementation: Address;
  readonly reason: HistoryReason;
  readonly block?: number;
  readonly tx?: Hex;
  /** ISO 8601, UTC. */
  readonly at?: string;
}
