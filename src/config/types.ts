import type {
  ResolvedConfigurationVariable,
  SensitiveString,
} from "hardhat/types/config";

import type { Address } from "../core/hex.js";

/** What a user's own check of a recovered contract is given. */
export interface VerifyContext {
  /** As in deploy.json. */
  readonly name: string;
  readonly contract: {
    readonly address: Address;
    /**
     * Calls a view function given by its human-readable signature, at the
     * block that is verified.
     *
     * @returns its value, an array when there are several, undefined when it reverts.
     */
    read(signature: string, ...args: readonly unknown[]): Promise<unknown>;
  };
}

/** Passes by returning, a promise or not; fails by throwing or by returning false. */
export type VerifyCheck = (context: VerifyContext) => unknown;

/** The `dr` section of hardhat.config.ts. */
export interface DrUserConfig {
  /** Artifact names begin with it. Default: the project folder's name. */
  readonly project?: string;
  readonly paths?: {
    /** Holds `<network>/deploy.json`. Default: `deployments`. */
    readonly deployments?: string;
    /** Where incident documents go. Default: `docs/incidents`. */
    readonly incidents?: string;
  };
  /**
   * Further RPCs that must confirm what a signer or an executor is about to
   * rely on: of every network that is reached by HTTP, or by network name. A
   * URL may be a `configVariable`; only its host is ever shown.
   */
  readonly rpcQuorum?:
    | readonly SensitiveString[]
    | Readonly<Record<string, readonly SensitiveString[]>>;
  readonly transactions?: {
    /** Blocks to wait for, a transaction's own included. Default: 1 on development chains, 2 elsewhere. */
    readonly confirmations?: number;
    /** Unmined for so long, a transaction is sent again with higher fees. Default: 30. */
    readonly stuckAfterSeconds?: number;
    /** Nothing mined for so long, a run stops and can be resumed. Default: 1800. */
    readonly giveUpAfterSeconds?: number;
    /** Default: 0.25 on development chains, 2 elsewhere. */
    readonly pollSeconds?: number;
  };
  /** Safe's contracts on a chain that Safe doesn't list. */
  readonly safeContracts?: {
    readonly multiSend?: string;
    /** Its code must be Safe's own. */
    readonly multiSendCallOnly?: string;
  };
  /** Keeps what `dr:safe:presign` prepares encrypted, with age. */
  readonly goBag?: {
    /** Public keys, `age1…`: of everyone who may open it. */
    readonly recipients: readonly string[];
    /** Private keys as `age-keygen` writes them, mode 600: to sign, check and execute here. */
    readonly identityFile?: string;
  };
  /** The Safe Transaction Service, for `dr:safe:sign --service`; nothing else asks it. */
  readonly safeService?: {
    /** Default: Safe's own, which wants a key. */
    readonly url?: string;
    /** `configVariable("SAFE_API_KEY")`. */
    readonly apiKey?: SensitiveString;
  };
  /** Checks of your own after a rollback or an upgrade, by contract name. */
  readonly verify?: Readonly<Record<string, VerifyCheck>>;
}

/** The section with its defaults; paths are absolute. */
export interface DrConfig {
  readonly project: string;
  readonly paths: { readonly deployments: string; readonly incidents: string };
  readonly rpcQuorum: {
    /** Of every network that others can reach too. */
    readonly every: readonly ResolvedConfigurationVariable[];
    readonly byNetwork: Readonly<
      Record<string, readonly ResolvedConfigurationVariable[]>
    >;
  };
  readonly transactions: {
    readonly confirmations?: number;
    readonly stuckAfterSeconds: number;
    readonly giveUpAfterSeconds: number;
    readonly pollSeconds?: number;
  };
  readonly safeContracts: {
    readonly multiSend?: Address;
    readonly multiSendCallOnly?: Address;
  };
  /** Absent unless the user has set it up. */
  readonly goBag?: {
    readonly recipients: readonly string[];
    readonly identityFile?: string;
  };
  /** Absent unless the user has set it up. */
  readonly safeService?: {
    readonly url?: string;
    /** Read only when it is needed. */
    readonly apiKey?: { get(): Promise<string> };
  };
  readonly verify: Readonly<Record<string, VerifyCheck>>;
}
