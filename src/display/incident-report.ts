import { ROLE_TITLES } from "../core/contact.js";
import { formatDuration } from "../core/duration.js";
import type {
  IncidentEvent,
  IncidentRecord,
} from "../incident/declared/event.js";
import type { Measured, Measurements } from "../incident/declared/measure.js";
import type {
  RunAccount,
  RunTransaction,
} from "../incident/declared/run-account.js";
import type {
  IncidentReport,
  PostMortemToWrite,
  ReportedRun,
} from "../incident/declared/write-report.js";
import type { DocumentPart } from "../incident/document.js";
import { code, markdown, table } from "./markdown.js";
import { countEntries } from "./text.js";

/** Where a transaction can be looked at, of a chain whose explorer is known. */
export type TransactionUrl = (
  chainId: number,
  hash: string,
) => string | undefined;

/** What nobody knows yet is to be seen. Never alone on a line: there it would be a rule. */
const BLANK = "______";

/** The report of an incident: what was entered is filled in, what only people know is asked for. */
export function formatIncidentReport(
  report: IncidentReport,
  transactionUrl: TransactionUrl,
): readonly DocumentPart[] {
  const { id, title, impact, detection } = report.incident;
  return [
    free(
      `# Incident Report: ${markdown(id)}`,
      `**${markdown(title)}**`,
      "## Summary",
    ),
    generated("summary", formatSummary(report)),
    free(
      `- **Impact**: ${impact === undefined ? `${BLANK} _who and what was affected, how long, what was lost or at risk_` : markdown(impact)}`,
      "## Timeline",
      "All times are UTC.",
      "### Detection",
    ),
    generated("detection", formatDetection(report)),
    free(
      detection === undefined
        ? `${BLANK} _What was the first sign, who noticed it and how? When did the damage begin?_`
        : markdown(detection),
      "### Response",
    ),
    generated("response", formatTimeline(report, transactionUrl)),
    free("### Resolution"),
    generated("resolution", formatEnd(report)),
    free(
      "## Root Cause",
      `${BLANK} _What failed, and why could it? Which change brought it in, who reviewed it, and which test or alert should have caught it?_`,
      "## Resolution",
    ),
    generated("runs", formatRuns(report, transactionUrl)),
    free(
      `${BLANK} _What else was done, outside of these runs?_`,
      "## Prevention",
      `${BLANK} _What makes this impossible, or harmless, or noticed sooner the next time?_`,
      "## Action Items",
      [
        `- [ ] Update monitoring: ${BLANK} _the alert that would have told us sooner_ (who, until when)`,
        `- [ ] Improve documentation: ${BLANK} _what the runbook didn't say_ (who, until when)`,
        `- [ ] Add automated tests: ${BLANK} _one that fails on the root cause_ (who, until when)`,
      ].join("\n"),
    ),
  ];
}

/** The post-mortem of an incident: what it goes through, and who writes what. */
export function formatPostMortem({
  incident,
  agendaHeading,
  agenda,
}: PostMortemToWrite): readonly DocumentPart[] {
  const { id, title, closed } = incident;
  return [
    free(`# Post-Mortem: ${markdown(id)}`, `**${markdown(title)}**`),
    generated(
      "due",
      table(
        ["", ""],
        [
          ["Incident", `[${markdown(id)}](report.md)`],
          ["Closed", closed === undefined ? BLANK : formatTime(closed.at)],
          [
            "Due",
            closed === undefined ? BLANK : formatTime(closed.postMortemDueAt),
          ],
        ],
      ),
    ),
    free(
      [`- **Held**: ${BLANK} _when_`, `- **Present**: ${BLANK} _who_`].join(
        "\n",
      ),
      `## ${agendaHeading}`,
      "It is done when each of these has its tick.",
      agenda.map((point) => `- [ ] ${point}`).join("\n"),
      "## Root Cause",
      `${BLANK} _Ask why until the answer is something that can be changed._`,
      "## Lessons Learned",
      [
        `- What went well: ${BLANK}`,
        `- What went badly: ${BLANK}`,
        `- Where we were lucky: ${BLANK}`,
      ].join("\n"),
      "## Action Items",
      `- [ ] ${BLANK} (who, until when)`,
      "## Runbooks to Update",
      `- [ ] ${BLANK} (who, until when)`,
    ),
  ];
}

function free(...paragraphs: readonly string[]): DocumentPart {
  return { kind: "free", text: paragraphs.join("\n\n") };
}

function generated(name: string, text: string): DocumentPart {
  return { kind: "generated", name, text };
}

function formatSummary({ incident, measured }: IncidentReport): string {
  const { severity, source, openedAt, openedBy, records, head } = incident;
  return table(
    ["", ""],
    [
      ["Date/Time", formatTime(measured.begin)],
      ["Duration", formatMeasured(measured.closed, measured, "not closed yet")],
      ["Severity", capitalized(severity)],
      ["Where", markdown(source)],
      ["Opened", `${formatTime(openedAt)} by ${markdown(openedBy)}`],
      [
        "Time to acknowledge",
        formatMeasured(
          measured.acknowledged,
          measured,
          "nobody has acknowledged it",
        ),
      ],
      [
        "Time to pause",
        formatMeasured(
          measured.paused,
          measured,
          "no run that was entered has proved a pause",
        ),
      ],
      [
        "Time to recover",
        formatMeasured(
          measured.recovered,
          measured,
          "nothing that was entered has proved a recovery",
        ),
      ],
      [
        "Journal",
        `${countEntries(records.length)}, chain intact, head ${code(head)}`,
      ],
    ],
  );
}

function formatMeasured(
  moment: Measured | undefined,
  { from }: Measurements,
  unknown: string,
): string {
  if (moment === undefined) {
    return `${BLANK} _${unknown}_`;
  }
  const { at, afterMs, proof } = moment;
  const when = `${formatTime(at)}, ${markdown(proof)}`;
  return afterMs === undefined
    ? `${BLANK} _not measurable: it lies before the ${from}_ (${when})`
    : `${formatMs(afterMs)} after the ${from} (${when})`;
}

function formatDetection({ incident }: IncidentReport): string {
  const { detectedAt, openedAt, openedBy } = incident;
  const first =
    detectedAt === undefined
      ? `- First sign: ${BLANK}`
      : `- First sign: ${formatTime(detectedAt)}, as told at the opening`;
  return `${first}\n- Opened: ${formatTime(openedAt)} by ${markdown(openedBy)}`;
}

function formatTimeline(
  { incident: { records }, backward }: IncidentReport,
  transactionUrl: TransactionUrl,
): string {
  const rows = records.flatMap((record) =>
    record.type === "task-started" && hasEnded(record.call, records)
      ? []
      : [[formatTime(record.at), formatEvent(record, transactionUrl)]],
  );
  const warnings = backward.map(
    ({ seq, backMs }) =>
      `**The clock went back** by ${formatMs(backMs)} before entry ${String(seq + 1)}: what is measured across it isn't reliable.`,
  );
  return [table(["time", "what"], rows), ...warnings].join("\n\n");
}

/** What has ended is told once, at its end. */
function hasEnded(call: string, records: readonly IncidentRecord[]): boolean {
  return records.some(
    (record) => record.type === "task-ended" && record.call === call,
  );
}

function formatEvent(
  event: IncidentEvent,
  transactionUrl: TransactionUrl,
): string {
  switch (event.type) {
    case "opened":
      return `Opened by ${markdown(event.by)}: ${event.severity}`;
    case "noted":
      return `${markdown(event.text)} (${markdown(event.by)})`;
    case "acknowledged":
      return `Acknowledged by ${markdown(event.by)}`;
    case "escalated":
      return `**Escalated** to the ${ROLE_TITLES[event.role]}: not acknowledged by ${formatTime(event.missed)}`;
    case "announced":
      return `Announced that it was ${event.what}`;
    case "task-started":
      return `${formatCall(event)}: begun, and its end was never entered`;
    case "task-ended":
      return formatTask(event, transactionUrl);
    case "run-entered":
      return [
        `Run ${linkTo(event.run.run, event.run.journal)} entered by ${markdown(event.by)}`,
        ...formatHashes(event.run, transactionUrl),
      ].join("<br>");
    case "closed":
      return `Closed by ${markdown(event.by)}`;
  }
}

type TaskEvent = Extract<IncidentEvent, { readonly task: string }>;

function formatCall({ task, arguments: args, network, by }: TaskEvent): string {
  const shown = Object.entries(args).map(
    ([name, value]) => `${markdown(name)} ${markdown(value)}`,
  );
  const what = [
    code(task),
    ...(shown.length > 0 ? [`(${shown.join(", ")})`] : []),
  ];
  return `${what.join(" ")} on ${markdown(network)} by ${markdown(by)}`;
}

function formatTask(
  event: Extract<IncidentEvent, { type: "task-ended" }>,
  transactionUrl: TransactionUrl,
): string {
  const { exitCode, code: error, run, startedAt } = event;
  const outcome =
    exitCode === 0
      ? "done"
      : `**exit code ${String(exitCode)}**${error === undefined ? "" : ` ${code(error)}`}`;
  return [
    `${formatCall(event)}, since ${formatTime(startedAt)}: ${outcome}`,
    ...(run === undefined
      ? []
      : [
          `run ${linkTo(run.run, run.journal)}`,
          ...formatHashes(run, transactionUrl),
        ]),
  ].join("<br>");
}

function formatHashes(
  { chainId, transactions }: RunAccount,
  transactionUrl: TransactionUrl,
): readonly string[] {
  return transactions.map(({ hash }) =>
    formatHash(chainId, hash, transactionUrl),
  );
}

function formatEnd({ incident: { closed }, measured }: IncidentReport): string {
  if (closed === undefined) {
    return `${BLANK} **Not closed yet.**`;
  }
  const { closed: end, from } = measured;
  const after =
    end?.afterMs === undefined
      ? ""
      : `, ${formatMs(end.afterMs)} after the ${from}`;
  return [
    `Closed at ${formatTime(closed.at)} by ${markdown(closed.by)}${after}.`,
    closed.resolution === undefined
      ? `${BLANK} _What ended it?_`
      : markdown(closed.resolution),
    `The [post-mortem](post-mortem.md) is due by ${formatTime(closed.postMortemDueAt)}.`,
  ].join("\n\n");
}

function formatRuns(
  { runs }: IncidentReport,
  transactionUrl: TransactionUrl,
): string {
  if (runs.length === 0) {
    return `${BLANK} _No run was entered while this incident was open._`;
  }
  const transactions = runs.flatMap(({ chainId, transactions }) =>
    transactions.map((transaction) => ({ chainId, transaction })),
  );
  return [
    table(
      [
        "run",
        "procedure",
        "network",
        "status",
        "its journal",
        "head when entered",
      ],
      runs.map(formatRun),
    ),
    ...(transactions.length === 0
      ? []
      : [
          table(
            ["transaction", "for", "block", "status"],
            transactions.map(({ chainId, transaction }) =>
              formatTransaction(chainId, transaction, transactionUrl),
            ),
          ),
        ]),
  ].join("\n\n");
}

function formatRun({
  run,
  procedure,
  network,
  chainId,
  status,
  journal,
  journalState,
  head,
}: ReportedRun): readonly string[] {
  const state =
    journalState === "altered" ? "**isn't what was entered**" : journalState;
  return [
    linkTo(run, journal),
    markdown(procedure),
    `${markdown(network)} (chainId ${String(chainId)})`,
    status,
    state,
    code(head),
  ];
}

function formatTransaction(
  chainId: number,
  { hash, subject, block, status }: RunTransaction,
  transactionUrl: TransactionUrl,
): readonly string[] {
  return [
    formatHash(chainId, hash, transactionUrl),
    markdown(subject),
    markdown(block),
    markdown(status),
  ];
}

function formatHash(
  chainId: number,
  hash: string,
  transactionUrl: TransactionUrl,
): string {
  const url = transactionUrl(chainId, hash);
  return url === undefined ? code(hash) : linkTo(hash, url);
}

/** Nothing in a URL may end the link, or the table's cell. */
function linkTo(text: string, url: string): string {
  const safe = url.replace(/[\s|()<>\\`]/g, encodeURIComponent);
  return `[${code(text)}](${safe})`;
}

function capitalized(text: string): string {
  return text.replace(/^./, (letter) => letter.toUpperCase());
}

function formatMs(milliseconds: number): string {
  return formatDuration(BigInt(Math.round(milliseconds / 1000)));
}

/** `2026-11-20 03:15:00 UTC` */
function formatTime(time: string | Date): string {
  const iso = new Date(time).toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
}
