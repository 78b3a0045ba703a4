import { DrError } from "../../core/errors.js";
import { runPgbackrest } from "./repository.js";
import type { PgbackrestSettings } from "./settings.js";

/**
 * Has pgBackRest read the whole repository of the stanza. Of what it finds its
 * exit code says nothing; its report does.
 *
 * @throws {DrError} PGBACKREST_DAMAGED.
 */
export async function requireRepositorySound(
  settings: PgbackrestSettings,
): Promise<void> {
  const report = await runPgbackrest(settings, "verify", [
    "--output=text",
    // Without it nothing is said where all is well.
    "--verbose",
  ]);
  if (!/^status: ok/m.test(report)) {
    throw new DrError("PGBACKREST_DAMAGED", {
      what: `The repository of the stanza ${settings.stanza}`,
      problems: problemsIn(report).join("; "),
    });
  }
}

/** Of each archive and backup that isn't whole, in the report's words. */
function problemsIn(report: string): readonly string[] {
  const lines = report.split("\n").map((line) => line.trim());
  const found = lines.flatMap((line, index) => {
    const counts = lines[index + 1] ?? "";
    return /^(archiveId|backup):/.test(line) && /: [1-9]/.test(counts)
      ? [
          `${line.replace(/, total.*/, "")}, ${counts.replaceAll(/\w[\w ]*: 0,? ?/g, "").replace(/,? *$/, "")}`,
        ]
      : [];
  });
  return found.length > 0 ? found : lines.filter((line) => line !== "");
}
