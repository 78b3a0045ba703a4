import type {
  Moment,
  RehearsalReport,
  SlotReport,
  StepReport,
} from "../rehearsal/report.js";
import { formatEther } from "./ether.js";
import { count, formatDuration, type Paint } from "./text.js";

const VERDICTS = {
  clean: { style: "green", words: "it went through, nothing unexpected" },
  attention: { style: "yellow", words: "it went through, but see below" },
  failed: { style: "red", words: "it didn't go through" },
} as const;

/** A rehearsal on one screen; the files, if it was written, hold the rest. */
export function formatRehearsal(
  report: RehearsalReport,
  files: { readonly json: string; readonly markdown: string } | undefined,
  paint: Paint,
): string {
  const { style, words } = VERDICTS[report.verdict];
  const lines = [
    paint("bold", `Rehearsal: ${describe(report)}`),
    ...report.steps.map((step) => `  ${formatStep(step)}`),
    ...formatTimes(report).map((line) => `  ${line}`),
    `  gas            ${report.gasUsed}`,
    `  changed        ${describeExtent(report)}`,
    ...report.storage.map((slot) => `    ${formatSlot(slot, paint)}`),
    `${paint(style, report.verdict)}: ${words}`,
    ...report.findings.map((finding) => `  ${paint("yellow", "!")} ${finding}`),
    ...(files === undefined
      ? []
      : [paint("dim", `${files.markdown}\n${files.json}`)]),
  ];
  return `${lines.join("\n")}\n`;
}

function describe({
  procedure,
  network,
  chainId,
  fork,
}: RehearsalReport): string {
  return `${procedure} on a fork of ${network} (chainId ${String(chainId)}) at block ${String(fork.block)}`;
}

const STEP_MARKS: Readonly<Record<StepReport["status"], string>> = {
  done: "✔",
  already: "✔",
  failed: "✘",
  "not-reached": "·",
};

function formatStep(step: StepReport): string {
  const { status, title, seconds, waitsSeconds, gasUsed, transactions } = step;
  const state = status === "already" ? " (already so)" : "";
  const gas =
    transactions.length === 0
      ? ""
      : `, ${String(transactions.length)} tx, ${gasUsed} gas`;
  const waits =
    waitsSeconds === 0
      ? ""
      : `, ${formatDuration(waitsSeconds * 1000)} on the real chain`;
  return `${STEP_MARKS[status]} ${title}${state}: ${formatDuration(seconds * 1000)}${waits}${gas}`;
}

function formatTimes({ time }: RehearsalReport): string[] {
  const line = (label: string, moment: Moment | null): string[] =>
    moment === null ? [] : [`${label}${formatMoment(moment, time)}`];
  return [
    ...line("paused after   ", time.paused),
    ...line("recovered after ", time.recovered),
  ];
}

function formatMoment(
  { seconds, blocks, waitsSeconds, onChainSeconds }: Moment,
  { blockSeconds }: RehearsalReport["time"],
): string {
  const delay =
    waitsSeconds === 0
      ? ""
      : ` and a delay of ${formatDuration(waitsSeconds * 1000)}`;
  return `${formatDuration(seconds * 1000)} here; ${formatDuration(onChainSeconds * 1000)} with ${count(blocks, "block")} of ${blockSeconds.toFixed(1)} s${delay}`;
}

function describeExtent({ storage }: RehearsalReport): string {
  const accounts = new Set(storage.map(({ account }) => account)).size;
  return `${count(storage.length, "storage slot")} of ${count(accounts, "account")}`;
}

/** What changed, a line a slot, without colours. */
export function summarizeChanges({ storage }: RehearsalReport): string[] {
  return storage.map((slot) => formatSlot(slot, (_, text) => text));
}

function formatSlot(slot: SlotReport, paint: Paint): string {
  const { account, name, slot: place, label, expected, restored } = slot;
  const text = `${name ?? account}: ${label ?? place}  ${shorten(slot.before)} → ${shorten(slot.after)}${restored ? " (and back)" : ""}`;
  return expected ? text : `${paint("red", "unexpected")} ${text}`;
}

/** A word without its leading zeros. */
function shorten(word: string): string {
  return word.replace(/^0x0+(?=.)/, "0x");
}

/** The whole report as a document. */
export function formatRehearsalMarkdown(report: RehearsalReport): string {
  const { fork, plan, verdict, findings, steps, accounts } = report;
  const { storage, balances, nonces, code } = report;
  return [
    `# Rehearsal: ${describe(report)}`,
    "",
    `**${verdict}**: ${VERDICTS[verdict].words}.`,
    "",
    ...findings.map((finding) => `- ${finding}`),
    ...(findings.length === 0 ? [] : [""]),
    `- Started: ${report.startedAt}`,
    `- Forked block: ${String(fork.block)} \`${fork.hash}\`, ${fork.timestamp}`,
    `- Contracts: ${report.contracts.map(({ name, proxy }) => `${name} \`${proxy}\``).join(", ") || "none"}`,
    `- Plan: \`${plan.digest}\``,
    ...formatTimes(report).map(
      (line) => `- ${line.replace(/ {2,}/, " ").replace(/^./, upper)}`,
    ),
    `- Gas: ${report.gasUsed}`,
    "",
    ...plan.notes.map((note) => `> ${note}`),
    "",
    ...section(
      "Steps",
      ["step", "status", "time", "transactions", "gas"],
      steps.map((step) => [
        step.title,
        step.status,
        formatDuration((step.seconds + step.waitsSeconds) * 1000),
        step.transactions
          .map(
            ({ contract, status, gasUsed }) =>
              `${contract} ${gasUsed}${status === "reverted" ? " reverted" : ""}`,
          )
          .join("<br>"),
        step.gasUsed,
      ]),
    ),
    ...section(
      "Storage",
      ["", "account", "slot", "before", "after"],
      storage.map((one) => [
        flag(one.expected),
        named(one),
        `${one.label ?? "unknown"}<br>\`${one.slot}\``,
        `\`${shorten(one.before)}\``,
        `\`${shorten(one.after)}\`${one.restored ? " (changed on the way)" : ""}`,
      ]),
    ),
    ...section(
      "Balances",
      ["", "account", "change"],
      balances.map((one) => [
        flag(one.expected),
        named(one),
        formatEther(one.change),
      ]),
    ),
    ...section(
      "Nonces",
      ["", "account", "change"],
      nonces.map((one) => [flag(one.expected), named(one), String(one.change)]),
    ),
    ...section(
      "Code",
      ["", "account", "change", "code hash"],
      code.map((one) => [
        flag(one.expected),
        named(one),
        one.change,
        one.codeHash ?? "",
      ]),
    ),
    ...section(
      "Who acted",
      ["account", "key", "has", "spent"],
      accounts.map(({ address, held, balance, spent }) => [
        `\`${address}\``,
        held ? "on this machine" : "elsewhere, impersonated",
        formatEther(balance),
        formatEther(spent),
      ]),
    ),
  ].join("\n");
}

function upper(letter: string): string {
  return letter.toUpperCase();
}

function flag(expected: boolean): string {
  return expected ? "" : "**unexpected**";
}

function named({
  account,
  name,
}: {
  readonly account: string;
  readonly name: string | null;
}): string {
  return name === null ? `\`${account}\`` : `${name}<br>\`${account}\``;
}

/** A heading and a table; nothing when the table is empty. */
function section(
  heading: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return rows.length === 0
    ? []
    : [
        `## ${heading}`,
        "",
        line(head),
        line(head.map(() => "---")),
        ...rows.map(line),
        "",
      ];
}
