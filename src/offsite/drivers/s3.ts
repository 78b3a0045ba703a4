import { Readable } from "node:stream";

import type { HeadObjectCommandOutput } from "@aws-sdk/client-s3";

import { Measure } from "../../artifact/measure.js";
import type { ObjectLockConfig, S3Target } from "../../config/types.js";
import { systemClock, type Clock } from "../../core/clock.js";
import { DrError, isDrError, messageOf } from "../../core/errors.js";
import { checkedDownload } from "../checked-download.js";
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
import { proves, type Expected } from "./s3-digests.js";
import { lockEnd, lockModeOf, S3Uploads, type Sent } from "./s3-upload.js";

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

/**
 * A bucket of Amazon S3, or of a store that speaks its protocol. Objects are
 * written with `If-None-Match: *`, which the store decides on when it has all
 * of them. Where `conditionalWrites` is false it is only looked before whether
 * there is one: of two who write the same at once the later wins.
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
 * Every upload is proven: by the CRC-64/NVME or the MD5 that the store shows of
 * what it holds, and where it shows neither by reading it back.
 */
class S3Storage implements Storage {
  readonly address: string;
  readonly capabilities: StorageCapabilities;
  readonly #bucket: S3Bucket;
  readonly #uploads: S3Uploads;
  readonly #pageSize: number;
  readonly #clock: Clock;
  /** Written, but then the store couldn't be asked for its proof: the next `put` of the same does. */
  readonly #unproven = new Map<string, Sent>();

  constructor(
    bucket: S3Bucket,
    {
      pageSize = PAGE,
      partBytes = PART_BYTES,
      clock = systemClock,
    }: Pick<S3Options, "pageSize" | "partBytes" | "clock">,
  ) {
    const { objectLock, encryption } = bucket.target;
    this.address = bucket.address;
    this.capabilities = {
      confirms: true,
      // Without checksums nothing shows what the parts are that KMS encrypts.
      resumes: bucket.hasChecksums || encryption !== "aws:kms",
      locks: objectLock !== undefined,
    };
    this.#bucket = bucket;
    this.#uploads = new S3Uploads(bucket, partBytes, clock);
    this.#pageSize = pageSize;
    this.#clock = clock;
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
    const id = `${source.sha256} ${key}`;
    const sent =
      this.#unproven.get(id) ??
      (await this.#uploads.upload(key, source, options));
    this.#unproven.delete(id);
    try {
      await this.#prove(key, source, sent);
    } catch (error) {
      if (isDrError(error, "OFFSITE_UNREACHABLE")) {
        this.#unproven.set(id, sent);
      }
      throw error;
    }
  }

  /**
   * @throws {DrError} OFFSITE_DAMAGED, and then it is gone again;
   * OFFSITE_EXISTS when somebody else has written over it.
   */
  async #prove(
    key: string,
    source: Source,
    { expected, isResumed }: Sent,
  ): Promise<void> {
    const head = await this.#bucket.head(key);
    // A resumed upload bears the label that it was begun with, others their own.
    if (!isResumed && labelOf(head, source) !== source.sha256) {
      throw new DrError("OFFSITE_EXISTS", { storage: this.address, key });
    }
    const reason = await this.#whatIsWrong(key, source, expected, head);
    if (reason !== undefined) {
      throw await this.#takeBack(key, head, reason);
    }
    const { objectLock } = this.#bucket.target;
    if (isResumed && objectLock !== undefined) {
      await this.#lockAnew(key, objectLock, head);
    }
  }

  /** Of an object that was just written; undefined: nothing. */
  async #whatIsWrong(
    key: string,
    source: Source,
    expected: Expected,
    head: HeadObjectCommandOutput | undefined,
  ): Promise<string | undefined> {
    if (head === undefined) {
      return "it isn't there";
    }
    const { sizeBytes, sha256 } = source;
    if (head.ContentLength !== sizeBytes) {
      return `it has ${String(head.ContentLength)} bytes instead of ${String(sizeBytes)}`;
    }
    const label = labelOf(head, source);
    if (label !== sha256) {
      return `it bears the SHA-256 ${label} instead of ${sha256}`;
    }
    // Not every ETag is an MD5: it may prove an object, but never condemn it.
    return proves(head, expected)
      ? undefined
      : await this.#differenceFrom(key, sha256);
  }

  /** Reads an object back. */
  async #differenceFrom(
    key: string,
    sha256: string,
  ): Promise<string | undefined> {
    const measure = new Measure();
    try {
      for await (const chunk of await this.get(key)) {
        measure.add(chunk as Buffer);
      }
    } catch (error) {
      if (isDrError(error, "OFFSITE_DAMAGED")) {
        return String(error.values.reason);
      }
      throw error;
    }
    const found = measure.extent().sha256;
    return found === sha256
      ? undefined
      : `its SHA-256 is ${found} instead of ${sha256}`;
  }

  /** Takes away what is damaged; where a lock keeps it, it is at least hidden. */
  async #takeBack(
    key: string,
    head: HeadObjectCommandOutput | undefined,
    reason: string,
  ): Promise<DrError> {
    const damaged = (left = "") =>
      new DrError("OFFSITE_DAMAGED", {
        storage: this.address,
        key,
        reason: `${reason}${left}`,
      });
    try {
      if (head !== undefined) {
        await this.#bucket.remove(key, head).catch(async () => {
          await this.#bucket.remove(key, {});
        });
      }
      return damaged();
    } catch (error) {
      return damaged(`, and it can't be taken away: ${messageOf(error)}`);
    }
  }

  /** A resumed upload has the lock that was asked for when it was begun. */
  async #lockAnew(
    key: string,
    lock: ObjectLockConfig,
    head: HeadObjectCommandOutput | undefined,
  ): Promise<void> {
    await this.#bucket.ask(
      "PutObjectRetention",
      key,
      async (client) =>
        await client.putObjectRetention({
          ...this.#bucket.at(key),
          VersionId: head?.VersionId,
          Retention: {
            Mode: lockModeOf(lock),
            RetainUntilDate: lockEnd(lock, this.#clock),
          },
        }),
    );
  }

  async get(key: string, range?: ByteRange): Promise<Readable> {
    if (range !== undefined && range.start >= range.end) {
      // HTTP has no empty range: the store would give everything.
      return Readable.from([], { objectMode: false });
    }
    const { Body: body, ContentRange: given } = await this.#bucket.ask(
      "GetObject",
      key,
      async (client) =>
        await client.getObject({
          ...this.#bucket.at(key),
          ...(range === undefined
            ? {}
            : {
                Range: `bytes=${String(range.start)}-${String(range.end - 1)}`,
              }),
        }),
    );
    const bytes = body as Readable;
    if (!startsAt(given, range?.start)) {
      bytes.destroy();
      throw new DrError("OFFSITE_FAILED", {
        storage: this.address,
        operation: "GetObject",
        reason: "it gives other bytes than were asked for",
      });
    }
    return checkedDownload(bytes, {
      stallMs: this.#bucket.idleTimeoutMs,
      broken: (_, cause) => this.#bucket.explainBroken(key, cause),
    });
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

/** The SHA-256 that an object bears; that of the source where it bears none. */
function labelOf(
  head: HeadObjectCommandOutput | undefined,
  { sha256 }: Source,
): string {
  return head?.Metadata?.sha256 ?? sha256;
}

/** Whether an answer is of what was asked for. @param given - `bytes 10-19/1000`; undefined: all. */
function startsAt(
  given: string | undefined,
  start: number | undefined,
): boolean {
  return start === undefined
    ? given === undefined
    : given?.startsWith(`bytes ${String(start)}-`) === true;
}
