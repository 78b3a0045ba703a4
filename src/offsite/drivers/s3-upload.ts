import { addAbortSignal, type Readable } from "node:stream";
import { buffer } from "node:stream/consumers";

import type {
  CreateMultipartUploadCommandInput,
  HeadObjectCommandOutput,
  ListMultipartUploadsCommandInput,
  ListMultipartUploadsCommandOutput,
  MultipartUpload,
  Part,
  StorageClass,
} from "@aws-sdk/client-s3";

import { Measure, requireExtent } from "../../artifact/measure.js";
import type { ObjectLockConfig } from "../../config/types.js";
import type { Clock } from "../../core/clock.js";
import { DrError, isDrError, messageOf } from "../../core/errors.js";
import { inParallel } from "../../core/in-parallel.js";
import { blockBytesOf, blocksOf } from "../blocks.js";
import { formatCrc64Nvme } from "../crc64-nvme.js";
import type { ByteRange, PutOptions, Source } from "../storage.js";
import type { S3Bucket } from "./s3-bucket.js";
import {
  Digests,
  digestsOfWhole,
  proves,
  type Expected,
  type PartDigests,
} from "./s3-digests.js";

/** What is on its way to a store, and to where. */
interface Sending extends Pick<PutOptions, "onProgress" | "signal"> {
  readonly key: string;
  readonly source: Source;
  readonly partBytes: number;
}

/** What was sent, and how the store can prove that it has it. */
export interface Sent {
  readonly expected: Expected;
  /** It went on with what an earlier attempt had begun, its lock included. */
  readonly isResumed: boolean;
}

/** An upload in parts that isn't ended, and what of it has arrived. */
interface OpenUpload {
  readonly id: string;
  readonly parts: ReadonlyMap<number, Part>;
}

interface SentPart {
  readonly number: number;
  readonly part: Part;
  readonly digests: PartDigests;
}

type UploadMarker = Pick<
  ListMultipartUploadsCommandInput,
  "KeyMarker" | "UploadIdMarker"
>;

/** S3's limit. */
const MOST_PARTS = 10_000;
/** In memory, too. */
const PARTS_AT_ONCE = 4;
const DAY_MS = 86_400_000;

/** Writes objects to a bucket: in one request, or in parts that can be gone on with. */
export class S3Uploads {
  readonly #bucket: S3Bucket;
  readonly #partBytes: number;
  readonly #clock: Clock;

  /** @param partBytes - What is larger is sent in parts, at least so large. */
  constructor(bucket: S3Bucket, partBytes: number, clock: Clock) {
    this.#bucket = bucket;
    this.#partBytes = partBytes;
    this.#clock = clock;
  }

  /** What it resolves with the store has yet to prove. */
  async upload(
    key: string,
    source: Source,
    options: PutOptions,
  ): Promise<Sent> {
    const { sizeBytes } = source;
    const partBytes = blockBytesOf(sizeBytes, this.#partBytes, MOST_PARTS);
    const sending = { ...options, key, source, partBytes };
    const isLarge = sizeBytes > partBytes;
    // What can't be written anyway needn't be sent.
    if (isLarge || !this.#bucket.honoursConditions) {
      await this.#requireAbsent(sending);
    }
    return isLarge
      ? await this.#sendInParts(sending)
      : await this.#sendWhole(sending);
  }

  async #requireAbsent({ key, signal }: Sending): Promise<void> {
    if ((await this.#bucket.head(key, signal)) !== undefined) {
      throw this.#exists(key);
    }
  }

  async #sendWhole(sending: Sending): Promise<Sent> {
    const { key, source, signal, onProgress } = sending;
    const bytes = await this.#read(sending);
    const measure = new Measure();
    measure.add(bytes);
    requireExtent(key, source, measure.extent());
    const digests = new Digests(bytes);
    await this.#commit(sending, async () => {
      await this.#bucket.ask(
        "PutObject",
        key,
        async (client, request) =>
          await client.putObject(
            {
              ...this.#bucket.at(key),
              ...this.#properties(source),
              ...digests.toSend(this.#bucket.hasChecksums),
              ...this.#condition(),
              Body: bytes,
            },
            request,
          ),
        signal,
      );
    });
    onProgress?.(source.sizeBytes);
    return { expected: digests, isResumed: false };
  }

  async #sendInParts(sending: Sending): Promise<Sent> {
    const { key, signal } = sending;
    const found = await this.#findUpload(sending);
    const upload = found ?? (await this.#begin(sending));
    try {
      const expected = await this.#complete(
        sending,
        upload,
        await this.#sendParts(sending, upload),
      );
      return { expected, isResumed: found !== undefined };
    } catch (error) {
      if (!mayGoOn(error, signal)) {
        await this.#tryAbort(key, upload.id);
      }
      throw error;
    }
  }

  /** All parts, those that are there already included. */
  async #sendParts(
    sending: Sending,
    upload: OpenUpload,
  ): Promise<readonly SentPart[]> {
    const { key, source, signal, onProgress } = sending;
    const measure = new Measure();
    let arrivedBytes = 0;
    const parts = await inParallel(
      this.#partsOf(sending, measure),
      PARTS_AT_ONCE,
      async ({ number, bytes }) => {
        const digests = new Digests(bytes);
        const there = upload.parts.get(number);
        const part =
          there !== undefined && holds(there, bytes, digests)
            ? there
            : await this.#sendPart(sending, upload, number, bytes, digests);
        arrivedBytes += bytes.length;
        onProgress?.(arrivedBytes);
        return { number, part, digests: digests.ofPart(part) };
      },
    );
    signal?.throwIfAborted();
    requireExtent(key, source, measure.extent());
    return parts;
  }

  async *#partsOf(
    sending: Sending,
    measure: Measure,
  ): AsyncGenerator<{ readonly number: number; readonly bytes: Buffer }> {
    const { partBytes } = sending;
    const opened = { ...sending.source, open: () => this.#open(sending) };
    let number = 0;
    try {
      for await (const bytes of blocksOf(opened, partBytes)) {
        measure.add(bytes);
        number += 1;
        yield { number, bytes };
      }
    } catch (error) {
      throw this.#unread(error, sending);
    }
  }

  async #sendPart(
    { key, signal }: Sending,
    { id }: OpenUpload,
    number: number,
    bytes: Buffer,
    digests: Digests,
  ): Promise<Part> {
    const sent = digests.toSend(this.#bucket.hasChecksums);
    return await this.#bucket.ask(
      "UploadPart",
      key,
      async (client, request) =>
        await client.uploadPart(
          {
            ...this.#bucket.at(key),
            ...sent,
            UploadId: id,
            PartNumber: number,
            Body: bytes,
          },
          request,
        ),
      signal,
    );
  }

  async #complete(
    sending: Sending,
    { id }: OpenUpload,
    parts: readonly SentPart[],
  ): Promise<Expected> {
    const { key, signal, source } = sending;
    const expected = digestsOfWhole(parts.map(({ digests }) => digests));
    const { crc64Nvme } = expected;
    await this.#commit(sending, async () => {
      await this.#bucket.ask(
        "CompleteMultipartUpload",
        key,
        async (client, request) =>
          await client.completeMultipartUpload(
            {
              ...this.#bucket.at(key),
              ...this.#condition(),
              ...(this.#bucket.hasChecksums && crc64Nvme !== undefined
                ? {
                    ChecksumCRC64NVME: formatCrc64Nvme(crc64Nvme),
                    ChecksumType: "FULL_OBJECT",
                  }
                : {}),
              MpuObjectSize: source.sizeBytes,
              UploadId: id,
              MultipartUpload: {
                Parts: parts.map(({ number, part }) => ({
                  PartNumber: number,
                  ETag: part.ETag,
                })),
              },
            },
            request,
          ),
        signal,
      );
    });
    return expected;
  }

  /** Where the answer is lost the deed may not be. */
  async #commit(
    { key, source, signal }: Sending,
    write: () => Promise<void>,
  ): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (!isDrError(error, "OFFSITE_UNREACHABLE")) {
        throw error;
      }
      const found = await this.#tryHead(key, signal);
      if (found === undefined) {
        throw error;
      }
      if (!isOf(found, source)) {
        throw this.#exists(key, error);
      }
    }
  }

  async #tryHead(
    key: string,
    signal: AbortSignal | undefined,
  ): Promise<HeadObjectCommandOutput | undefined> {
    try {
      return await this.#bucket.head(key, signal);
    } catch {
      // The failure before says more.
      return undefined;
    }
  }

  async #begin({ key, source, signal }: Sending): Promise<OpenUpload> {
    const { UploadId: id = "" } = await this.#bucket.ask(
      "CreateMultipartUpload",
      key,
      async (client, request) =>
        await client.createMultipartUpload(
          {
            ...this.#bucket.at(key),
            ...this.#properties(source),
            ...(this.#bucket.hasChecksums
              ? { ChecksumAlgorithm: "CRC64NVME", ChecksumType: "FULL_OBJECT" }
              : {}),
          },
          request,
        ),
      signal,
    );
    return { id, parts: new Map() };
  }

  /**
   * An upload that was interrupted, the newest if there are several. Those that
   * can't be gone on with are ended, since their parts are paid for.
   */
  async #findUpload(sending: Sending): Promise<OpenUpload | undefined> {
    const { key, signal } = sending;
    let found: OpenUpload | undefined;
    for (const upload of await this.#listUploads(sending)) {
      const { UploadId: id = "" } = upload;
      const parts = await this.#listParts(key, id, signal);
      if (
        found === undefined &&
        this.#isBegunAlike(upload) &&
        (await this.#areOf(sending, parts))
      ) {
        found = { id, parts };
      } else {
        await this.#tryAbort(key, id);
      }
    }
    return found;
  }

  /** Whether it takes the checksums that we would send it. Stores that know none say nothing. */
  #isBegunAlike({ ChecksumAlgorithm }: MultipartUpload): boolean {
    return (
      ChecksumAlgorithm === undefined ||
      (ChecksumAlgorithm === "CRC64NVME") === this.#bucket.hasChecksums
    );
  }

  /** The newest first. */
  async #listUploads({
    key,
    signal,
  }: Sending): Promise<readonly MultipartUpload[]> {
    const { Bucket, Key } = this.#bucket.at(key);
    const uploads: MultipartUpload[] = [];
    let from: UploadMarker | undefined;
    do {
      const marker = from;
      const page = await this.#bucket.ask(
        "ListMultipartUploads",
        key,
        async (client, request) =>
          await client.listMultipartUploads(
            { Bucket, Prefix: Key, ...marker },
            request,
          ),
        signal,
      );
      uploads.push(...(page.Uploads ?? []));
      from = nextOf(page);
    } while (from !== undefined);
    return uploads
      .filter((upload) => upload.Key === Key)
      .toSorted((a, b) => Number(b.Initiated) - Number(a.Initiated));
  }

  async #listParts(
    key: string,
    uploadId: string,
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<number, Part>> {
    const parts = new Map<number, Part>();
    let from: string | undefined;
    do {
      const page = await this.#bucket.ask(
        "ListParts",
        key,
        async (client, request) =>
          await client.listParts(
            {
              ...this.#bucket.at(key),
              UploadId: uploadId,
              PartNumberMarker: from,
            },
            request,
          ),
        signal,
      );
      for (const part of page.Parts ?? []) {
        parts.set(part.PartNumber ?? 0, part);
      }
      from = page.IsTruncated === true ? page.NextPartNumberMarker : undefined;
    } while (from !== undefined);
    return parts;
  }

  /**
   * Whether parts are of this very source. A single one that isn't means that
   * the upload was begun for something else, under whose digest the object
   * would be stored; so may one that has no parts.
   */
  async #areOf(
    sending: Sending,
    parts: ReadonlyMap<number, Part>,
  ): Promise<boolean> {
    const { partBytes, source } = sending;
    for (const [number, part] of parts) {
      const start = (number - 1) * partBytes;
      const end = Math.min(start + partBytes, source.sizeBytes);
      if (part.Size !== end - start) {
        return false;
      }
      const bytes = await this.#read(sending, { start, end });
      if (!holds(part, bytes, new Digests(bytes))) {
        return false;
      }
    }
    return parts.size > 0;
  }

  /** Else its parts are the store's to forget, or the next upload's. */
  async #tryAbort(key: string, uploadId: string): Promise<void> {
    try {
      await this.#bucket.ask(
        "AbortMultipartUpload",
        key,
        async (client, request) =>
          await client.abortMultipartUpload(
            { ...this.#bucket.at(key), UploadId: uploadId },
            request,
          ),
      );
    } catch (error) {
      if (!isDrError(error)) {
        throw error;
      }
    }
  }

  async #read(sending: Sending, range?: ByteRange): Promise<Buffer> {
    try {
      return await buffer(this.#open(sending, range));
    } catch (error) {
      throw this.#unread(error, sending);
    }
  }

  #open({ source, signal }: Sending, range?: ByteRange): Readable {
    const input = source.open(range);
    return signal === undefined ? input : addAbortSignal(signal, input);
  }

  #condition(): { readonly IfNoneMatch?: "*" } {
    return this.#bucket.honoursConditions ? { IfNoneMatch: "*" } : {};
  }

  /** Amazon's defaults are none of another store's. */
  #properties({
    sha256,
  }: Source): Omit<CreateMultipartUploadCommandInput, "Bucket" | "Key"> {
    const { endpoint, objectLock, kmsKeyId, ...target } = this.#bucket.target;
    const isAmazons = endpoint === undefined;
    const storageClass =
      target.storageClass ?? (isAmazons ? "STANDARD_IA" : undefined);
    const encryption = target.encryption ?? (isAmazons ? "AES256" : "none");
    return {
      Metadata: { sha256 },
      ...(storageClass === undefined
        ? {}
        : { StorageClass: storageClass as StorageClass }),
      ...(encryption === "none" ? {} : { ServerSideEncryption: encryption }),
      ...(kmsKeyId === undefined ? {} : { SSEKMSKeyId: kmsKeyId }),
      ...(objectLock === undefined
        ? {}
        : {
            ObjectLockMode: lockModeOf(objectLock),
            ObjectLockRetainUntilDate: lockEnd(objectLock, this.#clock),
          }),
    };
  }

  #exists(key: string, cause?: unknown): DrError {
    const { address: storage } = this.#bucket;
    return new DrError("OFFSITE_EXISTS", { storage, key }, { cause });
  }

  #unread(error: unknown, { signal }: Sending): unknown {
    signal?.throwIfAborted();
    if (isDrError(error)) {
      return error;
    }
    const { address: storage } = this.#bucket;
    const reason = `what was to be sent can't be read: ${messageOf(error)}`;
    return new DrError(
      "OFFSITE_FAILED",
      { storage, operation: "put", reason },
      { cause: error },
    );
  }
}

/** Until when an object is kept that is written now. */
export function lockEnd({ days }: ObjectLockConfig, clock: Clock): Date {
  return new Date(clock.now().getTime() + days * DAY_MS);
}

export function lockModeOf({
  mode,
}: ObjectLockConfig): "COMPLIANCE" | "GOVERNANCE" {
  return mode === "compliance" ? "COMPLIANCE" : "GOVERNANCE";
}

/** Where the next page of uploads begins; undefined of the last. */
function nextOf({
  IsTruncated,
  NextKeyMarker,
  NextUploadIdMarker,
}: ListMultipartUploadsCommandOutput): UploadMarker | undefined {
  return IsTruncated === true
    ? { KeyMarker: NextKeyMarker, UploadIdMarker: NextUploadIdMarker }
    : undefined;
}

/** Whether a part that is there is what it should be. */
function holds(part: Part, bytes: Buffer, digests: Digests): boolean {
  return part.Size === bytes.length && proves(part, digests);
}

/** Whether an object is what was to be written, as far as it says so itself. */
function isOf(
  { ContentLength, Metadata }: HeadObjectCommandOutput,
  { sizeBytes, sha256 }: Source,
): boolean {
  return ContentLength === sizeBytes && Metadata?.sha256 === sha256;
}

/** Whether an upload that has failed is worth being gone on with. */
function mayGoOn(error: unknown, signal: AbortSignal | undefined): boolean {
  return (
    signal?.aborted === true ||
    isDrError(error, "OFFSITE_UNREACHABLE", "OFFSITE_DENIED")
  );
}
