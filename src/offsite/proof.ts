import { canonicalJson, type Json } from "../core/canonical-json.js";
import { ensureObject } from "./ensure-object.js";
import { textSource } from "./file-source.js";
import type { Storage } from "./storage.js";

const NAME = /^(?<key>.+)\.proven\.(?<at>\d{8}T\d{6}Z)\.json$/;

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
  await ensureObject(storage, proofKey(key, at), textSource(text));
}

function proofKey(key: string, at: Date): string {
  const compact = at.toISOString().replace(/[-:]|\.\d+/g, "");
  return `${key}.proven.${compact}.json`;
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
  const { key, at } = NAME.exec(object)?.groups ?? {};
  if (key === undefined || at === undefined) {
    return undefined;
  }
  const iso = at.replace(/(....)(..)(..)T(..)(..)(..)Z/, "$1-$2-$3T$4:$5:$6Z");
  return { object, key, at: new Date(iso) };
}
