import type { Json } from "../core/canonical-json.js";
import type { ProposalView } from "../recovery/safe/proposal-view.js";
import type { Readiness } from "../recovery/safe/readiness.js";
import type { Danger } from "../safe/danger.js";
import type { DescribedCall } from "../safe/describe.js";
import type { NonceStanding } from "../safe/executions.js";
import type { SignatureCheck } from "../safe/signature.js";
import { count, indent, type Paint } from "./text.js";

/** What each danger means; the safe layer knows. */
export type DangerWords = Readonly<Record<Danger["id"], string>>;

/** All that a signer must see before signing. */
export function formatProposal(
  view: ProposalView,
  words: DangerWords,
  paint: Paint,
): string {
  const { network, proposal, state, reader } = view;
  const { block } = reader;
  const sections = [
    paint(
      "bold",
      `Transaction of a Safe on ${network} (chainId ${String(proposal.chainId)}) at block ${String(block.number)}`,
    ),
    table([
      ["Safe", `${state.address}, version ${state.version}`],
      [
        "threshold",
        `${String(state.threshold)} of ${String(state.owners.length)} owners`,
      ],
      ...signatureRows(view.check, paint),
      ["nonce", formatStanding(view, paint)],
      ...(state.guard === undefined ? [] : [["guard", state.guard] as const]),
      ...(state.modules.length === 0
        ? []
        : [["modules", state.modules.join(", ")] as const]),
    ]),
    formatCalls(view, paint),
    ...formatDangers(view, words, paint),
    ...formatMoved(view, paint),
    formatSimulation(view, paint),
    formatHashes(view, paint),
  ];
  return `${sections.join("\n\n")}\n`;
}

type Row = readonly [name: string, text: string];

function table(rows: readonly Row[]): string {
  return rows.map(([name, text]) => `  ${name.padEnd(14)}${text}`).join("\n");
}

function signatureRows(check: SignatureCheck, paint: Paint): readonly Row[] {
  const { valid, approved, partial, invalid, missing } = check;
  const signed = [
    ...valid.map(({ signer, kind }) => `${signer} (${kind})`),
    ...approved.map((owner) => `${owner} (approved on the chain)`),
  ];
  return [
    ["signed", `${String(signed.length)}${listed(signed)}`],
    ["missing", missing.join(", ") || "nobody"],
    ...partial.map(({ signer, check: inner }): Row => [
      "in part",
      `${signer}, a Safe: ${String(inner.valid.length + inner.approved.length)} of ${String(inner.threshold)}; missing ${inner.missing.join(", ")}`,
    ]),
    ...invalid.map(({ reason }): Row => [
      paint("red", "worthless".padEnd(14)),
      reason,
    ]),
  ];
}

function listed(items: readonly string[]): string {
  return items.length === 0 ? "" : `: ${items.join(", ")}`;
}

function formatStanding(
  { proposal, standing }: ProposalView,
  paint: Paint,
): string {
  const nonce = String(proposal.transaction.nonce);
  switch (standing.status) {
    case "current":
      return `${nonce}, the Safe's next`;
    case "future":
      return paint(
        "yellow",
        `${nonce}; ${String(standing.ahead)} transactions must go before it`,
      );
    case "executed":
      return `${nonce}, executed in ${standing.execution.tx}`;
    case "taken":
      return paint(
        "red",
        `${nonce}, taken by another transaction${standing.by === undefined ? "" : `: ${standing.by.tx}`}`,
      );
  }
}

function formatCalls(
  { calls, review, proposal }: ProposalView,
  paint: Paint,
): string {
  const head = review.goesThroughMultiSend
    ? `Calls, all or none, through MultiSend at ${proposal.transaction.to}`
    : "Call";
  const lines = calls.map((call, index) =>
    indent(formatCall(call, String(index + 1), paint), 2),
  );
  return [paint("bold", head), ...lines].join("\n");
}

function formatCall(call: DescribedCall, number: string, paint: Paint): string {
  const { name, to, value, method, data, selector, delegatecall } = call;
  const what =
    method ??
    (data === "0x"
      ? "no data"
      : paint("yellow", "no ABI fits; raw data below"));
  const worth = value === 0n ? "" : `, with ${String(value)} wei`;
  const how = delegatecall ? paint("red", " by delegatecall") : "";
  return [
    `${number}. ${name === undefined ? "" : `${name}.`}${what}${worth}${how}`,
    paint("dim", `   to ${to}, selector ${selector}, data ${data}`),
    ...(call.carries ?? []).map((inner, index) =>
      indent(formatCall(inner, `${number}.${String(index + 1)}`, paint), 3),
    ),
  ].join("\n");
}

/** `execute` of `execute(0x…, 0x…)`. */
function functionOf(method: string | undefined): string | undefined {
  return method?.split("(")[0];
}

function formatDangers(
  { review }: ProposalView,
  words: DangerWords,
  paint: Paint,
): readonly string[] {
  return review.dangers.length === 0
    ? []
    : [
        review.dangers
          .map(({ id, call }) =>
            paint(
              "red",
              `DANGER ${id}: ${call === undefined ? "it" : `call ${String(call + 1)}`} ${words[id]}`,
            ),
          )
          .join("\n"),
      ];
}

function formatMoved({ moved }: ProposalView, paint: Paint): readonly string[] {
  return moved.length === 0
    ? []
    : [
        moved
          .map(({ name, what, approved, found }) =>
            paint(
              "red",
              `${name}: the ${what} is ${found}; it was ${approved} when this was proposed`,
            ),
          )
          .join("\n"),
      ];
}

function formatSimulation(view: ProposalView, paint: Paint): string {
  const { simulation } = view;
  const head = paint("bold", "Simulation");
  if (simulation === undefined) {
    return `${head}\n  ${paint("yellow", "not simulated")}`;
  }
  const { status, reason, gasUsed, block, changes } = simulation;
  const outcome =
    status === "success"
      ? "succeeds"
      : paint("red", `fails: ${reason ?? "no reason given"}`);
  return [
    head,
    `  ${outcome} on a fork of block ${String(block)}${gasUsed === undefined ? "" : `, ${String(gasUsed)} gas`}`,
    ...changes.map((change) => `  ${change}`),
  ].join("\n");
}

function formatHashes({ witnesses }: ProposalView, paint: Paint): string {
  const { ours, protocolKit, contract } = witnesses;
  const compared = (hash: string) =>
    hash === ours.safeTxHash ? "says the same" : paint("red", `says ${hash}`);
  return [
    paint("bold", "Compare with what your wallet shows"),
    table([
      ["domain hash", ours.domainHash],
      ["message hash", ours.messageHash],
      ["safeTxHash", paint("bold", ours.safeTxHash)],
      ["", `protocol-kit ${compared(protocolKit)}`],
      ["", `the Safe itself ${compared(contract)}`],
    ]),
  ].join("\n");
}

/** For `--json`. */
export function proposalToJson(
  view: ProposalView,
): Readonly<Record<string, Json>> {
  const { proposal, state, check, standing, review, witnesses, moved } = view;
  return {
    safeTxHash: proposal.safeTxHash,
    path: view.path,
    network: view.network,
    chainId: proposal.chainId,
    block: Number(view.reader.block.number),
    safe: state.address,
    version: state.version,
    nonce: proposal.transaction.nonce.toString(),
    standing: standingToJson(standing),
    threshold: state.threshold,
    signatures: checkToJson(check),
    calls: view.calls.map(callToJson),
    dangers: review.dangers.map((danger) => ({ ...danger })),
    moved: moved.map((one) => ({ ...one })),
    simulation:
      view.simulation === undefined
        ? null
        : (view.simulation as unknown as Json),
    hashes: {
      ...witnesses.ours,
      protocolKit: witnesses.protocolKit,
      contract: witnesses.contract,
    },
  };
}

function callToJson(call: DescribedCall): Readonly<Record<string, Json>> {
  const { carries, value, ...rest } = call;
  return {
    ...rest,
    value: value.toString(),
    ...(carries === undefined ? {} : { carries: carries.map(callToJson) }),
  };
}

function checkToJson({
  valid,
  approved,
  partial,
  invalid,
  missing,
}: SignatureCheck): Readonly<Record<string, Json>> {
  return {
    count: valid.length + approved.length,
    valid: valid.map(({ signer, kind }) => ({ signer, kind })),
    approved: [...approved],
    partial: partial.map(({ signer, check }) => ({
      signer,
      threshold: check.threshold,
      ...checkToJson(check),
    })),
    invalid: invalid.map(({ signer, reason, error }) => ({
      signer,
      reason,
      code: error.code,
    })),
    missing: [...missing],
  };
}

function standingToJson(standing: NonceStanding): Json {
  switch (standing.status) {
    case "current":
      return { status: "current" };
    case "future":
      return { status: "future", ahead: standing.ahead.toString() };
    case "executed":
      return { status: "executed", tx: standing.execution.tx };
    case "taken":
      return { status: "taken", by: standing.by?.tx ?? null };
  }
}

/** One line a proposal, for those who ask for all. */
export function formatProposalLine(view: ProposalView, paint: Paint): string {
  const { proposal, check, calls } = view;
  const count = check.valid.length + check.approved.length;
  const state =
    count >= check.threshold ? paint("green", "enough") : "not enough";
  return [
    paint("bold", proposal.safeTxHash),
    `  ${String(count)} of ${String(check.threshold)} signed, ${state}; nonce ${formatStanding(view, paint)}`,
    `  ${listCalls(calls)}`,
    "",
  ].join("\n");
}

export function listCalls(calls: readonly DescribedCall[]): string {
  return calls
    .map(({ name = "?", method, selector, carries }) =>
      carries === undefined
        ? `${name}.${method ?? selector}`
        : `${name}.${functionOf(method) ?? selector}(${listCalls(carries)})`,
    )
    .join(", ");
}

/** Whether a presigned transaction would work now, and why not. */
export function formatReadiness(
  { proposal, calls }: ProposalView,
  readiness: Readiness,
  paint: Paint,
): string {
  const { safe, safeTxHash, transaction } = proposal;
  return [
    `${paint("bold", safeTxHash)}  nonce ${String(transaction.nonce)} of ${safe}`,
    `  ${listCalls(calls)}`,
    ...describeReadiness(readiness, paint).map((line) => `  ${line}`),
    "",
  ].join("\n");
}

function describeReadiness(
  readiness: Readiness,
  paint: Paint,
): readonly string[] {
  switch (readiness.status) {
    case "ready":
      return [paint("green", "would work now")];
    case "future":
      return [
        `${paint("green", "would work")} once ${count(Number(readiness.ahead), "transaction")} of the Safe went before it`,
      ];
    case "unsigned":
      return [
        `${paint("yellow", "not enough signatures")}: ${String(readiness.have)} of ${String(readiness.threshold)}; missing: ${readiness.missing.join(", ")}`,
      ];
    case "used":
      return [`executed already, in ${readiness.tx}`];
    case "stale":
      return [
        paint("red", "stale"),
        ...readiness.reasons.map((reason) => `  ${reason}`),
      ];
  }
}

export function readinessToJson(readiness: Readiness): Json {
  switch (readiness.status) {
    case "future":
      return { status: "future", ahead: readiness.ahead.toString() };
    case "unsigned":
      return { ...readiness, missing: [...readiness.missing] };
    case "stale":
      return { status: "stale", reasons: [...readiness.reasons] };
    case "ready":
    case "used":
      return { ...readiness };
  }
}
