import type { BlockReader } from "../chain/block-reader.js";
import type { Address } from "../core/hex.js";
import type { ProxyKind } from "../core/proxy-kind.js";

/** As much of a proxy's state as its history needs. */
export interface Upgradable {
  readonly address: Address;
  readonly kind: ProxyKind;
  readonly implementation: Address;
  readonly beacon?: Address;
  /** The one that logs for it, where it is a factory's proxy. */
  readonly factory?: Address;
}

/** What is asked about contracts, whoever knows how. */
export interface HistoryPorts {
  /** @returns undefined when no code is there at the reader's block. */
  inspect(
    reader: BlockReader,
    address: Address,
  ): Promise<Pick<Upgradable, "kind" | "implementation"> | undefined>;
  readVersion(
    reader: BlockReader,
    address: Address,
  ): Promise<string | undefined>;
}
