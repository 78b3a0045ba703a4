import * as z from "zod";

import type { StoredObject } from "../../storage.js";

const listedSchema = z.object({
  name: z.string(),
  size: z.string(),
  timeCreated: z.string(),
});

const objectSchema = listedSchema.extend({
  generation: z.string(),
  crc32c: z.string().optional(),
  metadata: z.record(z.string(), z.string()).optional(),
  retentionExpirationTime: z.string().optional(),
  temporaryHold: z.boolean().default(false),
  eventBasedHold: z.boolean().default(false),
  retention: z.object({ retainUntilTime: z.string() }).partial().optional(),
});

const pageSchema = z.object({
  items: z.array(listedSchema).default([]),
  nextPageToken: z.string().optional(),
});

/** As much of an object's resource as is asked for with {@link OBJECT_FIELDS}. */
export type GcsObject = z.infer<typeof objectSchema>;

export const OBJECT_FIELDS =
  "name,size,timeCreated,generation,crc32c,metadata,retentionExpirationTime,temporaryHold,eventBasedHold,retention(retainUntilTime)";

export const PAGE_FIELDS = "nextPageToken,items(name,size,timeCreated)";

/** @returns undefined when it isn't one, as when a proxy answers for the store. */
export function parseObject(answer: unknown): GcsObject | undefined {
  return objectSchema.safeParse(answer).data;
}

/** @returns undefined when it isn't one. */
export function parsePage(
  answer: unknown,
): z.infer<typeof pageSchema> | undefined {
  return pageSchema.safeParse(answer).data;
}

/** @param prefix - What names have and keys don't. */
export function toListed(
  { name, size, timeCreated }: z.infer<typeof listedSchema>,
  prefix: string,
): StoredObject {
  return {
    key: name.slice(prefix.length),
    sizeBytes: Number(size),
    modifiedAt: new Date(timeCreated),
  };
}

export function toStored(object: GcsObject, prefix: string): StoredObject {
  const sha256 = object.metadata?.sha256;
  const lockedUntil = lockedUntilOf(object);
  return {
    ...toListed(object, prefix),
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(lockedUntil === undefined ? {} : { lockedUntil }),
  };
}

/** Why the store doesn't let it be deleted then; undefined: it does. */
export function whyKeptAt(at: Date, object: GcsObject): string | undefined {
  const until = lockedUntilOf(object);
  if (object.temporaryHold || object.eventBasedHold) {
    return `it is under a hold (${object.temporaryHold ? "temporary" : "event-based"})`;
  }
  return until !== undefined && until > at ? keptUntil(until) : undefined;
}

export function keptUntil(until: Date): string {
  return `it is under retention until ${until.toISOString()}`;
}

/** The later one of the bucket's policy and the object's own retention. */
function lockedUntilOf({
  retentionExpirationTime,
  retention,
}: GcsObject): Date | undefined {
  const times = [retentionExpirationTime, retention?.retainUntilTime]
    .filter((time) => time !== undefined)
    .map((time) => Date.parse(time));
  return times.length === 0 ? undefined : new Date(Math.max(...times));
}
