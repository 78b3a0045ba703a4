import { formatDuration } from "../core/duration.js";
import type {
  ContractMoment,
  IncidentContract,
} from "../incident/contracts.js";
import type { DocumentPart } from "../incident/document.js";
import type { Incident, IncidentStep } from "../incident/incident.js";
import type { TimelineEvent } from "../incident/timeline.js";
import { code, markdown, table } from "./markdown.js";

/** Calldata up to this length stands there whole; a contract's code would fill the page. */
const LONGEST_DATA = 300;

/** The post-mortem of a run: what is known is filled in, what only people know is asked for. */
export function formatIncident(incident: Incident): readonly DocumentPart[] {
  const { id, title } = incident;
  return [
    free(
      `# Incident Report: ${markdown(id)}`,
      `**${markdown(title)}**`,
      "## Summary",
    ),
    generated("summary", formatSummary(incident)),
    free(
      [
        "- **Severity**: Critical / High / Medium / Low _(keep one)_",
        "- **Impact**: _who and what was affected, how long, what was lost or at risk_",
      ].join("\n"),
      "## Timeline",
      "All times are UTC.",
      "### Detection",
      "_When was the first sign, what was it, who noticed it and how? When did the damage begin?_",
      "### Response",
    ),
    generated("response", formatTimeline(incident)),
    free("### Resolution"),
    generated("resolution", formatStanding(incident)),
    free(
      "## Root Cause",
      "_What failed, and why could it? Which change brought it in, who reviewed it, and which test or alert should have caught it?_",
      "## Resolution",
    ),
    generated("steps", formatResolution(incident)),
    free(
      "_What else was done, outside of this run?_",
      "## Prevention",
      "_What makes this impossible, or harmless, or noticed sooner the next time?_",
      "## Action Items",
      [
        "- [ ] _Monitoring: an alert that would have told us sooner_ (who, until when)",
        "- [ ] _Documentation: what the runbook didn't say_ (who, until when)",
        "- [ ] _Tests: one that fails on the root cause_ (who, until when)",
      ].join("\n"),
    ),
  ];
}

function free(...paragraphs: readonly string[]): DocumentPart {
  return { kind: "free", text: paragraphs.join("\n\n") };
}

function generated(name: string, text: string): DocumentPart {
  return { kind: "generated", name, text };
}

function formatSummary(incident: Incident): string {
  const { id, run, network, chainId, procedure, contracts, by } = incident;
  const { startedAt, endedAt, digest, toolVersion } = incident;
  return table(
    ["", ""],
    [
      ["Incident", code(id)],
      ["Date/Time", formatTime(startedAt)],
      [
        "Duration",
        `${durationOf(startedAt, endedAt)}, from the approval to the last entry`,
      ],
      ["Network", `${markdown(network)} (chainId ${String(chainId)})`],
      ["Procedure", `${markdown(procedure)}, ${describeStatus(incident)}`],
      [
        "Contracts",
        contracts
          .map(({ name, proxy }) => `${markdown(name)} ${code(proxy)}`)
          .join("<br>"),
      ],
      ["Who ran it", by.map(markdown).join(", ") || "not recorded"],
      ["Run", `${code(run)}, hardhat-dr ${markdown(toolVersion)}`],
      ["Plan", code(digest)],
    ],
  );
}

function describeStatus({ status }: Incident): string {
  switch (status) {
    case "done":
      return "complete and verified";
    case "waiting":
      return "waiting";
    case "unfinished":
      return "not finished";
  }
}

function formatTimeline({ timeline }: Incident): string {
  return table(
    ["time", "what"],
    timeline.map((event) => [formatTime(event.at), formatEvent(event)]),
  );
}

function formatEvent(event: TimelineEvent): string {
  switch (event.type) {
    case "approved":
      return `Plan approved${byWhom(event.by)}: ${markdown(event.procedure)}, ${String(event.steps)} steps, digest ${code(event.digest)}`;
    case "resumed":
      return `Resumed${byWhom(event.by)}`;
    case "started":
      return `Started: ${markdown(event.step)}`;
    case "sending":
      return `Sending for ${markdown(event.subject)} from ${code(event.from)}, nonce ${String(event.nonce)}`;
    case "mined": {
      const { subject, hash, block, from, gasUsed, status } = event.transaction;
      const outcome = status === "success" ? "Mined" : "**Reverted**";
      const sender = from === undefined ? "" : ` from ${code(from)}`;
      return `${outcome} for ${markdown(subject)}: ${code(hash)} in block ${markdown(block)}${sender}, ${markdown(gasUsed)} gas`;
    }
    case "signed": {
      const { signer, kind, safe, safeTxHash } = event.signature;
      return `Signed by ${code(signer)} (${markdown(kind)}) for the Safe ${code(safe)}: ${code(safeTxHash)}`;
    }
    case "done":
      return `Done and verified: ${markdown(event.step)}`;
    case "already":
      return `Found done already: ${markdown(event.step)}`;
    case "failed":
      return `**Failed**: ${markdown(event.step)}. ${markdown(event.reason)}`;
    case "waiting":
      return `Waiting: ${markdown(event.reason)}`;
    case "complete":
      return "Complete: every step is verified";
  }
}

function byWhom(by: string | undefined): string {
  return by === undefined ? "" : ` by ${markdown(by)}`;
}

function formatStanding({
  status,
  startedAt,
  endedAt,
  note,
}: Incident): string {
  const after = durationOf(startedAt, endedAt);
  switch (status) {
    case "done":
      return `Resolved on the chain at ${formatTime(endedAt)}, ${after} after the approval.`;
    case "waiting":
      return `**Not resolved yet.** Waiting since ${formatTime(endedAt)}: ${markdown(note)}`;
    case "unfinished":
      return `**Not resolved yet.** Stopped at ${formatTime(endedAt)}, ${after} after the approval. ${markdown(note)}`;
  }
}

function formatResolution(incident: Incident): string {
  const { steps, contracts, calls, transactions, signatures } = incident;
  return [
    "### Steps",
    steps.map(formatStep).join("\n"),
    ...section(
      "Before and after",
      ["contract", "", "before", "after"],
      contracts.flatMap(formatContract),
    ),
    ...section(
      "Calls",
      ["call", "to", "value (wei)", "data"],
      calls.map(({ label, to, value, data }) => [
        markdown(label),
        code(to),
        markdown(value),
        formatData(data),
      ]),
    ),
    ...section(
      "Transactions",
      ["transaction", "for", "block", "from", "gas", "status"],
      transactions.map(({ hash, subject, block, from, gasUsed, status }) => [
        code(hash),
        markdown(subject),
        markdown(block),
        from === undefined ? "" : code(from),
        markdown(gasUsed),
        status,
      ]),
    ),
    ...section(
      "Signers",
      ["signer", "how", "at", "Safe", "safeTxHash"],
      signatures.map(({ signer, kind, at, safe, safeTxHash }) => [
        code(signer),
        markdown(kind),
        formatTime(at),
        code(safe),
        code(safeTxHash),
      ]),
    ),
  ].join("\n\n");
}

const STEP_STATES: Readonly<Record<IncidentStep["status"], string>> = {
  done: "done",
  already: "was so already",
  failed: "**failed**",
  waiting: "waiting",
  "not-reached": "not reached",
};

function formatStep(
  { title, status, at }: IncidentStep,
  index: number,
): string {
  const when = at === undefined ? "" : ` at ${formatTime(at)}`;
  return `${String(index + 1)}. ${markdown(title)}: ${STEP_STATES[status]}${when}`;
}

/** A row for each thing that is known of it. */
function formatContract({
  name,
  before,
  after,
}: IncidentContract): readonly (readonly string[])[] {
  const rows: readonly [string, (moment: ContractMoment) => string][] = [
    ["implementation", ({ implementation }) => shown(implementation, code)],
    ["version()", ({ version }) => shown(version, markdown)],
    ["code hash", ({ codeHash }) => shown(codeHash, code)],
    ["paused", ({ paused }) => shown(paused, (is) => (is ? "yes" : "no"))],
  ];
  return rows
    .map(([what, read]) => [markdown(name), what, read(before), read(after)])
    .filter(([, , was, is]) => was !== UNKNOWN || is !== UNKNOWN);
}

const UNKNOWN = "not known";

function shown<T>(value: T | undefined, format: (value: T) => string): string {
  return value === undefined ? UNKNOWN : format(value);
}

function formatData(data: string): string {
  if (data.length <= LONGEST_DATA) {
    return code(data);
  }
  const bytes = String(data.length / 2 - 1);
  return `${code(data.slice(0, 74))}… (${bytes} bytes; all of it is in the journal)`;
}

/** A heading and a table; nothing when the table is empty. */
function section(
  heading: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  return rows.length === 0 ? [] : [`### ${heading}`, table(head, rows)];
}

function durationOf(from: string, to: string): string {
  const milliseconds = Date.parse(to) - Date.parse(from);
  return formatDuration(BigInt(Math.round(milliseconds / 1000)));
}

/** `2026-11-20 03:15:00 UTC` */
function formatTime(iso: string): string {
  const time = new Date(iso).toISOString();
  return `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`;
}
