import { join } from "node:path";

import { placeFolder } from "../../backup/folder.js";
import { recordLocalProof } from "../../backup/proof.js";
import type { DrConfig } from "../../config/types.js";
import type { Json } from "../../core/canonical-json.js";
import type { ServerBackup } from "./open-recovery.js";

/**
 * Writes down that a backup was restored on trial and was good: beside its
 * record; where there is none, under its label beside those of others.
 *
 * @returns the file.
 * @throws {DrError} NOT_WRITABLE.
 */
export async function recordServerProof(
  { record, backup: { label } }: ServerBackup,
  config: DrConfig,
  at: Date,
  how: Readonly<Record<string, Json>>,
): Promise<string> {
  const path = record?.path ?? join(placeFolder(config, "database"), label);
  return await recordLocalProof(path, at, { ...how, label });
}
