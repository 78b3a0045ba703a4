import type { Json } from "../core/canonical-json.js";
import type { Snapshot } from "./snapshot.js";

/** What the manifest says of a snapshot. */
export function describeSnapshot({
  network,
  chainId,
  block,
  contracts,
}: Snapshot): { readonly contents: Json; readonly recoveryPoint: Json } {
  const entries = Object.entries(contracts).map(([name, contract]) => [
    name,
    contract.kind === "missing"
      ? { kind: contract.kind, proxy: contract.proxy }
      : {
          kind: contract.kind,
          proxy: contract.proxy,
          implementation: contract.implementation,
          codeHash: contract.codeHash,
        },
  ]) as [string, Json][];
  return {
    contents: { network, chainId, contracts: Object.fromEntries(entries) },
    recoveryPoint: { chainId, block: block.number, hash: block.hash },
  };
}
