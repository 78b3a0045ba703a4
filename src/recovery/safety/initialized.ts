import type { BlockReader } from "../../chain/block-reader.js";
import type { Address, Hex } from "../../core/hex.js";
import { readPresentValue } from "./present-value.js";
import { slotOf, type Variable } from "./variables.js";

/** How far a proxy's initializers have run, which no rollback takes back. */
export interface InitializedVersion {
  readonly current: bigint;
  readonly slot: Hex;
}

/** `erc7201:openzeppelin.storage.Initializable`, where `_initialized` comes first. */
const INITIALIZABLE_V5: Hex =
  "0xf0c57e16840df040f15088dc2f81fe391c3923bec73e23a9662efc9c229c6a00";

/**
 * Reads `_initialized` where an implementation keeps it: wherever its layout
 * says, which for OpenZeppelin v4 is slot 0.
 *
 * @returns undefined when it keeps none.
 */
export async function readInitialized(
  reader: BlockReader,
  proxy: Address,
  variables: readonly Variable[],
): Promise<InitializedVersion | undefined> {
  const variable = variables.find(({ label }) => label === "_initialized");
  return variable === undefined
    ? undefined
    : {
        current: BigInt(await readPresentValue(reader, proxy, variable)),
        slot: slotOf(variable),
      };
}

/** The same for an implementation whose layout isn't known; only v5's slot tells. */
export async function readInitializedV5(
  reader: BlockReader,
  proxy: Address,
): Promise<InitializedVersion | undefined> {
  const word = await reader.storage(proxy, INITIALIZABLE_V5);
  const current = BigInt(word) & 0xffff_ffff_ffff_ffffn;
  return current === 0n ? undefined : { current, slot: INITIALIZABLE_V5 };
}
