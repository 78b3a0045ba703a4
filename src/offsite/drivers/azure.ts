import { createHash } from "node:crypto";
import { Readable } from "node:stream";

import type { BlobGetPropertiesResponse } from "@azure/storage-blob";

import type { AzureTarget } from "../../config/types.js";
import { systemClock, type Clock } from "../../core/clock.js";
import { DrError, isDrError } from "../../core/errors.js";
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
import { addressOf, AzureContainer } from "./azure-container.js";
import { readKey } from "./azure-key.js";
import { AzureUploads } from "./azure-upload.js";

export interface AzureOptions {
  /** Objects of one page; at most 5000. */
  readonly pageSize?: number;
  /** What is larger is sent in blocks, at least so large. Default: 8 MiB. */
  readonly blockBytes?: number;
  /** A connection on which nothing moves for so long counts as lost. Default: 60 s. */
  readonly stallMs?: number;
  readonly clock?: Clock;
  /** The optional package that it needs. */
  readonly load?: () => Promise<typeof import("@azure/storage-blob")>;
}

const PACKAGE = "@azure/storage-blob";
const PAGE = 1000;
const BLOCK_BYTES = 8 * 1024 * 1024;
const STALL_MS = 60_000;

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
  const { account, container } = target;
  const address = addressOf(target);
  const {
    clock = systemClock,
    stallMs = STALL_MS,
    load = async () => await import("@azure/storage-blob"),
  } = options;
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
  return new AzureStorage(
    new AzureContainer(client, target, { clock, stallMs }),
    options,
  );
}

class AzureStorage implements Storage {
  readonly address: string;
  readonly capabilities: StorageCapabilities;
  readonly #container: AzureContainer;
  readonly #uploads: AzureUploads;
  readonly #pageSize: number;

  constructor(
    container: AzureContainer,
    { pageSize = PAGE, blockBytes = BLOCK_BYTES }: AzureOptions,
  ) {
    this.address = container.address;
    this.capabilities = {
      confirms: true,
      resumes: true,
      locks: container.target.immutability !== undefined,
    };
    this.#container = container;
    this.#uploads = new AzureUploads(container, blockBytes);
    this.#pageSize = pageSize;
  }

  async listPage(prefix: string, from?: string): Promise<ObjectPage> {
    const { prefix: own } = this.#container.target;
    const page = await this.#container.ask(
      "list",
      undefined,
      async (abortSignal) => {
        const pages = this.#container.client
          .listBlobsFlat({ prefix: own + prefix, abortSignal })
          .byPage({
            maxPageSize: this.#pageSize,
            ...(from === undefined ? {} : { continuationToken: from }),
          });
        for await (const first of pages) {
          return first;
        }
        return undefined;
      },
    );
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
    const found = await this.#container.look(key);
    if (found === undefined) {
      return undefined;
    }
    const sha256 = found.metadata?.sha256;
    const lockedUntil = found.immutabilityPolicyExpiresOn;
    return {
      key,
      sizeBytes: found.contentLength ?? 0,
      modifiedAt: found.lastModified ?? this.#container.clock.now(),
      ...(sha256 === undefined ? {} : { sha256 }),
      ...(lockedUntil === undefined ? {} : { lockedUntil }),
    };
  }

  async put(
    key: string,
    source: Source,
    options: PutOptions = {},
  ): Promise<void> {
    await this.#uploads.upload(key, source, options);
  }

  async get(key: string, range?: ByteRange): Promise<Readable> {
    const { start, end } = range ?? { start: 0, end: undefined };
    if (end !== undefined && start >= end) {
      // The SDK would take it for everything.
      return Readable.from([], { objectMode: false });
    }
    const answer = await this.#container.ask(
      "get",
      key,
      async (abortSignal) =>
        await this.#container
          .blob(key)
          .download(start, end === undefined ? undefined : end - start, {
            abortSignal,
            maxRetryRequests: 0,
          }),
    );
    const { contentMD5, readableStreamBody } = answer;
    const md5 = createHash("md5");
    return checkedDownload(readableStreamBody as Readable, {
      stallMs: this.#container.stallMs,
      onChunk: (chunk) => {
        md5.update(chunk);
      },
      onEnd: () =>
        range !== undefined ||
        contentMD5 === undefined ||
        md5.digest().equals(contentMD5)
          ? undefined
          : this.#container.damaged(
              key,
              "its MD5 isn't the one that the store keeps of it",
            ),
      broken: (reason, cause) =>
        this.#container.unreachable("get", reason, cause),
    });
  }

  async delete(key: string): Promise<void> {
    const found = await this.#container.look(key);
    if (found === undefined) {
      return;
    }
    // Where versions are kept, deleting would only hide it.
    this.#requireUnlocked(key, found);
    try {
      await this.#container.ask("delete", key, async (abortSignal) => {
        await this.#container.blob(key).delete({ abortSignal });
      });
    } catch (error) {
      if (!isDrError(error, "OFFSITE_MISSING")) {
        throw error;
      }
    }
  }

  #requireUnlocked(key: string, found: BlobGetPropertiesResponse): void {
    const { legalHold, immutabilityPolicyExpiresOn: until, date } = found;
    const isLocked =
      until !== undefined && until > (date ?? this.#container.clock.now());
    if (legalHold !== true && !isLocked) {
      return;
    }
    const { address: storage } = this.#container;
    const reason = isLocked
      ? `it is locked until ${until.toISOString()}`
      : "it is on legal hold until somebody lifts that";
    throw new DrError("OFFSITE_LOCKED", { storage, key, reason });
  }
}
