import { createHash } from "node:crypto";

import { CRC32C } from "@google-cloud/storage";

import { Refusal } from "./answer.js";

/** What a client says of a new object. */
export interface NewResource {
  readonly name: string;
  readonly contentType?: string;
  readonly contentEncoding?: string;
  readonly storageClass?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly crc32c?: string;
}

/** An object of the bucket. */
export interface Held {
  readonly resource: NewResource;
  bytes: Buffer;
  readonly generation: string;
  readonly createdAt: Date;
  /** Its own retention. */
  retainUntil?: Date;
  /** `Temporary` or `Event-Based`. */
  hold?: string;
}

/** One bucket, with what keeps its objects. */
export class Objects {
  readonly bucket: string;
  readonly #now: () => number;
  readonly #held = new Map<string, Held>();
  #generations = 1_700_000_000_000_000;
  /** What is deleted stays, hidden, whatever keeps it. */
  isVersioned = false;
  /** The bucket's retention policy. */
  retentionMs: number | undefined;

  constructor(bucket: string, now: () => number) {
    this.bucket = bucket;
    this.#now = now;
  }

  /** In the order of their names' bytes. */
  get names(): readonly string[] {
    return [...this.#held.keys()].toSorted((a, b) =>
      Buffer.compare(Buffer.from(a), Buffer.from(b)),
    );
  }

  find(name: string): Held | undefined {
    return this.#held.get(name);
  }

  /** @throws {Refusal} notFound. */
  get(name: string): Held {
    const held = this.#held.get(name);
    if (held === undefined) {
      const message = `No such object: ${this.bucket}/${name}`;
      throw new Refusal(404, "notFound", message);
    }
    return held;
  }

  /** @throws {Refusal} conditionNotMet. */
  requireGeneration(name: string, wanted: string | null): void {
    const generation = this.#held.get(name)?.generation ?? "0";
    if (wanted !== null && wanted !== generation) {
      const message =
        "At least one of the pre-conditions you specified did not hold.";
      throw new Refusal(412, "conditionNotMet", message);
    }
  }

  put(resource: NewResource, bytes: Buffer): Held {
    this.#generations += 1;
    const held = {
      resource,
      bytes,
      generation: String(this.#generations),
      createdAt: new Date(this.#now()),
    };
    this.#held.set(resource.name, held);
    return held;
  }

  /** @throws {Refusal} retentionPolicyNotMet, forbidden. */
  delete(name: string): void {
    const held = this.get(name);
    if (this.isVersioned) {
      this.#held.delete(name);
      return;
    }
    const object = `Object '${this.bucket}/${name}'`;
    if (held.hold !== undefined) {
      // Documented as objectUnderActiveHold.
      const message = `${object} is under active ${held.hold} hold and cannot be deleted, overwritten or archived until hold is removed.`;
      throw new Refusal(403, "forbidden", message);
    }
    const until = this.#keptUntil(held);
    if (until !== undefined && until.getTime() > this.#now()) {
      const message = `${object} is subject to bucket's retention policy or object retention and cannot be deleted or overwritten until ${until.toISOString()}`;
      throw new Refusal(403, "retentionPolicyNotMet", message);
    }
    this.#held.delete(name);
  }

  #keptUntil({ createdAt, retainUntil }: Held): Date | undefined {
    const times = [
      this.#expiryOf(createdAt)?.getTime(),
      retainUntil?.getTime(),
    ].filter((time) => time !== undefined);
    return times.length === 0 ? undefined : new Date(Math.max(...times));
  }

  #expiryOf(createdAt: Date): Date | undefined {
    return this.retentionMs === undefined
      ? undefined
      : new Date(createdAt.getTime() + this.retentionMs);
  }

  resourceOf(held: Held): object {
    const { resource, bytes, generation, createdAt, retainUntil } = held;
    return {
      kind: "storage#object",
      bucket: this.bucket,
      ...resource,
      storageClass: resource.storageClass ?? "STANDARD",
      generation,
      metageneration: "1",
      size: String(bytes.length),
      crc32c: crc32cOf(bytes),
      md5Hash: md5Of(bytes),
      timeCreated: createdAt.toISOString(),
      updated: createdAt.toISOString(),
      retentionExpirationTime: this.#expiryOf(createdAt)?.toISOString(),
      temporaryHold: held.hold === "Temporary",
      eventBasedHold: held.hold === "Event-Based",
      retention: retainUntil && {
        mode: "Unlocked",
        retainUntilTime: retainUntil.toISOString(),
      },
    };
  }
}

export function crc32cOf(bytes: Buffer): string {
  const crc = new CRC32C();
  crc.update(bytes);
  return crc.toString();
}

export function md5Of(bytes: Buffer): string {
  return createHash("md5").update(bytes).digest("base64");
}

/** @throws {Refusal} when it isn't the one that was announced. */
export function requireDigest(bytes: Buffer, wanted: string | undefined): void {
  const crc32c = crc32cOf(bytes);
  if (wanted !== undefined && wanted !== crc32c) {
    const message = `Provided CRC32C "${wanted}" doesn't match calculated CRC32C "${crc32c}".`;
    throw new Refusal(400, "invalid", message);
  }
}

export function corrupted(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const middle = Math.floor(copy.length / 2);
  copy.writeUInt8(copy.readUInt8(middle) ^ 1, middle);
  return copy;
}
