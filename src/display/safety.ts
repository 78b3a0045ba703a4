import type { Json } from "../core/canonical-json.js";
import type { SafetyReport } from "../recovery/safety/safety-report.js";
import { indent, type Paint } from "./text.js";

const VERDICTS = {
  clean: { style: "green", words: "both versions read the storage alike" },
  orphans: {
    style: "yellow",
    words: "safe; variables of the newer version stay behind, unread",
  },
  corrupts: { style: "red", words: "the target would misread storage" },
  unknown: { style: "yellow", words: "not compared" },
} as const;

/** A rollback safety report on a few lines. */
export function formatSafety(
  name: string,
  report: SafetyReport,
  paint: Paint,
): string {
  const { style, words } = VERDICTS[report.verdict];
  const lines = [
    `Storage of ${name}: ${paint(style, report.verdict)} (${words})`,
    ...report.orphaned.map(
      ({ label, type, slot, offset, value }) =>
        `  orphaned: ${label} (${type}), slot ${shortSlot(slot)} offset ${String(offset)}, now ${value}`,
    ),
    ...report.retyped.map(
      ({ slot, before, after, why }) =>
        `  ${paint("red", "retyped")}: slot ${shortSlot(slot)}, ${before} → ${after} (${why})`,
    ),
    ...(report.initialized === undefined
      ? []
      : [`  initializer version stays ${String(report.initialized.current)}`]),
    ...report.selectorsLost.map(
      ({ selector, signature }) => `  goes away: ${signature} ${selector}`,
    ),
    ...report.notes.map((note) => `  ${note}`),
  ];
  return `${indent(lines.join("\n"), 2)}\n`;
}

/** A small slot as a number, a hashed one in full. */
function shortSlot(slot: string): string {
  const number = BigInt(slot);
  return number < 10_000n ? String(number) : slot;
}

/** For `--json`; numbers that don't fit are text. */
export function safetyToJson(report: SafetyReport): Json {
  return JSON.parse(
    JSON.stringify(report, (_, value: unknown) =>
      typeof value === "bigint" ? Number(value) : value,
    ),
  ) as Json;
}
