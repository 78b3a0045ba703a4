import { formatProofName, parseProofName } from "../artifact/proof-name.js";
import { canonicalJson, type Json } from "../core/canonical-json.js";
import { ensureObject } from "./ensure-object.js";
import { textSource } from "./file-source.js";
import type { Storage } from "./storage.js";

/**
 * Writes down beside an artifact that it was restored and was good; when, is
 * in the object's name, so that a listing tells it.
 *
 * @param key - The artifact's.
 * @param how - What was done with it.
 */
export async function recordProof(
  storage: Storage,
  key: string,
  at: Date,
  how: Json,
): Promise<void> {
  const provenAt = `${at.toISOString().slice(0, 19)}Z`;
  const text = `${canonicalJson({ key, provenAt, how })}\n`;
  await ensureObject(storage, formatProofName(key, at), textSource(text));
}

export interface Proof {
  /** Its own key. */
  readonly object: string;
  /** The artifact's. */
  readonly key: string;
  readonly at: Date;
}

/** @returns undefined when the object is no proof. */
export function parseProofKey(object: string): Proof | undefined {
  const { artifact, at } = parseProofName(object) ?? {};
  return artifact === undefined || at === undefined
    ? undefined
    : { object, key: artifact, at };
}
