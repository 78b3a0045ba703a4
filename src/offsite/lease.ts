import { randomBytes } from "node:crypto";
import { text } from "node:stream/consumers";

import * as z from "zod";

import { canonicalJson } from "../core/canonical-json.js";
import { isDrError } from "../core/errors.js";
import { textSource } from "./file-source.js";
import type { Storage, StoredObject } from "./storage.js";

const FOLDER = "leases/";
const LEASE_HOURS = 24;
const LONGEST_LEASE = 1_048_576;

const schema = z.object({ artifacts: z.array(z.string()) });

/** Says for a day, or until it is given back, that somebody reads artifacts. */
export interface Lease {
  readonly giveBack: () => Promise<void>;
}

/**
 * Asks all who prune a storage, on whatever machine, to leave artifacts alone.
 *
 * @param keys - The artifacts'.
 * @returns undefined when one may only read there: then nobody is told.
 */
export async function takeLease(
  storage: Storage,
  keys: readonly string[],
): Promise<Lease | undefined> {
  const lease = `${FOLDER}${randomBytes(8).toString("hex")}.json`;
  try {
    const source = textSource(`${canonicalJson({ artifacts: keys })}\n`);
    await storage.put(lease, source);
  } catch (error) {
    if (isDrError(error, "OFFSITE_DENIED", "OFFSITE_FULL")) {
      return undefined;
    }
    throw error;
  }
  return {
    giveBack: async () => {
      await storage.delete(lease);
    },
  };
}

export function isLease({ key }: StoredObject): boolean {
  return key.startsWith(FOLDER);
}

/** What somebody reads right now. */
export interface Leases {
  /** The artifacts'. */
  readonly keys: ReadonlySet<string>;
  /** A lease can't be read: it may be about any. */
  readonly isAll: boolean;
}

/** @param now - Of this machine; a lease's day makes up for the store's clock. */
export async function readLeases(
  storage: Pick<Storage, "get">,
  leases: readonly StoredObject[],
  now: Date,
): Promise<Leases> {
  const held = leases.filter((lease) => !isExpired(lease, now));
  const read = await Promise.all(
    held.map(async (lease) => await readLease(storage, lease)),
  );
  return {
    keys: new Set(read.flatMap((keys) => keys ?? [])),
    isAll: read.includes(undefined),
  };
}

/** Those of restores that were killed. */
export async function removeExpiredLeases(
  storage: Pick<Storage, "delete">,
  leases: readonly StoredObject[],
  now: Date,
): Promise<void> {
  for (const lease of leases.filter((one) => isExpired(one, now))) {
    await storage.delete(lease.key);
  }
}

function isExpired({ modifiedAt }: StoredObject, now: Date): boolean {
  return modifiedAt.getTime() <= now.getTime() - LEASE_HOURS * 3_600_000;
}

/** @returns undefined when it can't be read; empty when it was given back meanwhile. */
async function readLease(
  storage: Pick<Storage, "get">,
  { key, sizeBytes }: StoredObject,
): Promise<readonly string[] | undefined> {
  if (sizeBytes > LONGEST_LEASE) {
    return undefined;
  }
  try {
    const json: unknown = JSON.parse(await text(await storage.get(key)));
    return schema.safeParse(json).data?.artifacts;
  } catch (error) {
    if (isDrError(error, "OFFSITE_MISSING")) {
      return [];
    }
    if (isDrError(error)) {
      throw error;
    }
    return undefined;
  }
}

/** A storage that can't be reached keeps it: it ends by itself. */
export async function giveBack(lease: Lease | undefined): Promise<void> {
  try {
    await lease?.giveBack();
  } catch (error) {
    if (!isDrError(error)) {
      throw error;
    }
  }
}
