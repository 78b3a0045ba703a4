import { buffer } from "node:stream/consumers";

import type {
  BlobGetPropertiesResponse,
  BlobImmutabilityPolicy,
  BlockBlobClient,
  BlockBlobCommitBlockListOptions,
} from "@azure/storage-blob";

import { DrError, isDrError } from "../../core/errors.js";
import { inParallel } from "../../core/in-parallel.js";
import { chunked } from "../blocks.js";
import type { PutOptions, Source } from "../storage.js";
import { azureBlocksOf, Digest, type AzureBlock } from "./azure-block.js";
import type { AzureContainer } from "./azure-container.js";

/** In memory, too. */
const BLOCKS_AT_ONCE = 4;
const DAY_MS = 86_400_000;

/**
 * Writes objects, in one request or in blocks.
 *
 * What proves them: the store compares the CRC-64 of every block with what has
 * arrived, or the MD5 of what comes in one request, and refuses it if it is
 * another. A blob of blocks is made of those it has compared; the MD5 of all of
 * it is stored as we say, unchecked, for those who read it. That it came to be
 * as we have said is seen from its properties.
 *
 * @see https://learn.microsoft.com/rest/api/storageservices/put-block
 * @see https://learn.microsoft.com/rest/api/storageservices/put-block-list
 */
export class AzureUploads {
  readonly #container: AzureContainer;
  readonly #blockBytes: number;

  /** @param blockBytes - What is larger is sent in blocks, at least so large. */
  constructor(container: AzureContainer, blockBytes: number) {
    this.#container = container;
    this.#blockBytes = blockBytes;
  }

  /** @throws {DrError} what `Storage.put` does. */
  async upload(
    key: string,
    source: Source,
    options: PutOptions,
  ): Promise<void> {
    try {
      await this.#upload(key, source, options);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (isDrError(error, "OFFSITE_EXISTS")) {
        await this.#lockEarlier(key, source, options.signal);
      }
      throw this.#container.explain("put", key, error);
    }
  }

  async #upload(
    key: string,
    source: Source,
    options: PutOptions,
  ): Promise<void> {
    const isDone =
      source.sizeBytes <= this.#blockBytes &&
      (await this.#atOnce(key, source, options));
    if (!isDone) {
      await this.#inBlocks(key, source, options);
    }
  }

  /**
   * In one request.
   *
   * @returns false when it can't be: blocks of an interrupted upload lie under
   * its name, and the store takes them for the object.
   */
  async #atOnce(
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
        async (blob, properties, moved) =>
          await blob.upload(chunked(bytes), bytes.length, {
            ...properties,
            onProgress: moved,
          }),
      );
    } catch (error) {
      if (
        isDrError(error, "OFFSITE_EXISTS") &&
        (await this.#container.look(key, signal)) === undefined
      ) {
        return false;
      }
      throw error;
    }
    onProgress?.(bytes.length);
    return true;
  }

  async #inBlocks(
    key: string,
    source: Source,
    { onProgress, signal }: PutOptions,
  ): Promise<void> {
    if ((await this.#container.look(key, signal)) !== undefined) {
      const { address: storage } = this.#container;
      throw new DrError("OFFSITE_EXISTS", { storage, key });
    }
    const kept = await this.#keptBlocks(key, signal);
    const digest = new Digest();
    const blocks = azureBlocksOf(source, this.#blockBytes, digest);
    let arrivedBytes = 0;
    const ids = await inParallel(blocks, BLOCKS_AT_ONCE, async (block) => {
      signal?.throwIfAborted();
      const { id, bytes } = block;
      if (kept.get(id) !== bytes.length) {
        await this.#stage(key, block, signal);
      }
      arrivedBytes += bytes.length;
      onProgress?.(arrivedBytes);
      return id;
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

  /** Sizes by id of the blocks that an interrupted upload has left; they go away after a week. */
  async #keptBlocks(
    key: string,
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<string, number>> {
    try {
      const { uncommittedBlocks = [] } = await this.#container.ask(
        "put",
        key,
        async (abortSignal) =>
          await this.#container
            .blob(key)
            .getBlockList("uncommitted", { abortSignal }),
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
    { id, crc64, bytes }: AzureBlock,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await this.#container.ask(
      "put",
      key,
      async (abortSignal, moved) =>
        await this.#container
          .blob(key)
          .stageBlock(id, chunked(bytes), bytes.length, {
            abortSignal,
            onProgress: moved,
            transactionalContentCrc64: crc64,
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
      ({ etag } = await this.#container.ask(
        "put",
        key,
        async (abortSignal, moved) =>
          await send(
            this.#container.blob(key),
            { ...properties, abortSignal },
            moved,
          ),
        signal,
      ));
    } catch (error) {
      if (!isDrError(error, "OFFSITE_UNREACHABLE")) {
        throw error;
      }
      // It may have arrived although its answer didn't.
      unheard = error;
    }
    const found = await this.#container.look(key, signal);
    if (found !== undefined && isSame(found, source) && hasMd5(found, md5)) {
      await this.#lock(key, found, signal);
      return;
    }
    if (unheard !== undefined) {
      throw unheard;
    }
    await this.#takeBack(key, etag);
    throw this.#container.damaged(key, "its size or its digests are others");
  }

  #properties(
    { sha256 }: Source,
    md5: Buffer,
  ): BlockBlobCommitBlockListOptions {
    const { tier = "Cool" } = this.#container.target;
    const policy = this.#policy();
    return {
      conditions: { ifNoneMatch: "*" },
      blobHTTPHeaders: { blobContentMD5: md5 },
      metadata: { sha256 },
      tier,
      ...(policy === undefined ? {} : { immutabilityPolicy: policy }),
    };
  }

  /** From now on. */
  #policy(): Required<BlobImmutabilityPolicy> | undefined {
    const { target, clock } = this.#container;
    const { immutability } = target;
    return immutability === undefined
      ? undefined
      : {
          expiriesOn: new Date(
            clock.now().getTime() + immutability.days * DAY_MS,
          ),
          policyMode: immutability.mode === "locked" ? "Locked" : "Unlocked",
        };
  }

  /**
   * Azure's documentation says of a policy that comes with an upload both that
   * it is locked, if asked for, and that it never is: whichever it was, it is
   * at least as configured in the end.
   *
   * @see https://learn.microsoft.com/azure/storage/blobs/immutable-version-level-worm-policies
   */
  async #lock(
    key: string,
    { immutabilityPolicyMode: mode }: BlobGetPropertiesResponse,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const policy = this.#policy();
    const enough = ["Locked", policy?.policyMode].map((one) =>
      one?.toLowerCase(),
    );
    if (policy !== undefined && !enough.includes(mode?.toLowerCase())) {
      await this.#container.ask(
        "lock",
        key,
        async (abortSignal) =>
          await this.#container
            .blob(key)
            .setImmutabilityPolicy(policy, { abortSignal }),
        signal,
      );
    }
  }

  /** Of an earlier attempt that has written the object, the lock may be what failed. */
  async #lockEarlier(
    key: string,
    source: Source,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (this.#container.target.immutability === undefined) {
      return;
    }
    const found = await this.#container.look(key, signal);
    if (found !== undefined && isSame(found, source)) {
      await this.#lock(key, found, signal);
    }
  }

  /**
   * That it is damaged is said in any case.
   *
   * @param etag - Of what we have written: nobody else's is taken away.
   */
  async #takeBack(key: string, etag: string | undefined): Promise<void> {
    if (etag === undefined) {
      return;
    }
    try {
      await this.#container.ask("delete", key, async (abortSignal) => {
        const conditions = { ifMatch: etag };
        await this.#container.blob(key).delete({ abortSignal, conditions });
      });
    } catch (error) {
      if (!isDrError(error)) {
        throw error;
      }
    }
  }
}

function isSame(
  { contentLength, metadata }: BlobGetPropertiesResponse,
  { sizeBytes, sha256 }: Source,
): boolean {
  return contentLength === sizeBytes && metadata?.sha256 === sha256;
}

function hasMd5(
  { contentMD5 }: BlobGetPropertiesResponse,
  md5: Buffer,
): boolean {
  return contentMD5 !== undefined && md5.equals(contentMD5);
}
