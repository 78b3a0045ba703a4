import type { Address, Hex } from "../../core/hex.js";

/** Where and for which chain records are looked for. */
export interface Place {
  /** The project's folder. */
  readonly root: string;
  readonly network: string;
  readonly chainId: number;
}

/** What a record says of one contract; the rest is asked of the chain. */
export interface ImportedContract {
  /** Fit for deploy.json and unique among its companions. */
  readonly name: string;
  /** The record has no name: the implementation's is better, once it is known. */
  readonly isNameless?: true;
  readonly address: Address;
  /** Of the implementation: fully qualified or bare. */
  readonly contract?: string;
  /** One the proxy has had; not always the present one. */
  readonly implementation?: Address;
  /** The deployment's. */
  readonly tx?: Hex;
  readonly block?: number;
  /** The file that says so. */
  readonly source: string;
}

/** Which records a tool has left in a project. */
export interface Findings {
  /** Files or folders of this chain's. */
  readonly sources: readonly string[];
  /** Those of other chains. */
  readonly foreign: readonly { readonly path: string; readonly chainId: number }[];
  /** Where it was looked, for people. */
  readonly lookedFor: string;
}

/** The records of one deployment tool. */
export interface Importer {
  readonly tool: Tool;
  find(place: Place): Promise<Findings>;
  /** @throws {DrError} IMPORT_BROKEN, IMPORT_WRONG_CHAIN. */
  read(place: Place): Promise<ImportedContract[]>;
}

export const TOOLS = [
  "openzeppelin",
  "hardhat-deploy",
  "rocketh",
  "ignition",
  "foundry",
] as const;

export type Tool = (typeof TOOLS)[number];
