import { DrError, isDrError } from "../core/errors.js";
import { Measure } from "../artifact/measure.js";
import type { PutOptions, Source, Storage, StoredObject } from "./storage.js";

export type Ensured = "uploaded" | "already-there";

/**
 * Makes sure that a storage holds these bytes under this name, and proves it:
 * by the store's own digest, or by reading them back. Nothing is overwritten.
 *
 * @throws {DrError} OFFSITE_EXISTS when something else is there,
 * OFFSITE_DAMAGED when the store holds something else than was sent, and what
 * {@link Storage} throws.
 */
export async function ensureObject(
  storage: Storage,
  key: string,
  source: Source,
  options: PutOptions = {},
): Promise<Ensured> {
  if (await isThere(storage, key, source)) {
    return "already-there";
  }
  try {
    await storage.put(key, source, options);
  } catch (error) {
    // Somebody else was faster: that is well, if it is the same.
    if (
      isDrError(error, "OFFSITE_EXISTS") &&
      (await isThere(storage, key, source))
    ) {
      return "already-there";
    }
    throw error;
  }
  await prove(storage, key, source);
  return "uploaded";
}

/**
 * Whether an object is there, and is the same.
 *
 * @throws {DrError} OFFSITE_EXISTS when it is another one.
 */
export async function isThere(
  storage: Storage,
  key: string,
  source: Source,
): Promise<boolean> {
  const found = await storage.stat(key);
  if (found === undefined) {
    return false;
  }
  if (!(await isEqual(storage, found, source))) {
    throw new DrError("OFFSITE_EXISTS", { storage: storage.address, key });
  }
  return true;
}

async function isEqual(
  storage: Storage,
  { key, sizeBytes, sha256 }: StoredObject,
  source: Source,
): Promise<boolean> {
  return (
    sizeBytes === source.sizeBytes &&
    (sha256 ?? (await readBack(storage, key))) === source.sha256
  );
}

async function prove(
  storage: Storage,
  key: string,
  source: Source,
): Promise<void> {
  const reason = await whatIsWrong(storage, key, source);
  if (reason !== undefined) {
    await storage.delete(key);
    const { address } = storage;
    throw new DrError("OFFSITE_DAMAGED", { storage: address, key, reason });
  }
}

async function whatIsWrong(
  storage: Storage,
  key: string,
  { sizeBytes, sha256 }: Source,
): Promise<string | undefined> {
  const found = await storage.stat(key);
  if (found?.sizeBytes !== sizeBytes) {
    const size = found === undefined ? "no" : String(found.sizeBytes);
    return `it has ${size} bytes instead of ${String(sizeBytes)}`;
  }
  if (storage.capabilities.confirms) {
    return undefined;
  }
  const digest = await readBack(storage, key);
  return digest === sha256
    ? undefined
    : `its SHA-256 is ${digest} instead of ${sha256}`;
}

async function readBack(storage: Storage, key: string): Promise<string> {
  const measure = new Measure();
  for await (const chunk of await storage.get(key)) {
    measure.add(chunk as Buffer);
  }
  return measure.extent().sha256;
}
