import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { isDrError } from "../core/errors.js";
import type { Hex } from "../core/hex.js";
import { readJournal, type JournalRecord } from "./journal.js";

/**
 * Every 32-byte value that the runs of this machine speak of as their own, with
 * its run: hashes of transactions, ids of what they schedule.
 *
 * @param isForeign - The procedures whose intent speaks of what others made;
 * of those only what they did themselves counts.
 */
export async function readOwnHashes(
  folder: string,
  isForeign: (procedure: string) => boolean,
): Promise<ReadonlyMap<Hex, string>> {
  const names = await readdir(join(folder, "runs")).catch(() => []);
  const found = await Promise.all(
    names
      .filter((name) => name.endsWith(".ndjson"))
      .map(async (name) => {
        const run = name.slice(0, -".ndjson".length);
        const records = await readRecords(join(folder, "runs", name));
        return hashesIn(records, isForeign).map((hash): [Hex, string] => [
          hash,
          run,
        ]);
      }),
  );
  return new Map(found.flat());
}

/** A damaged journal proves nothing; `dr:runs` shows it. */
async function readRecords(path: string): Promise<readonly JournalRecord[]> {
  try {
    return (await readJournal(path)).records;
  } catch (error) {
    if (isDrError(error, "JOURNAL_TAMPERED", "JOURNAL_UNREADABLE")) {
      return [];
    }
    throw error;
  }
}

function hashesIn(
  records: readonly JournalRecord[],
  isForeign: (procedure: string) => boolean,
): readonly Hex[] {
  return records.flatMap((record) => {
    switch (record.type) {
      case "run-started":
        return isForeign(record.procedure)
          ? []
          : collect([record.intent, record.steps]);
      case "step-entry":
        return collect(record.entry);
      default:
        return [];
    }
  });
}

/** A predecessor is somebody else's, perhaps. */
function collect(value: unknown): readonly Hex[] {
  if (typeof value === "string") {
    return /^0x[0-9a-fA-F]{64}$/.test(value)
      ? [value.toLowerCase() as Hex]
      : [];
  }
  return typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, inner]) =>
        key === "predecessor" ? [] : collect(inner),
      )
    : [];
}
