import type { Criterion } from "../restore-test/checklist.js";
import type { RestoreTestReport } from "../restore-test/report.js";
import type { PartTest } from "../restore-test/test-part.js";
import type { TargetTest } from "../restore-test/test-target.js";
import { formatDuration, type Paint } from "./text.js";

const MARKS = {
  passed: "✔",
  failed: "✘",
  not_measured: "·",
  skipped: "·",
} as const;

const STYLES = {
  passed: "green",
  failed: "red",
  not_measured: "dim",
  skipped: "dim",
} as const;

/** Every target with its criteria, then the line that counts. */
export function formatRestoreTest(
  tested: readonly TargetTest[],
  { status, summary }: RestoreTestReport,
  path: string,
  paint: Paint,
): string {
  return [
    ...tested.flatMap((one) => [
      `${paint("bold", one.target)}  ${one.address ?? one.provider}`,
      ...formatPart("database", one.database, paint),
      ...formatPart("contracts", one.contracts, paint),
    ]),
    paint(status === "SUCCESS" ? "green" : "red", summary),
    `Written down in ${path}`,
    "",
  ].join("\n");
}

function formatPart(
  part: string,
  { status, backup, seconds, criteria, kept, notices }: PartTest,
  paint: Paint,
): readonly string[] {
  const name = backup === undefined ? "" : `  ${backup.name}`;
  return [
    `  ${paint(STYLES[status], `${MARKS[status]} ${part} ${status}`)}${name}  ${formatDuration(seconds * 1000)}`,
    ...criteria.map((one) => formatCriterion(one, paint)),
    ...(kept === undefined
      ? []
      : [`    It is in the database ${kept}; drop it when you have seen it.`]),
    ...notices.map((notice) => `    ${notice}`),
  ];
}

function formatCriterion(
  { name, status, detail, code, fix }: Criterion,
  paint: Paint,
): string {
  const label = `${MARKS[status]} ${name.replaceAll("_", " ").padEnd(17)}`;
  const why = code === undefined ? "" : `${code}: `;
  const way = fix === undefined ? "" : `\n      ${fix}`;
  const what = status === "not_measured" ? "not measured" : (detail ?? "");
  return `    ${paint(STYLES[status], label)} ${why}${what}${way}`;
}
