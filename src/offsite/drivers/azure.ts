import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";

import type {
  BlobGetPropertiesResponse,
  BlobImmutabilityPolicy,
  BlockBlobClient,
  BlockBlobCommitBlockListOptions,
  ContainerClient,
} from "@azure/storage-blob";

import { Measure, requireExtent } from "../../artifact/measure.js";
import type { AzureTarget } from "../../config/types.js";
import { systemClock, type Clock } from "../../core/clock.js";
import { DrError, isDrError, messageOf } from "../../core/errors.js";
import { blockBytesOf, blocksOf, chunked, md5Of } from "../blocks.js";
import { checkedDownload } from "../checked-download.js";
import { inParallel } from "../../core/in-parallel.js";
import { loadPackage } from "../load-package.js";
import { StallTimer } from "../stall-timer.js";
import type {
  ByteRange,
  ObjectPage,
  PutOptions,
  Source,
  Storage,
  StorageCapabilities,
  StoredObject,
} from "../storage.js";
import { explainAzure, wayToSetKey, type AzureRequest } from "./azure-error.js";

export interface AzureOptions {
  /** Objects of one page; at most 5000. */
  readonly pageSize?: number;
  /** What is larger is sent in blocks, at least so large. */
  readonly blockBytes?: number;
  /** A connection on which nothing moves for so long counts as lost. */
  readonly stallMs?: number;
  readonly clock?: Clock;
  /** The optional package that it needs. */
  readonly load?: () => Promise<typeof import("@azure/storage-blob")>;
}

type Operation = AzureRequest["operation"];

const PACKAGE = "@azure/storage-blob";
const PAGE = 1000;
const BLOCK_BYTES = 8 * 1024 * 1024;
const STALL_MS = 60_000;
/** Azure's limit. */
const MOST_BLOCKS = 50_000;
/** In memory, too. */
const BLOCKS_AT_ONCE = 4;
const DAY_MS = 86_400_000;

/**
 * A container of Azure Blob Storage.
 *
 * @throws {DrError} OFFSITE_PACKAGE_MISSING, OFFSITE_DENIED when there is no
 * key of the account; nothing is asked of the store yet.
 */
export async function openAzure(
  target: AzureTarget,
  options: AzureOptions = {},
): Promise<Storage> {
  const { account, container, prefix } = target;
  const address = `azure://${account}/${container}/${prefix}`;
  const { load = async () => await import("@azure/storage-blob") } = options;
  const sdk = await loadPackage(address, PACKAGE, load);
  const key = await readKey(target, address);
  const endpoint =
    target.endpoint?.replace(/\/+$/, "") ??
    `https://${account}.blob.core.windows.net`;
  const client = new sdk.ContainerClient(
    `${endpoint}/${encodeURIComponent(container)}`,
    new sdk.StorageSharedKeyCredential(account, key),
    // Who asks again, and when, is not the driver's to say.
    { retryOptions: { maxTries: 1 } },
  );
  return new AzureStorage(client, target, address, options);
}

async function readKey(
  { account, key }: AzureTarget,
  storage: string,
): Promise<string> {
  const deny = (reason: string, cause?: unknown) =>
    new DrError(
      "OFFSITE_DENIED",
      { storage, operation: "access", reason, way: wayToSetKey(account) },
      { cause },
    );
  let text: string;
  try {
    text = (await key.get()).trim();
  } catch (error) {
    throw deny(`there is no account key: ${messageOf(error)}`, error);
  }
  if (text === "" || Buffer.from(text, "base64").toString("base64") !== text) {
    throw deny("the account key isn't one: it must be base64");
  }
  return text;
}

class AzureStorage implements Storage {
  readonly address: string;
  readonly capabilities: StorageCapabilities;
  readonly #container: ContainerClient;
  readonly #target: AzureTarget;
  readonly #pageSize: number;
  readonly #blockBytes: number;
  readonly #stallMs: number;
  readonly #clock: Clock;

  constructor(
    container: ContainerClient,
    target: AzureTarget,
    address: string,
    options: AzureOptions,
  ) {
    this.address = address;
    this.capabilities = {
      confirms: true,
      resumes: true,
      locks: target.immutability !== undefined,
    };
    this.#container = container;
    this.#target = target;
    this.#pageSize = options.pageSize ?? PAGE;
    this.#blockBytes = options.blockBytes ?? BLOCK_BYTES;
    this.#stallMs = options.stallMs ?? STALL_MS;
    this.#clock = options.clock ?? systemClock;
  }

  async listPage(prefix: string, from?: string): Promise<ObjectPage> {
    const { prefix: own } = this.#target;
    const page = await this.#ask("list", undefined, async (abortSignal) => {
      const pages = this.#container
        .listBlobsFlat({ prefix: own + prefix, abortSignal })
        .byPage({
          maxPageSize: this.#pageSize,
          ...(from === undefined ? {} : { continuationToken: from }),
        });
      for await (const first of pages) {
        return first;
      }
      return undefined;
    });
    const next = page?.continuationToken ?? "";
    return {
      objects: (page?.segment.blobItems ?? []).map(({ name, properties }) => ({
        key: name.slice(own.length),
        sizeBytes: properties.contentLength ?? 0,
        modifiedAt: properties.lastModified,
      })),
      ...(next === "" ? {} : { next }),
    };
  }

  async stat(key: string): Promise<StoredObject | undefined> {
    const found = await this.#look(key);
    if (found === undefined) {
      return undefined;
    }
    const sha256 = found.metadata?.sha256;
    const lockedUntil = found.immutabilityPolicyExpiresOn;
    return {
      key,
      sizeBytes: found.contentLength ?? 0,
      modifiedAt: found.lastModified ?? this.#clock.now(),
      ...(sha256 === undefined ? {} : { sha256 }),
      ...(lockedUntil === undefined ? {} : { lockedUntil }),
    };
  }

  async put(
    key: string,
    source: Source,
    options: PutOptions = {},
  ): Promise<void> {
    try {
      const isPut =
        source.sizeBytes <= this.#blockBytes &&
        (await this.#putWhole(key, source, options));
      if (!isPut) {
        await this.#putInBlocks(key, source, options);
      }
    } catch (error) {
      options.signal?.throwIfAborted();
      throw this.#explain("put", key, error);
    }
  }

  async get(key: string, range?: ByteRange): Promise<Readable> {
    const { start, end } = range ?? { start: 0, end: undefined };
    if (end !== undefined && start >= end) {
      // The SDK would take it for everything.
      return Readable.from([], { objectMode: false });
    }
    const answer = await this.#ask(
      "get",
      key,
      async (abortSignal) =>
        await this.#blob(key).download(
          start,
          end === undefined ? undefined : end - start,
          { abortSignal, maxRetryRequests: 0 },
        ),
    );
    const { contentMD5, readableStreamBody } = answer;
    const md5 = createHash("md5");
    return checkedDownload(readableStreamBody as Readable, {
      stallMs: this.#stallMs,
      onChunk: (chunk) => {
        md5.update(chunk);
      },
      onEnd: () =>
        range !== undefined ||
        contentMD5 === undefined ||
        md5.digest().equals(contentMD5)
          ? undefined
          : this.#damaged(
              key,
              "its MD5 isn't the one that the store keeps of it",
            ),
      broken: (reason, cause) => this.#unreachable("get", reason, cause),
    });
  }

  async delete(key: string): Promise<void> {
    const found = await this.#look(key);
    if (found === undefined) {
      return;
    }
    // Where versions are kept, deleting would only hide it.
    this.#requireUnlocked(key, found);
    try {
      await this.#ask("delete", key, async (abortSignal) => {
        await this.#blob(key).delete({ abortSignal });
      });
    } catch (error) {
      if (!isDrError(error, "OFFSITE_MISSING")) {
        throw error;
      }
    }
  }

  #requireUnlocked(key: string, found: BlobGetPropertiesResponse): void {
    const { legalHold, immutabilityPolicyExpiresOn: until, date } = found;
    const isLocked = until !== undefined && until > (date ?? this.#clock.now());
    if (legalHold !== true && !isLocked) {
      return;
    }
    const { address: storage } = this;
    const reason = isLocked
      ? `it is locked until ${until.toISOString()}`
      : "it is on legal hold until somebody lifts that";
    throw new DrError("OFFSITE_LOCKED", { storage, key, reason });
  }

  /**
   * In one request.
   *
   * @returns false when it can't be: blocks of an interrupted upload lie under
   * its name, and the store takes them for the object.
   */
  async #putWhole(
    key: string,
    source: Source,
    { onProgress, signal }: PutOptions,
  ): Promise<boolean> {
    const digest = new Digest();
    const bytes = await buffer(source.open());
    digest.add(bytes);
    const md5 = digest.require(key, source);
    try {
      await this.#write(
        key,
        source,
        md5,
        signal,
        async (blob, properties, onProgress) =>
          await blob.upload(chunked(bytes), bytes.length, {
            ...properties,
            onProgress,
          }),
      );
    } catch (error) {
      if (
        isDrError(error, "OFFSITE_EXISTS") &&
        (await this.#look(key, signal)) === undefined
      ) {
        return false;
      }
      throw error;
    }
    onProgress?.(bytes.length);
    return true;
  }

  async #putInBlocks(
    key: string,
    source: Source,
    { onProgress, signal }: PutOptions,
  ): Promise<void> {
    if ((await this.#look(key, signal)) !== undefined) {
      throw new DrError("OFFSITE_EXISTS", { storage: this.address, key });
    }
    const kept = await this.#keptBlocks(key, signal);
    const digest = new Digest();
    const ids: string[] = [];
    let arrivedBytes = 0;
    const blocks = numbered(this.#blocks(source), digest, ids, signal);
    await inParallel(blocks, BLOCKS_AT_ONCE, async ({ id, md5, bytes }) => {
      if (kept.get(id) !== bytes.length) {
        await this.#stage(key, id, md5, bytes, signal);
      }
      arrivedBytes += bytes.length;
      onProgress?.(arrivedBytes);
    });
    const md5 = digest.require(key, source);
    await this.#write(
      key,
      source,
      md5,
      signal,
      async (blob, properties) => await blob.commitBlockList(ids, properties),
    );
  }

  #blocks(source: Source): AsyncGenerator<Buffer> {
    const { sizeBytes } = source;
    return blocksOf(
      source,
      blockBytesOf(sizeBytes, this.#blockBytes, MOST_BLOCKS),
    );
  }

  /** Sizes by id of the blocks that an interrupted upload has left; they go away after a week. */
  async #keptBlocks(
    key: string,
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<string, number>> {
    try {
      const { uncommittedBlocks = [] } = await this.#ask(
        "put",
        key,
        async (abortSignal) =>
          await this.#blob(key).getBlockList("uncommitted", { abortSignal }),
        signal,
      );
      return new Map(uncommittedBlocks.map(({ name, size }) => [name, size]));
    } catch (error) {
      if (isDrError(error, "OFFSITE_MISSING")) {
        return new Map();
      }
      throw error;
    }
  }

  async #stage(
    key: string,
    id: string,
    md5: Buffer,
    bytes: Buffer,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await this.#ask(
      "put",
      key,
      async (abortSignal, onProgress) =>
        await this.#blob(key).stageBlock(id, chunked(bytes), bytes.length, {
          abortSignal,
          onProgress,
          transactionalContentMD5: md5,
        }),
      signal,
    );
  }

  /**
   * Has the object come to be, all of it at once, and sees that it is what it
   * should be.
   */
  async #write(
    key: string,
    source: Source,
    md5: Buffer,
    signal: AbortSignal | undefined,
    send: (
      blob: BlockBlobClient,
      properties: BlockBlobCommitBlockListOptions,
      moved: () => void,
    ) => Promise<{ readonly etag?: string }>,
  ): Promise<void> {
    const properties = this.#properties(source, md5);
    let unheard: DrError | undefined;
    let etag: string | undefined;
    try {
      ({ etag } = await this.#ask(
        "put",
        key,
        async (abortSignal, moved) =>
          await send(this.#blob(key), { ...properties, abortSignal }, moved),
        signal,
      ));
    } catch (error) {
      if (!isDrError(error, "OFFSITE_UNREACHABLE")) {
        throw error;
      }
      // It may have arrived although its answer didn't.
      unheard = error;
    }
    const found = await this.#look(key, signal);
    if (found !== undefined && isSame(found, source, md5)) {
      await this.#lock(key, found, properties.immutabilityPolicy, signal);
      return;
    }
    if (unheard === undefined) {
      await this.#takeBack(key, etag);
      throw this.#damaged(key, "its size or its digests are others");
    }
    throw unheard;
  }

  #properties(
    { sha256 }: Source,
    md5: Buffer,
  ): BlockBlobCommitBlockListOptions {
    const { tier = "Cool", immutability } = this.#target;
    return {
      conditions: { ifNoneMatch: "*" },
      blobHTTPHeaders: { blobContentMD5: md5 },
      metadata: { sha256 },
      tier,
      ...(immutability === undefined
        ? {}
        : {
            immutabilityPolicy: {
              expiriesOn: new Date(
                this.#clock.now().getTime() + immutability.days * DAY_MS,
              ),
              policyMode:
                immutability.mode === "locked" ? "Locked" : "Unlocked",
            },
          }),
    };
  }

  /**
   * Azure's documentation says of a policy that comes with an upload both that
   * it is locked, if asked for, and that it never is: whichever it was, it is
   * as configured in the end.
   *
   * @see https://learn.microsoft.com/azure/storage/blobs/immutable-version-level-worm-policies
   */
  async #lock(
    key: string,
    found: BlobGetPropertiesResponse,
    policy: BlobImmutabilityPolicy | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const mode = found.immutabilityPolicyMode?.toLowerCase();
    if (policy !== undefined && mode !== policy.policyMode?.toLowerCase()) {
      await this.#ask(
        "lock",
        key,
        async (abortSignal) =>
          await this.#blob(key).setImmutabilityPolicy(policy, { abortSignal }),
        signal,
      );
    }
  }

  /** Only what we have written; that it is damaged is said in any case. */
  async #takeBack(key: string, etag = ""): Promise<void> {
    try {
      await this.#ask("delete", key, async (abortSignal) => {
        const conditions = { ifMatch: etag };
        await this.#blob(key).delete({ abortSignal, conditions });
      });
    } catch (error) {
      if (!isDrError(error)) {
        throw error;
      }
    }
  }

  async #look(
    key: string,
    signal?: AbortSignal,
  ): Promise<BlobGetPropertiesResponse | undefined> {
    try {
      return await this.#ask(
        "stat",
        key,
        async (abortSignal) =>
          await this.#blob(key).getProperties({ abortSignal }),
        signal,
      );
    } catch (error) {
      if (isDrError(error, "OFFSITE_MISSING")) {
        return undefined;
      }
      throw error;
    }
  }

  #blob(key: string): BlockBlobClient {
    return this.#container.getBlockBlobClient(this.#target.prefix + key);
  }

  /** One request, which ends when nothing moves. @param send - Calls `moved` when something does. */
  async #ask<T>(
    operation: Operation,
    key: string | undefined,
    send: (abortSignal: AbortSignal, moved: () => void) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const stall = new StallTimer(this.#stallMs);
    stall.touch();
    try {
      return await send(
        AbortSignal.any([
          stall.signal,
          ...(signal === undefined ? [] : [signal]),
        ]),
        () => {
          stall.touch();
        },
      );
    } catch (error) {
      signal?.throwIfAborted();
      throw stall.hasFired
        ? this.#unreachable(operation, stall.reason, error)
        : this.#explain(operation, key, error);
    } finally {
      stall.stop();
    }
  }

  #explain(
    operation: Operation,
    key: string | undefined,
    error: unknown,
  ): DrError {
    const { account, container } = this.#target;
    const request = { storage: this.address, account, container, operation };
    return explainAzure(
      error,
      key === undefined ? request : { ...request, key },
      this.#clock.now(),
    );
  }

  #unreachable(operation: Operation, reason: string, cause: unknown): DrError {
    const { address: storage } = this;
    return new DrError(
      "OFFSITE_UNREACHABLE",
      { storage, operation, reason },
      { cause },
    );
  }

  #damaged(key: string, reason: string): DrError {
    return new DrError("OFFSITE_DAMAGED", {
      storage: this.address,
      key,
      reason,
    });
  }
}

/** Of a whole object, as its bytes come by. */
class Digest {
  readonly #measure = new Measure();
  readonly #md5 = createHash("md5");

  add(bytes: Buffer): void {
    this.#measure.add(bytes);
    this.#md5.update(bytes);
  }

  /** @returns its MD5. @throws {DrError} ARTIFACT_DAMAGED when it isn't what its source says. */
  require(key: string, source: Source): Buffer {
    requireExtent(key, source, this.#measure.extent());
    return this.#md5.digest();
  }
}

interface Block {
  readonly id: string;
  readonly md5: Buffer;
  readonly bytes: Buffer;
}

/** Names blocks by their place and content: of the same id are the same bytes. */
async function* numbered(
  blocks: AsyncIterable<Buffer>,
  digest: Digest,
  ids: string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Block> {
  for await (const bytes of blocks) {
    signal?.throwIfAborted();
    digest.add(bytes);
    const md5 = md5Of(bytes);
    const id = blockId(ids.length, md5);
    ids.push(id);
    yield { id, md5, bytes };
  }
}

/** All of one blob must be of one length. */
function blockId(index: number, md5: Buffer): string {
  const place = Buffer.alloc(4);
  place.writeUInt32BE(index);
  return Buffer.concat([place, md5]).toString("base64");
}

function isSame(
  { contentLength, contentMD5, metadata }: BlobGetPropertiesResponse,
  { sizeBytes, sha256 }: Source,
  md5: Buffer,
): boolean {
  return (
    contentLength === sizeBytes &&
    contentMD5 !== undefined &&
    md5.equals(contentMD5) &&
    metadata?.sha256 === sha256
  );
}
