import type { Address } from "../../core/hex.js";
import type { ProposedContract } from "../../safe/proposal.js";
import type { Facts } from "../facts.js";

/** What whoever signs or executes a Safe's transaction relies on. */
export function factsOfProposal({
  safe,
  contracts,
}: {
  readonly safe: Address;
  readonly contracts: readonly ProposedContract[];
}): Facts {
  return {
    safes: [safe],
    proxies: contracts.map(({ name, proxy, implementation, target }) => {
      const implementations = [implementation, target].filter(
        (one) => one !== undefined,
      );
      return {
        name,
        proxy,
        ...(implementations.length === 0 ? {} : { implementations }),
      };
    }),
    codes: contracts.flatMap(({ target, targetCodeHash }) =>
      target === undefined || targetCodeHash === undefined
        ? []
        : [{ address: target, hash: targetCodeHash }],
    ),
  };
}
