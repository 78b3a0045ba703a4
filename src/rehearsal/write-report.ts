import { join } from "node:path";

import { writeAtomically } from "../core/atomic-write.js";
import { writing } from "../core/writing.js";
import type { RehearsalReport } from "./report.js";

/**
 * Keeps a report beside deploy.json, as JSON and for people.
 *
 * @param folder - `deployments/<network>`.
 * @param markdown - The same report.
 * @returns the paths of both.
 * @throws {DrError} NOT_WRITABLE.
 */
export async function writeReport(
  folder: string,
  report: RehearsalReport,
  markdown: string,
): Promise<{ readonly json: string; readonly markdown: string }> {
  const stamp = report.startedAt.replace(/[-:]/g, "").replace(".", "-");
  const base = join(folder, "rehearsals", `${stamp}-${report.procedure}`);
  const paths = { json: `${base}.json`, markdown: `${base}.md` };
  await writing(paths.json, async () => {
    const json = `${JSON.stringify(report, undefined, 2)}\n`;
    await writeAtomically(paths.json, json);
    await writeAtomically(paths.markdown, markdown);
  });
  return paths;
}
