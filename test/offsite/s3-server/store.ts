import { createHash } from "node:crypto";

import { crc64Nvme, formatCrc64Nvme } from "../../../src/offsite/crc64-nvme.js";

export interface StoredVersion {
  readonly id: string;
  bytes: Buffer;
  readonly etag: string;
  readonly crc64Nvme?: string;
  readonly modifiedAt: Date;
  /** As they were sent: metadata, storage class, encryption, lock. */
  headers: Readonly<Record<string, string>>;
}

export interface Upload {
  readonly id: string;
  readonly key: string;
  readonly begunAt: Date;
  readonly headers: Readonly<Record<string, string>>;
  /** Of the checksum that it wants of every part. */
  readonly algorithm: string | undefined;
  readonly parts: Map<
    number,
    {
      readonly bytes: Buffer;
      readonly etag: string;
      readonly crc64Nvme?: string;
    }
  >;
}

const ID = "id-";

/** What a bucket with versions holds. */
export class BucketStore {
  /** The newest last; `undefined` is a marker that it was deleted. */
  readonly versions = new Map<string, (StoredVersion | undefined)[]>();
  readonly uploads = new Map<string, Upload>();
  #count = 0;

  nextId(): string {
    this.#count += 1;
    return `${ID}${String(this.#count)}`;
  }

  current(key: string): StoredVersion | undefined {
    return this.versions.get(key)?.at(-1);
  }

  keys(): string[] {
    return [...this.versions.keys()]
      .filter((key) => this.current(key) !== undefined)
      .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }

  add(
    key: string,
    version: Omit<StoredVersion, "id" | "modifiedAt">,
  ): StoredVersion {
    const stored = { ...version, id: this.nextId(), modifiedAt: new Date() };
    this.versions.set(key, [...(this.versions.get(key) ?? []), stored]);
    return stored;
  }

  /** The name of what was written last. */
  newest(): string | undefined {
    return this.keys()
      .toSorted((a, b) => this.#ageOf(a) - this.#ageOf(b))
      .at(-1);
  }

  #ageOf(key: string): number {
    return Number(this.current(key)?.id.slice(ID.length));
  }

  /** Of the parts that are named, as S3 has it. */
  complete(
    upload: Upload,
    numbers: readonly number[],
  ): Omit<StoredVersion, "id" | "modifiedAt"> {
    const parts = numbers.map((number) => upload.parts.get(number)!);
    const bytes = Buffer.concat(parts.map((part) => part.bytes));
    const md5s = parts.map(({ etag }) => Buffer.from(etag, "hex"));
    const etag = `${md5(Buffer.concat(md5s))}-${String(parts.length)}`;
    return {
      bytes,
      etag,
      headers: upload.headers,
      ...(upload.algorithm === undefined
        ? {}
        : { crc64Nvme: formatCrc64Nvme(crc64Nvme(bytes)) }),
    };
  }
}

export function md5(bytes: Buffer): string {
  return createHash("md5").update(bytes).digest("hex");
}
