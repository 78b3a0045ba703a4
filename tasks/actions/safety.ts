import type { Json } from "../../src/core/canonical-json.js";
import { formatSafety, safetyToJson } from "../../src/display/safety.js";
import type { SafetyReport } from "../../src/recovery/safety/safety-report.js";
import type { Output } from "./output.js";

interface WithSafety {
  /** By contract name. */
  readonly safety: Readonly<Record<string, SafetyReport>>;
}

/** The storage report of each contract, before the plan is approved. */
export function explainSafety({ safety }: WithSafety, output: Output): void {
  for (const [name, report] of Object.entries(safety)) {
    output.text(formatSafety(name, report, output.paint));
  }
}

/** The same for `--json`; null where nothing is taken back. */
export function safetyOf(
  name: string,
  { safety }: WithSafety,
): Readonly<Record<string, Json>> {
  const report = safety[name];
  return { safety: report === undefined ? null : safetyToJson(report) };
}
