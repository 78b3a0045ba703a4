import { basename, dirname, join } from "node:path";

import { formatProofName, parseProofName } from "../artifact/proof-name.js";
import { writeAtomically } from "../core/atomic-write.js";
import { canonicalJson, type Json } from "../core/canonical-json.js";
import { namesIn } from "../core/names-in.js";
import { writing } from "../core/writing.js";

/**
 * Writes down beside an artifact that it was restored on trial and was good.
 *
 * @param path - The artifact's.
 * @param how - What was done with it.
 * @returns the file.
 * @throws {DrError} NOT_WRITABLE.
 */
export async function recordLocalProof(
  path: string,
  at: Date,
  how: Json,
): Promise<string> {
  const key = basename(path);
  const file = join(dirname(path), formatProofName(key, at));
  const provenAt = `${at.toISOString().slice(0, 19)}Z`;
  await writing(file, async () => {
    await writeAtomically(file, `${canonicalJson({ key, provenAt, how })}\n`);
  });
  return file;
}

/** The proofs in a folder, by their artifacts' names. */
export async function listLocalProofs(
  folder: string,
): Promise<
  ReadonlyMap<string, readonly { readonly name: string; readonly at: Date }[]>
> {
  const found = (await namesIn(folder)).flatMap((name) => {
    const proof = parseProofName(name);
    return proof === undefined ? [] : [{ name, ...proof }];
  });
  return Map.groupBy(found, ({ artifact }) => artifact);
}
