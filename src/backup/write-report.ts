import { join } from "node:path";

import { formatTimestamp } from "../artifact/name.js";
import type { DrConfig } from "../config/types.js";
import { writeAtomically } from "../core/atomic-write.js";
import type { Json } from "../core/canonical-json.js";
import { writing } from "../core/writing.js";

/**
 * Keeps what `dr:backup` did: `backups/reports/backup_20240115_140000.json`.
 *
 * @returns its path.
 * @throws {DrError} NOT_WRITABLE.
 */
export async function writeBackupReport(
  { paths }: Pick<DrConfig, "paths">,
  startedAt: Date,
  report: Json,
): Promise<string> {
  const name = `backup_${formatTimestamp(startedAt)}.json`;
  const path = join(paths.backups, "reports", name);
  await writing(path, async () => {
    await writeAtomically(path, `${JSON.stringify(report, undefined, 2)}\n`);
  });
  return path;
}
