import { join } from "node:path";

import { placeFolder } from "../../backup/folder.js";
import { recordLocalProof } from "../../backup/proof.js";
import type { DrConfig } from "../../config/types.js";
import { writeAtomically } from "../../core/atomic-write.js";
import { canonicalJson, type Json } from "../../core/canonical-json.js";
import { writing } from "../../core/writing.js";
import type { ServerBackup } from "./open-recovery.js";

/**
 * Writes down that a backup was restored on trial and was good: beside its
 * record; where there is none, beside those of others.
 *
 * @returns the file.
 * @throws {DrError} NOT_WRITABLE.
 */
export async function recordServerProof(
  { record, backup }: ServerBackup,
  config: DrConfig,
  at: Date,
  how: Readonly<Record<string, Json>>,
): Promise<string> {
  const proof = { ...how, label: backup.label };
  if (record !== undefined) {
    return await recordLocalProof(record.path, at, proof);
  }
  const time = at.toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const name = `pgbackrest-${backup.label}.proven.${time}.json`;
  const file = join(placeFolder(config, "database"), name);
  const text = canonicalJson({ provenAt: at.toISOString(), how: proof });
  await writing(file, async () => {
    await writeAtomically(file, `${text}\n`);
  });
  return file;
}
