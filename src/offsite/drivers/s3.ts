import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";

import type {
  CreateMultipartUploadCommandInput,
  HeadObjectCommandOutput,
  Part,
} from "@aws-sdk/client-s3";

import { Measure, requireExtent } from "../../artifact/measure.js";
import type { S3Target } from "../../config/types.js";
import { systemClock, type Clock } from "../../core/clock.js";
import { DrError, isDrError } from "../../core/errors.js";
import { inParallel } from "../../core/in-parallel.js";
import { blockBytesOf, blocksOf } from "../blocks.js";
import { formatCrc64Nvme } from "../crc64-nvme.js";
import { loadPackage } from "../load-package.js";
import type {
  ByteRange,
  ObjectPage,
  PutOptions,
  Source,
  Storage,
  StorageCapabilities,
  StoredObject,
} from "../storage.js";
import { S3Bucket, type S3Timeouts } from "./s3-bucket.js";
import {
  Digests,
  digestsOfWhole,
  proves,
  type Expected,
  type PartDigests,
} from "./s3-digests.js";

type Sdk = typeof import("@aws-sdk/client-s3");

export interface S3Options extends S3Timeouts {
  /** Objects of one page; at most 1000. */
  readonly pageSize?: number;
  /** What is larger is sent in parts, at least so large. Default: 16 MiB. */
  readonly partBytes?: number;
  readonly clock?: Clock;
  /** The optional package that it needs. */
  readonly load?: () => Promise<Sdk>;
}

const PACKAGE = "@aws-sdk/client-s3";
const PAGE = 1000;
const PART_BYTES = 16_777_216;
/** S3's limit. */
const MOST_PARTS = 10_000;
/** In memory, too. */
const PARTS_AT_ONCE = 4;
const DAY_MS = 86_400_000;

/**
 * A bucket of Amazon S3, or of a store that speaks its protocol.
 *
 * @throws {DrError} OFFSITE_PACKAGE_MISSING; nothing is asked of the store yet.
 */
export async function openS3(
  target: S3Target,
  options: S3Options = {},
): Promise<Storage> {
  const address = `s3://${target.bucket}/${target.prefix}`;
  const { load = async () => await import("@aws-sdk/client-s3") } = options;
  const sdk = await loadPackage(address, PACKAGE, load);
  return new S3Storage(new S3Bucket(sdk, target, options), options);
}

/**
 * Every upload is proven by the store's own digest: the CRC-64/NVME or the ETag
 * that it shows of what it holds. One that it encrypts with a key of KMS, and
 * shows no checksum of, is read back.
 */
class S3Storage implements Storage {
  readonly address: string;
  readonly capabilities: StorageCapabilities;
  readonly #bucket: S3Bucket;
  readonly #pageSize: number;
  readonly #partBytes: number;
  readonly #clock: Clock;

  constructor(bucket: S3Bucket, options: S3Options) {
    this.address = bucket.address;
    this.capabilities = {
      confirms: true,
      resumes: true,
      locks: bucket.target.objectLock !== undefined,
    };
    this.#bucket = bucket;
    this.#pageSize = options.pageSize ?? PAGE;
    this.#partBytes = options.partBytes ?? PART_BYTES;
    this.#clock = options.clock ?? systemClock;
  }

  async listPage(prefix: string, from?: string): Promise<ObjectPage> {
    const { bucket, prefix: own } = this.#bucket.target;
    const page = await this.#bucket.ask(
      "ListObjectsV2",
      "",
      async (client) =>
        await client.listObjectsV2({
          Bucket: bucket,
          Prefix: own + prefix,
          MaxKeys: this.#pageSize,
          ContinuationToken: from,
        }),
    );
    const next = page.NextContinuationToken;
    return {
      objects: (page.Contents ?? []).map(({ Key, Size, LastModified }) => ({
        key: (Key ?? "").slice(own.length),
        sizeBytes: Size ?? 0,
        modifiedAt: LastModified ?? new Date(0),
      })),
      ...(next === undefined ? {} : { next }),
    };
  }

  async stat(key: string): Promise<StoredObject | undefined> {
    const head = await this.#bucket.head(key);
    if (head === undefined) {
      return undefined;
    }
    const sha256 = head.Metadata?.sha256;
    const lockedUntil = head.ObjectLockRetainUntilDate;
    return {
      key,
      sizeBytes: head.ContentLength ?? 0,
      modifiedAt: head.LastModified ?? new Date(0),
      ...(sha256 === undefined ? {} : { sha256 }),
      ...(lockedUntil === undefined ? {} : { lockedUntil }),
    };
  }

  async put(
    key: string,
    source: Source,
    options: PutOptions = {},
  ): Promise<void> {
    const partBytes = blockBytesOf(
      source.sizeBytes,
      this.#partBytes,
      MOST_PARTS,
    );
    const isLarge = source.sizeBytes > partBytes;
    // What can't be written anyway needn't be sent.
    if (isLarge || !this.#bucket.honoursConditions) {
      await this.#requireAbsent(key);
    }
    const expected = isLarge
      ? await this.#putParts(key, source, partBytes, options)
      : await this.#putWhole(key, source, options);
    await this.#prove(key, source, expected);
  }

  async #requireAbsent(key: string): Promise<void> {
    if ((await this.#bucket.head(key)) !== undefined) {
      throw new DrError("OFFSITE_EXISTS", { storage: this.address, key });
    }
  }

  async #putWhole(
    key: string,
    source: Source,
    { onProgress, signal }: PutOptions,
  ): Promise<Expected> {
    const bytes = await buffer(source.open());
    signal?.throwIfAborted();
    const measure = new Measure();
    measure.add(bytes);
    requireExtent(key, source, measure.extent());
    const digests = new Digests(bytes);
    await this.#unlessThere(key, source, async () => {
      await this.#bucket.ask(
        "PutObject",
        key,
        async (client) =>
          await client.putObject({
            ...this.#bucket.at(key),
            ...this.#properties(source),
            ...digests.toSend(this.#bucket.hasChecksums),
            ...this.#condition(),
            Body: bytes,
          }),
      );
    });
    onProgress?.(source.sizeBytes);
    return digests;
  }

  /** Sends parts, but for those that an interrupted upload has left there. */
  async #putParts(
    key: string,
    source: Source,
    partBytes: number,
    options: PutOptions,
  ): Promise<Expected> {
    const uploadId =
      (await this.#findUpload(key)) ?? (await this.#beginUpload(key, source));
    try {
      return await this.#sendParts(key, source, partBytes, uploadId, options);
    } catch (error) {
      // What may be gone on with is left there.
      if (!isDrError(error, "OFFSITE_UNREACHABLE", "INTERRUPTED")) {
        await this.#tryAbort(key, uploadId);
      }
      throw error;
    }
  }

  async #sendParts(
    key: string,
    source: Source,
    partBytes: number,
    uploadId: string,
    { onProgress, signal }: PutOptions,
  ): Promise<Expected> {
    const kept = await this.#keptParts(key, uploadId);
    const measure = new Measure();
    const parts: Part[] = [];
    const digests: PartDigests[] = [];
    let arrivedBytes = 0;
    const blocks = numbered(blocksOf(source, partBytes), measure, signal);
    await inParallel(blocks, PARTS_AT_ONCE, async ({ number, bytes }) => {
      const own = new Digests(bytes);
      const there = kept.get(number);
      const part =
        there !== undefined && isSame(there, bytes, own)
          ? there
          : await this.#sendPart(key, uploadId, number, bytes, own);
      parts[number - 1] = { ...part, PartNumber: number };
      digests[number - 1] = own.ofPart(part);
      arrivedBytes += bytes.length;
      onProgress?.(arrivedBytes);
    });
    signal?.throwIfAborted();
    requireExtent(key, source, measure.extent());
    const expected = digestsOfWhole(digests);
    await this.#unlessThere(key, source, async () => {
      await this.#completeUpload(key, uploadId, parts, expected);
    });
    return expected;
  }

  async #sendPart(
    key: string,
    uploadId: string,
    number: number,
    bytes: Buffer,
    digests: Digests,
  ): Promise<Part> {
    const sent = digests.toSend(this.#bucket.hasChecksums);
    return await this.#bucket.ask("UploadPart", key, async (client) => {
      const { ETag, ChecksumCRC64NVME } = await client.uploadPart({
        ...this.#bucket.at(key),
        ...sent,
        UploadId: uploadId,
        PartNumber: number,
        Body: bytes,
      });
      return { ETag, ChecksumCRC64NVME };
    });
  }

  async #completeUpload(
    key: string,
    uploadId: string,
    parts: readonly Part[],
    { crc64Nvme }: Expected,
  ): Promise<void> {
    await this.#bucket.ask(
      "CompleteMultipartUpload",
      key,
      async (client) =>
        await client.completeMultipartUpload({
          ...this.#bucket.at(key),
          ...this.#condition(),
          ...(this.#bucket.hasChecksums && crc64Nvme !== undefined
            ? {
                ChecksumCRC64NVME: formatCrc64Nvme(crc64Nvme),
                ChecksumType: "FULL_OBJECT" as const,
              }
            : {}),
          UploadId: uploadId,
          MultipartUpload: {
            Parts: parts.map(({ ETag, PartNumber }) => ({ ETag, PartNumber })),
          },
        }),
    );
  }

  /** The answer may be lost where the deed isn't. */
  async #unlessThere(
    key: string,
    source: Source,
    write: () => Promise<void>,
  ): Promise<void> {
    try {
      await write();
    } catch (error) {
      const isAmbiguous = isDrError(error, "OFFSITE_UNREACHABLE");
      const found = isAmbiguous ? await this.#tryStat(key) : undefined;
      const isOurs =
        found?.sizeBytes === source.sizeBytes && found.sha256 === source.sha256;
      if (!isOurs) {
        throw error;
      }
    }
  }

  async #tryStat(key: string): Promise<StoredObject | undefined> {
    try {
      return await this.stat(key);
    } catch (error) {
      if (isDrError(error)) {
        return undefined;
      }
      throw error;
    }
  }

  /** @throws {DrError} OFFSITE_DAMAGED, and then it is gone again. */
  async #prove(key: string, source: Source, expected: Expected): Promise<void> {
    const head = await this.#bucket.head(key);
    const reason = await this.#whatIsWrong(key, source, expected, head);
    if (reason !== undefined) {
      await this.#bucket.remove(key, head ?? {});
      const storage = this.address;
      throw new DrError("OFFSITE_DAMAGED", { storage, key, reason });
    }
  }

  async #whatIsWrong(
    key: string,
    { sizeBytes, sha256 }: Source,
    expected: Expected,
    head: HeadObjectCommandOutput | undefined,
  ): Promise<string | undefined> {
    if (head?.ContentLength !== sizeBytes) {
      return `it has ${String(head?.ContentLength ?? "no")} bytes instead of ${String(sizeBytes)}`;
    }
    if (proves(head, expected)) {
      return undefined;
    }
    const isOfKms = head.ServerSideEncryption?.startsWith("aws:kms") === true;
    if (head.ChecksumCRC64NVME !== undefined || !isOfKms) {
      return "the store's digest of it is another one";
    }
    const measure = new Measure();
    for await (const chunk of await this.get(key)) {
      measure.add(chunk as Buffer);
    }
    return measure.extent().sha256 === sha256
      ? undefined
      : "it reads back as something else";
  }

  /** The newest that was begun for this object and not ended. */
  async #findUpload(key: string): Promise<string | undefined> {
    const { Bucket, Key } = this.#bucket.at(key);
    const { Uploads = [] } = await this.#bucket.ask(
      "ListMultipartUploads",
      key,
      async (client) =>
        await client.listMultipartUploads({ Bucket, Prefix: Key }),
    );
    return Uploads.filter((upload) => upload.Key === Key)
      .toSorted((a, b) => Number(a.Initiated) - Number(b.Initiated))
      .at(-1)?.UploadId;
  }

  async #beginUpload(key: string, source: Source): Promise<string> {
    const { UploadId = "" } = await this.#bucket.ask(
      "CreateMultipartUpload",
      key,
      async (client) =>
        await client.createMultipartUpload({
          ...this.#bucket.at(key),
          ...this.#properties(source),
          ...(this.#bucket.hasChecksums
            ? {
                ChecksumAlgorithm: "CRC64NVME" as const,
                ChecksumType: "FULL_OBJECT" as const,
              }
            : {}),
        }),
    );
    return UploadId;
  }

  async #keptParts(
    key: string,
    uploadId: string,
  ): Promise<ReadonlyMap<number, Part>> {
    const kept = new Map<number, Part>();
    let from: string | undefined;
    do {
      const page = await this.#bucket.ask(
        "ListParts",
        key,
        async (client) =>
          await client.listParts({
            ...this.#bucket.at(key),
            UploadId: uploadId,
            PartNumberMarker: from,
          }),
      );
      for (const part of page.Parts ?? []) {
        kept.set(part.PartNumber ?? 0, part);
      }
      from = page.IsTruncated === true ? page.NextPartNumberMarker : undefined;
    } while (from !== undefined);
    return kept;
  }

  /** Its parts are the store's to forget, else. */
  async #tryAbort(key: string, uploadId: string): Promise<void> {
    try {
      await this.#bucket.ask(
        "AbortMultipartUpload",
        key,
        async (client) =>
          await client.abortMultipartUpload({
            ...this.#bucket.at(key),
            UploadId: uploadId,
          }),
      );
    } catch (error) {
      if (!isDrError(error)) {
        throw error;
      }
    }
  }

  #condition(): { readonly IfNoneMatch?: "*" } {
    return this.#bucket.honoursConditions ? { IfNoneMatch: "*" } : {};
  }

  /** Amazon's defaults are none of another store's. */
  #properties({
    sha256,
  }: Source): Omit<CreateMultipartUploadCommandInput, "Bucket" | "Key"> {
    const { target } = this.#bucket;
    const isAmazons = target.endpoint === undefined;
    const storageClass =
      target.storageClass ?? (isAmazons ? "STANDARD_IA" : undefined);
    const encryption = target.encryption ?? (isAmazons ? "AES256" : "none");
    const { objectLock, kmsKeyId } = target;
    return {
      Metadata: { sha256 },
      ...(storageClass === undefined
        ? {}
        : { StorageClass: storageClass as "STANDARD_IA" }),
      ...(encryption === "none" ? {} : { ServerSideEncryption: encryption }),
      ...(kmsKeyId === undefined ? {} : { SSEKMSKeyId: kmsKeyId }),
      ...(objectLock === undefined
        ? {}
        : {
            ObjectLockMode:
              objectLock.mode === "compliance" ? "COMPLIANCE" : "GOVERNANCE",
            ObjectLockRetainUntilDate: new Date(
              this.#clock.now().getTime() + objectLock.days * DAY_MS,
            ),
          }),
    };
  }

  async get(key: string, range?: ByteRange): Promise<Readable> {
    if (range !== undefined && range.start >= range.end) {
      return Readable.from([]);
    }
    const answer = await this.#bucket.ask(
      "GetObject",
      key,
      async (client) =>
        await client.getObject({
          ...this.#bucket.at(key),
          ...(range === undefined
            ? this.#bucket.hasChecksums
              ? { ChecksumMode: "ENABLED" }
              : {}
            : {
                Range: `bytes=${String(range.start)}-${String(range.end - 1)}`,
              }),
        }),
    );
    const body = (answer.Body ?? Readable.from([])) as Readable;
    return Readable.from(this.#whole(key, body, answer.ContentLength), {
      objectMode: false,
    });
  }

  /** Fails unless all of it comes. */
  async *#whole(
    key: string,
    body: Readable,
    sizeBytes: number | undefined,
  ): AsyncGenerator<Buffer> {
    let arrivedBytes = 0;
    try {
      for await (const chunk of body as AsyncIterable<Buffer>) {
        arrivedBytes += chunk.length;
        yield chunk;
      }
    } catch (error) {
      throw this.#bucket.explainBroken(key, error);
    }
    if (sizeBytes !== undefined && arrivedBytes < sizeBytes) {
      throw this.#bucket.brokenOff(
        `it ended after ${String(arrivedBytes)} of ${String(sizeBytes)} bytes`,
      );
    }
  }

  async delete(key: string): Promise<void> {
    const head = await this.#bucket.head(key);
    if (head === undefined) {
      return;
    }
    const until = head.ObjectLockRetainUntilDate;
    const isHeld = head.ObjectLockLegalHoldStatus === "ON";
    if (isHeld || (until !== undefined && until > this.#clock.now())) {
      throw new DrError("OFFSITE_LOCKED", {
        storage: this.address,
        key,
        reason: isHeld
          ? "there is a legal hold on it"
          : `it is locked until ${until?.toISOString() ?? ""}`,
      });
    }
    await this.#bucket.remove(key, head);
  }
}

interface NumberedBlock {
  /** From 1. */
  readonly number: number;
  readonly bytes: Buffer;
}

async function* numbered(
  blocks: AsyncIterable<Buffer>,
  measure: Measure,
  signal: AbortSignal | undefined,
): AsyncGenerator<NumberedBlock> {
  let number = 0;
  for await (const bytes of blocks) {
    signal?.throwIfAborted();
    measure.add(bytes);
    number += 1;
    yield { number, bytes };
  }
}

/** A part that is there, and the bytes that should be. */
function isSame(part: Part, bytes: Buffer, digests: Digests): boolean {
  return part.Size === bytes.length && proves(part, digests);
}
