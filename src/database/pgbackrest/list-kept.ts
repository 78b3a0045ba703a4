import type { DrConfig } from "../../config/types.js";
import type { KeptBackup } from "../engine.js";
import { listRecords } from "./find-server-backup.js";
import { readStanza } from "./repository.js";
import { openSettings } from "./settings.js";
import { momentOf } from "./target.js";

/**
 * The backups in the repository that can be restored, the oldest first.
 *
 * @throws {DrError} PGBACKREST_MISSING, and those of `openSettings` and `readStanza`.
 */
export async function listServerBackups(
  config: DrConfig,
): Promise<readonly KeptBackup[]> {
  const settings = await openSettings(config);
  const { backup: all } = await readStanza(settings);
  const records = new Map<string, string>();
  for await (const { stanza, label, name } of listRecords(config)) {
    if (stanza === settings.stanza && !records.has(label)) {
      records.set(label, name);
    }
  }
  return all
    .filter(({ error }) => error !== true)
    .toSorted((a, b) => a.timestamp.stop - b.timestamp.stop)
    .map((backup) => {
      const { label } = backup;
      const record = records.get(label);
      return {
        label,
        createdAt: momentOf(backup),
        ...(record === undefined ? {} : { record }),
      };
    });
}
