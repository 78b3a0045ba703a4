import type { FileBackupContext } from "../../src/backup/files.js";
import { toMade, type BackupPart } from "../../src/backup/part.js";
import type { Meter } from "../../src/core/meter.js";
import {
  backUpDatabase,
  planDatabaseBackup,
  type DatabaseBackup,
  type DatabaseBackupOptions,
} from "../../src/database/backup.js";
import { tellDatabasePlan } from "../../src/display/database-backup.js";
import type { Interruption } from "./apply.js";
import type { Output } from "./output.js";
import { withBar } from "./progress.js";

/** The database's part of a backup. @param onMade - Told what was made. */
export function databasePart(
  context: FileBackupContext,
  output: Output,
  interruption: Interruption,
  options: DatabaseBackupOptions,
  onMade: (made: DatabaseBackup) => void = () => undefined,
): BackupPart {
  const { signal } = interruption;
  return {
    kind: "database",
    isConfigured: context.config.database !== undefined,
    plan: async () =>
      tellDatabasePlan(await planDatabaseBackup(context, options)),
    run: async () => {
      const made = await interruption.during(
        async () =>
          await withBar(
            {
              title: "database",
              work: async ({ begin, reach }: Meter) => {
                begin("dumped", undefined);
                const watched = { ...context, signal, onProgress: reach };
                return await backUpDatabase(watched, options);
              },
              tell: ({ written }) => written.manifest.artifact,
            },
            output,
          ),
      );
      onMade(made);
      return { artifacts: [toMade(made.written)], notices: made.notices };
    },
  };
}
