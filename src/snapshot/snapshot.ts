import type { Extent } from "../artifact/manifest.js";
import type { CodeMatch } from "../implementation/bytecode.js";
import type { Json } from "../core/canonical-json.js";
import type { Address, Hex } from "../core/hex.js";
import type { ProxyKind } from "../core/proxy-kind.js";

/**
 * Everything about a network's contracts at one block: what `snapshot.json`
 * holds, the first file of the archive. Null is what there isn't.
 */
export interface Snapshot {
  readonly network: string;
  readonly chainId: number;
  readonly block: SnapshotBlock;
  /** By their names in deploy.json. */
  readonly contracts: Readonly<Record<string, ContractState>>;
  /** All code that is in the archive, by address: `code/<address>.hex`. */
  readonly code: Readonly<Record<Address, DeployedCode>>;
  /** All other files of the archive, by path. */
  readonly files: Readonly<Record<string, Extent>>;
}

export interface SnapshotBlock {
  readonly number: number;
  readonly hash: Hex;
  /** Unix seconds. */
  readonly timestamp: number;
}

/** A contract as the chain has it. */
export type ContractState = MissingContractState | PresentContractState;

/** deploy.json names an address where the chain has no code. */
export interface MissingContractState {
  readonly kind: "missing";
  readonly proxy: Address;
}

export interface PresentContractState {
  readonly kind: ProxyKind;
  readonly proxy: Address;
  readonly proxyCodeHash: Hex | null;
  readonly implementation: Address;
  readonly codeHash: Hex | null;
  readonly admin: Address | null;
  readonly adminCodeHash: Hex | null;
  readonly beacon: Address | null;
  readonly beaconCodeHash: Hex | null;
  /** The words in the proxy's slots, by what their number is the hash of. */
  readonly slots: Readonly<Record<string, Hex>>;
  /** Code hashes of all implementations that deploy.json names. */
  readonly implementations: Readonly<Record<Address, Hex | null>>;
  readonly version: string | null;
  /** Null when it can't be paused. */
  readonly paused: boolean | null;
  readonly owner: Address | null;
  readonly pendingOwner: Address | null;
  /** Who holds which role; null when the node's logs don't tell. */
  readonly roles: readonly RoleState[] | null;
  /** As `dr:status --json` has them. */
  readonly pauseAuthority: Json;
  readonly upgradeAuthority: Json;
  /** By signature. */
  readonly views: Readonly<Record<string, ViewAnswer>>;
}

export interface RoleState {
  readonly role: Hex;
  readonly name: string | null;
  readonly members: readonly Address[];
}

/** What a view function of the user's choice said. */
export type ViewAnswer =
  | { readonly status: "answered"; readonly value: Json }
  | { readonly status: "reverts" }
  /** Something that isn't of the signature's types. */
  | { readonly status: "other"; readonly data: Hex };

export interface DeployedCode {
  readonly codeHash: Hex;
  readonly source: CodeSource;
  /** The storage layout in the archive; null where none is known. */
  readonly layout: string | null;
}

/** Where code comes from; files are paths in the archive. */
export type CodeSource =
  | {
      readonly status: "known";
      /** Fully qualified. */
      readonly contract: string;
      /** ABI, creation and deployed bytecode. */
      readonly artifact: string;
      readonly match: Exclude<CodeMatch, "none">;
      /** The compiler's version and its input, sources included. */
      readonly buildInfo: string | null;
      readonly metadata: string | null;
    }
  | {
      readonly status: "unknown";
      /** A whole sentence. */
      readonly reason: string;
    };

export const SNAPSHOT_FILE = "snapshot.json";

/** Where in the archive the code of an address is: hexadecimal, with 0x. */
export function codePath(address: Address): string {
  return `code/${address}.hex`;
}

export function deployFilePath(network: string): string {
  return `deployments/${network}/deploy.json`;
}

export function layoutsPath(network: string): string {
  return `deployments/${network}/layouts`;
}

/** OpenZeppelin's folder, in a project as in the archive. */
export const OPENZEPPELIN = ".openzeppelin";

/** Hardhat's artifacts, as they are in a project's folder for them. */
export const ARTIFACTS = "artifacts";

/** Relative, its parts separated by `/`, and without a way out of its folder. */
export function isCleanPath(path: string): boolean {
  return path
    .split("/")
    .every((part) => !["", ".", ".."].includes(part) && !/[\\\0]/.test(part));
}
