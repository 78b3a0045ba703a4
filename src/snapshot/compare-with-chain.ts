import type { BlockRef } from "../chain/block-reader.js";
import type { Rpc } from "../chain/rpc.js";
import { compareContracts, type Change } from "./compare.js";
import type { OpenedSnapshot } from "./open-snapshot.js";
import { readChainState, type ChosenViews } from "./read-state.js";
import type { Snapshot } from "./snapshot.js";

/** How the chain's contracts differ now from a snapshot's. */
export interface Comparison {
  readonly block: BlockRef;
  readonly changes: readonly Change[];
}

/**
 * Reads the snapshot's contracts once more, as they were read for it.
 *
 * @throws {DrError} WRONG_CHAIN, CHAIN_REORGANISED, the RPC's errors.
 */
export async function compareWithChain(
  { name, snapshot, deployFile }: OpenedSnapshot,
  rpc: Rpc,
): Promise<Comparison> {
  const { contracts } = snapshot;
  const now = await readChainState(rpc, deployFile, viewsIn(contracts), name);
  return {
    block: now.reader.block,
    changes: compareContracts(contracts, now.contracts),
  };
}

/** Those that were chosen back then. */
function viewsIn(contracts: Snapshot["contracts"]): ChosenViews {
  return Object.fromEntries(
    Object.entries(contracts).map(([name, contract]) => [
      name,
      contract.kind === "missing" ? [] : Object.keys(contract.views),
    ]),
  );
}
