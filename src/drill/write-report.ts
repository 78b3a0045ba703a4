import { join } from "node:path";

import { writeAtomically } from "../core/atomic-write.js";
import { writing } from "../core/writing.js";
import type { DrillReport } from "./report.js";

/** Where a drill's report lies. */
export interface ReportFiles {
  readonly json: string;
  /** For CI. */
  readonly junit: string;
  /** For people: one file, which needs nothing else. */
  readonly html: string;
}

/**
 * Keeps a report: `logs/dr-drills/dr_drill_report_20251126_112822.json`.
 *
 * @param texts - The same report.
 * @throws {DrError} NOT_WRITABLE.
 */
export async function writeDrillReport(
  folder: string,
  report: DrillReport,
  texts: Readonly<Record<"junit" | "html", string>>,
): Promise<ReportFiles> {
  const stamp = report.drillId.replace("DR_DRILL_", "");
  const base = join(folder, `dr_drill_report_${stamp}`);
  const files = {
    json: `${base}.json`,
    junit: `${base}.xml`,
    html: `${base}.html`,
  };
  await writing(files.json, async () => {
    const json = `${JSON.stringify(report, undefined, 2)}\n`;
    await writeAtomically(files.html, texts.html);
    await writeAtomically(files.junit, texts.junit);
    // Last: whoever finds it finds the others.
    await writeAtomically(files.json, json);
  });
  return files;
}
