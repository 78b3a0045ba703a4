import type { FileBackupContext } from "../../src/backup/files.js";
import { toMade, type BackupPart } from "../../src/backup/part.js";
import type { Meter } from "../../src/core/meter.js";
import type { BackupChoices, MadeBackup } from "../../src/database/engine.js";
import { openEngine } from "../../src/database/open-engine.js";
import { missingTables } from "../../src/database/verify-restored.js";
import { tellDatabasePlan } from "../../src/display/database-backup.js";
import type { Interruption } from "./apply.js";
import type { Output } from "./output.js";
import { withBar } from "./progress.js";

/** The database's part of a backup. @param onMade - Told what was made. */
export function databasePart(
  context: FileBackupContext,
  output: Output,
  interruption: Interruption,
  choices: BackupChoices,
  onMade: (made: MadeBackup) => void = () => undefined,
): BackupPart {
  const { signal } = interruption;
  return {
    kind: "database",
    isConfigured: context.config.database !== undefined,
    plan: async () => {
      const engine = await openEngine(context.config, context.project);
      return tellDatabasePlan(await engine.planBackup(context, choices));
    },
    run: async () => {
      const engine = await openEngine(context.config, context.project);
      const made = await interruption.during(
        async () =>
          await withBar(
            {
              title: "database",
              work: async ({ begin, reach }: Meter) => {
                begin("dumped", undefined);
                const watched = { ...context, signal, onProgress: reach };
                return await engine.backUp(watched, choices);
              },
              tell: ({ name }) => name,
            },
            output,
          ),
      );
      onMade(made);
      const { artifact } = made;
      const artifacts = artifact === undefined ? [] : [toMade(artifact)];
      const critical = context.config.database?.criticalTables ?? [];
      const notices = [...made.notices, ...tellMissing(made, critical)];
      return { artifacts, notices };
    },
  };
}

/** A backup of the wrong database is better noticed when it is made than when it is needed. */
function tellMissing(
  { fingerprint }: MadeBackup,
  critical: readonly string[],
): readonly string[] {
  const missing =
    fingerprint === undefined ? [] : missingTables(critical, fingerprint);
  return missing.map(
    (one) => `${one} No restore of this backup will count as good.`,
  );
}
