import type { Json } from "../core/canonical-json.js";
import type { Address, Hex } from "../core/hex.js";

/**
 * What came of a rehearsal, ready for JSON: wei and gas are decimal digits,
 * times are seconds. What wasn't expected comes first in each list.
 */
export interface RehearsalReport {
  /** 1 said neither the commit nor how contracts were when it began. */
  readonly schemaVersion: 2;
  readonly toolVersion: string;
  readonly procedure: string;
  readonly network: string;
  readonly chainId: number;
  /** Of the project, as git has it; null where there is no repository. */
  readonly commit: string | null;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** The block that was forked. */
  readonly fork: {
    readonly block: number;
    readonly hash: Hex;
    /** ISO 8601, UTC. */
    readonly timestamp: string;
  };
  readonly plan: { readonly digest: string; readonly notes: readonly string[] };
  /** `attention`: it went through, but see the findings. */
  readonly verdict: "clean" | "attention" | "failed";
  readonly findings: readonly string[];
  readonly outcome: {
    readonly status: "done" | "waiting" | "failed";
    readonly error?: Json;
  };
  readonly contracts: readonly RehearsedContract[];
  readonly time: TimeReport;
  readonly gasUsed: string;
  readonly steps: readonly StepReport[];
  readonly accounts: readonly AccountReport[];
  readonly storage: readonly SlotReport[];
  readonly balances: readonly BalanceReport[];
  readonly nonces: readonly NonceReport[];
  readonly code: readonly CodeReport[];
}

/** A contract as it was at the block that was forked: another one isn't what was rehearsed. */
export interface RehearsedContract {
  readonly name: string;
  readonly proxy: Address;
  /** Null where there was no code; so the others. */
  readonly implementation: Address | null;
  readonly codeHash: Hex | null;
  /** As `dr:status --json` has them. */
  readonly pauseAuthority: Json;
  readonly upgradeAuthority: Json;
}

export interface TimeReport {
  /** Until the plan stood: reading the chain, checking, simulating. */
  readonly planned: number;
  /** From the start; null when nothing was paused. */
  readonly paused: Moment | null;
  /** From the start; null when it wasn't a recovery, or didn't end well. */
  readonly recovered: Moment | null;
  /** Average of the forked chain's last blocks. */
  readonly blockSeconds: number;
  readonly confirmations: number;
}

export interface Moment {
  /** Measured on the fork, where a block takes no time. */
  readonly seconds: number;
  /** The chain's blocks that must pass by then, confirmations included. */
  readonly blocks: number;
  /** Delays that the chain's rules ask for by then. */
  readonly waitsSeconds: number;
  /** All together. */
  readonly onChainSeconds: number;
}

export interface StepReport {
  readonly id: string;
  readonly title: string;
  readonly status: "done" | "already" | "failed" | "not-reached";
  readonly seconds: number;
  /** What the chain's rules let pass before it: a timelock's delay. */
  readonly waitsSeconds: number;
  readonly gasUsed: string;
  readonly transactions: readonly {
    readonly hash: Hex;
    /** The contract it is for. */
    readonly contract: string;
    readonly from: Address;
    readonly block: number;
    readonly status: "success" | "reverted";
    readonly gasUsed: string;
  }[];
}

/** Someone who acted. */
export interface AccountReport {
  readonly address: Address;
  /** Whether this machine can sign for it; otherwise it was impersonated. */
  readonly held: boolean;
  /** Wei on the real chain. */
  readonly balance: string;
  /** Wei, for gas, at the fork's prices. */
  readonly spent: string;
  readonly canPay: boolean;
}

interface Expected {
  readonly account: Address;
  /** `SkillProfile`, `SkillClaim's beacon`; null for a stranger. */
  readonly name: string | null;
  readonly expected: boolean;
}

export interface SlotReport extends Expected {
  readonly slot: Hex;
  readonly label: string | null;
  readonly before: Hex;
  readonly after: Hex;
  /** It was changed on the way and changed back. */
  readonly restored: boolean;
}

export interface BalanceReport extends Expected {
  /** Wei, signed; what the rehearsal itself lent isn't in it. */
  readonly change: string;
}

export interface NonceReport extends Expected {
  readonly change: number;
}

export interface CodeReport extends Expected {
  readonly codeHash: Hex | null;
  readonly change: "created" | "replaced" | "destroyed";
}
