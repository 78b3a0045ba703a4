import { md5Of } from "../blocks.js";
import { crc64Nvme, crc64NvmeOfAll, formatCrc64Nvme } from "../crc64-nvme.js";

/** What a store says of what it holds: its checksum, if it has one, and its ETag. */
export interface Shown {
  readonly ChecksumCRC64NVME?: string | undefined;
  /** In quotes. The MD5, unless the store has encrypted it with a key of KMS. */
  readonly ETag?: string | undefined;
}

/** What it must say of what is as it was sent; undefined is what isn't known. */
export interface Expected {
  readonly crc64Nvme: bigint | undefined;
  readonly etag: string | undefined;
}

/** Whether a store proves by a digest of its own that it holds what was sent. */
export function proves(
  { ChecksumCRC64NVME, ETag }: Shown,
  expected: Expected,
): boolean {
  if (ChecksumCRC64NVME !== undefined && expected.crc64Nvme !== undefined) {
    return ChecksumCRC64NVME === formatCrc64Nvme(expected.crc64Nvme);
  }
  return expected.etag !== undefined && ETag === `"${expected.etag}"`;
}

/** Digests of bytes in memory, computed only when they are asked for. */
export class Digests implements Expected {
  readonly #bytes: Buffer;
  #crc64Nvme: bigint | undefined;
  #md5: Buffer | undefined;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get crc64Nvme(): bigint {
    this.#crc64Nvme ??= crc64Nvme(this.#bytes);
    return this.#crc64Nvme;
  }

  get md5(): Buffer {
    this.#md5 ??= md5Of(this.#bytes);
    return this.#md5;
  }

  get etag(): string {
    return this.md5.toString("hex");
  }

  /** By which the store sees whether all has arrived as it was. */
  toSend(
    hasChecksums: boolean,
  ): { ChecksumCRC64NVME: string } | { ContentMD5: string } {
    return hasChecksums
      ? { ChecksumCRC64NVME: formatCrc64Nvme(this.crc64Nvme) }
      : { ContentMD5: this.md5.toString("base64") };
  }

  /** What to remember of a part when its bytes go: the MD5 only where the store has nothing better. */
  ofPart(shown: Shown): PartDigests {
    return {
      sizeBytes: this.#bytes.length,
      crc64Nvme: this.#crc64Nvme,
      md5: shown.ChecksumCRC64NVME === undefined ? this.md5 : undefined,
    };
  }
}

export interface PartDigests {
  readonly sizeBytes: number;
  readonly crc64Nvme: bigint | undefined;
  readonly md5: Buffer | undefined;
}

/** Of an object, from its parts. Its ETag is the MD5 of their MD5s, and how many they are. */
export function digestsOfWhole(parts: readonly PartDigests[]): Expected {
  const summed = parts.flatMap(({ crc64Nvme: sum, sizeBytes }) =>
    sum === undefined ? [] : [{ crc64Nvme: sum, sizeBytes }],
  );
  const md5s = parts.map(({ md5 }) => md5).filter((md5) => md5 !== undefined);
  const md5 = md5Of(Buffer.concat(md5s)).toString("hex");
  return {
    crc64Nvme:
      summed.length === parts.length ? crc64NvmeOfAll(summed) : undefined,
    etag:
      md5s.length === parts.length
        ? `${md5}-${String(parts.length)}`
        : undefined,
  };
}
