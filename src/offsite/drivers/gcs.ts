import type { Readable } from "node:stream";

import type { GcsTarget } from "../../config/types.js";
import { DrError, messageOf } from "../../core/errors.js";
import { crc32cToBase64 } from "../crc32c.js";
import { loadPackage } from "../load-package.js";
import type {
  ByteRange,
  ObjectPage,
  PutOptions,
  Source,
  Storage,
  StoredObject,
} from "../storage.js";
import { GcsApi } from "./gcs/api.js";
import { GcsBucket } from "./gcs/bucket.js";
import {
  GcsCredentials,
  loadAuthLibrary,
  type AuthLibrary,
} from "./gcs/credentials.js";
import { toStored } from "./gcs/object.js";
import { GcsUploads, type Uploaded } from "./gcs/upload.js";

export interface GcsOptions {
  /** Objects of one page. Default: 1000, the most that the store gives. */
  readonly pageSize?: number;
  /**
   * What isn't larger is sent in one request, all else in chunks of this size:
   * a multiple of 256 KiB. Default: 16 MiB.
   */
  readonly chunkBytes?: number;
  /** A connection on which nothing moves for so long is given up. Default: 60 s. */
  readonly stallMs?: number;
  /** The optional package that it needs. */
  readonly load?: () => Promise<AuthLibrary>;
}

const GOOGLES_ENDPOINT = "https://storage.googleapis.com";
const PAGE = 1000;
const CHUNK_BYTES = 16_777_216;
const STALL_MS = 60_000;

/**
 * Google Cloud Storage, or a server that speaks its JSON API. At such a server
 * nobody says who asks unless there is a key file.
 *
 * @throws {DrError} OFFSITE_PACKAGE_MISSING.
 */
export async function openGcs(
  target: GcsTarget,
  options: GcsOptions = {},
): Promise<Storage> {
  const { bucket, prefix, storageClass = "NEARLINE" } = target;
  const { endpoint = GOOGLES_ENDPOINT } = target;
  const { stallMs = STALL_MS, load = loadAuthLibrary } = options;
  const storage = `gs://${bucket}/${prefix}`;
  const library = await loadPackage(storage, "@google-cloud/storage", load);
  const credentials = new GcsCredentials(storage, target, library, stallMs);
  const place = { storage, endpoint, bucket, prefix, storageClass };
  return new GcsStorage(
    storage,
    prefix,
    new GcsBucket(new GcsApi(credentials, stallMs), place),
    options,
  );
}

/**
 * Objects of a bucket. Each is written only where there is none
 * (`ifGenerationMatch: 0`), its CRC-32C goes with it and is compared with the
 * one that the store has of it, and its SHA-256 is kept in its metadata.
 *
 * An upload that broke off goes on when it is put again by this instance. A
 * session's URL is all that is needed to write the object, so that it isn't
 * written down: another process begins anew, and `resumes` says so.
 */
class GcsStorage implements Storage {
  readonly address: string;
  readonly capabilities = { confirms: true, resumes: false, locks: true };
  readonly #prefix: string;
  readonly #bucket: GcsBucket;
  readonly #uploads: GcsUploads;
  readonly #pageSize: number;

  constructor(
    address: string,
    prefix: string,
    bucket: GcsBucket,
    { pageSize = PAGE, chunkBytes = CHUNK_BYTES }: GcsOptions,
  ) {
    this.address = address;
    this.#prefix = prefix;
    this.#bucket = bucket;
    this.#uploads = new GcsUploads(address, bucket, chunkBytes);
    this.#pageSize = pageSize;
  }

  async listPage(prefix: string, from?: string): Promise<ObjectPage> {
    return await this.#bucket.list(prefix, this.#pageSize, from);
  }

  async stat(key: string): Promise<StoredObject | undefined> {
    const found = await this.#bucket.find(key);
    return found === undefined ? undefined : toStored(found, this.#prefix);
  }

  async put(
    key: string,
    source: Source,
    options: PutOptions = {},
  ): Promise<void> {
    const uploaded = await this.#uploads.upload(key, source, options);
    const reason = whatIsWrong(source, uploaded);
    if (reason !== undefined) {
      const { address: storage } = this;
      const removed = await this.#remove(key, uploaded);
      throw new DrError("OFFSITE_DAMAGED", {
        storage,
        key,
        reason: `${reason}; ${removed}`,
      });
    }
    options.onProgress?.(source.sizeBytes);
  }

  async get(key: string, range?: ByteRange): Promise<Readable> {
    return await this.#bucket.open(key, range);
  }

  async delete(key: string): Promise<void> {
    await this.#bucket.delete(key);
  }

  /** @returns what has become of it. */
  async #remove(key: string, { object }: Uploaded): Promise<string> {
    try {
      await this.#bucket.remove(key, object.generation);
      return "it was taken away again";
    } catch (error) {
      return `and it can't be taken away: ${messageOf(error)}`;
    }
  }
}

function whatIsWrong(
  { sizeBytes }: Source,
  { object, crc32c }: Uploaded,
): string | undefined {
  const sent = crc32cToBase64(crc32c);
  const { size, crc32c: held = "unknown" } = object;
  if (Number(size) !== sizeBytes) {
    return `it has ${size} bytes instead of ${String(sizeBytes)}`;
  }
  return held === sent
    ? undefined
    : `its CRC-32C is ${held} instead of ${sent}`;
}
