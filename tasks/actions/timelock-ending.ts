import type { Hex } from "../../src/core/hex.js";
import { minedTransactions } from "../../src/route/direct/mined.js";
import type { PreparedEnding } from "../../src/session/timelock-procedure.js";
import { parseAddress, parseWord } from "./session.js";
import type { OperationChange } from "./timelock-change.js";

/** Which operation is meant. @throws {DrError} OPTION_INVALID. */
export function parseOperation({
  id,
  timelock,
}: {
  readonly id: string;
  readonly timelock?: string | undefined;
}): { readonly id: Hex; readonly timelock?: Hex } {
  return {
    id: parseWord("ID", id),
    ...(timelock === undefined
      ? {}
      : { timelock: parseAddress("--timelock", timelock) }),
  };
}

/** @param deed - `executed` or `cancelled`. */
export function describeEnding(
  id: Hex,
  deed: string,
  {
    plan,
    resolution,
  }: PreparedEnding<
    | { readonly status: "ready" }
    | { readonly status: "done"; readonly tx: Hex | undefined }
  >,
): OperationChange {
  return {
    plan,
    facts: { id, already: plan === undefined },
    tell: (conducted) => {
      const [own] = minedTransactions(conducted?.records ?? []);
      const tx = resolution.status === "done" ? resolution.tx : own?.hash;
      const already = conducted === undefined ? " already" : "";
      const by = tx === undefined ? "" : `, by ${tx}`;
      return Promise.resolve({
        text: `${id} is ${deed}${already}${by}\n`,
        json: { tx: tx ?? null },
      });
    },
  };
}
