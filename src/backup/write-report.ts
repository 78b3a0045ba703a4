import { join } from "node:path";

import { formatTimestamp } from "../artifact/name.js";
import type { DrConfig } from "../config/types.js";
import { writeAtomically } from "../core/atomic-write.js";
import type { Json } from "../core/canonical-json.js";
import { writing } from "../core/writing.js";

/**
 * Keeps what a task did: `backups/reports/backup_20240115_140000.json`.
 *
 * @param what - `backup`, `database_restore`.
 * @returns its path.
 * @throws {DrError} NOT_WRITABLE.
 */
export async function writeReport(
  { paths }: Pick<DrConfig, "paths">,
  what: string,
  startedAt: Date,
  report: Json,
): Promise<string> {
  const name = `${what}_${formatTimestamp(startedAt)}.json`;
  const path = join(paths.backups, "reports", name);
  await writing(path, async () => {
    await writeAtomically(path, `${JSON.stringify(report, undefined, 2)}\n`);
  });
  return path;
}
