import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { namesIn } from "../core/names-in.js";
import type { DrillReport } from "./report.js";

const NAME = /^dr_drill_report_[0-9]{8}_[0-9]{6}\.json$/;

/**
 * The reports of drills so far, the oldest first. A file that isn't one is left out.
 *
 * @param folder - Of the reports.
 * @param most - Only the newest so many.
 */
export async function readDrillReports(
  folder: string,
  most = Infinity,
): Promise<readonly DrillReport[]> {
  const names = (await namesIn(folder)).filter((name) => NAME.test(name));
  const found = await Promise.all(
    names
      .toSorted()
      .slice(-most)
      .map(async (name) => await readReport(join(folder, name))),
  );
  return found.filter((report) => report !== undefined);
}

async function readReport(path: string): Promise<DrillReport | undefined> {
  try {
    const report = JSON.parse(await readFile(path, "utf8")) as DrillReport;
    return (report.schemaVersion as number) === 1 ? report : undefined;
  } catch {
    return undefined;
  }
}
