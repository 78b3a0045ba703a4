import type { Json } from "../core/canonical-json.js";
import type {
  PendingProposal,
  PendingProposals,
} from "../recovery/safe/pending.js";
import { errorToJson } from "./error.js";
import { listCalls } from "./safe.js";
import { count, indent, type Paint } from "./text.js";

/** Safes' transactions that are proposed, each with what is still to do; nothing when there are none. */
export function formatPending(
  { proposals, unread }: PendingProposals,
  paint: Paint,
): readonly string[] {
  return [
    ...(proposals.length === 0
      ? []
      : [
          paint("bold", "Transactions proposed to Safes"),
          ...proposals.map((one) => indent(formatProposal(one, paint), 2)),
        ]),
    ...[...Map.groupBy(unread, ({ error }) => error.code).values()].map(
      (alike) =>
        paint(
          "yellow",
          `${count(alike.length, "proposal")} can't be read here: ${alike[0]?.error.message ?? ""}`,
        ),
    ),
  ];
}

function formatProposal(proposal: PendingProposal, paint: Paint): string {
  const { safe, safeTxHash, nonce, ahead, calls } = proposal;
  const { approvals, threshold, missing } = proposal;
  const isSigned = approvals >= threshold;
  const turn =
    ahead === 0n
      ? "the next"
      : `after ${count(Number(ahead), "other transaction")}`;
  const signed = `${String(approvals)} of ${String(threshold)} signed`;
  const details = [
    `with      Safe ${safe}, nonce ${String(nonce)}: ${turn}`,
    `does      ${listCalls(calls)}`,
    isSigned
      ? `execute   npx hardhat dr:safe:execute ${safeTxHash}`
      : `missing   ${String(threshold - approvals)} of ${missing.join(", ")}`,
  ];
  const style = isSigned && ahead === 0n ? "green" : "yellow";
  return `${paint(style, signed)}  ${safeTxHash}\n${indent(details.join("\n"), 2)}`;
}

/** For `--json`. */
export function pendingToJson({
  proposals,
  unread,
}: PendingProposals): Readonly<Record<string, Json>> {
  return {
    safeTransactions: proposals.map(
      ({ nonce, ahead, missing, calls, ...rest }) => ({
        ...rest,
        nonce: String(nonce),
        ahead: String(ahead),
        missing: [...missing],
        calls: calls.map(({ to, name, method, selector }) => ({
          to,
          name: name ?? null,
          method: method ?? selector,
        })),
      }),
    ),
    ...(unread.length === 0
      ? {}
      : {
          safeTransactionsUnread: unread.map(({ path, error }) => ({
            path,
            error: errorToJson(error),
          })),
        }),
  };
}
