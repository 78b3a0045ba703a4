import type { HeadObjectCommandOutput, S3 } from "@aws-sdk/client-s3";

import type { S3Target } from "../../config/types.js";
import { DrError, messageOf } from "../../core/errors.js";
import {
  explainS3,
  reasonFor,
  statusOf,
  type S3Operation,
} from "./s3-error.js";

/** How long a store may take. */
export interface S3Timeouts {
  /** To take up a connection. Default: 10 s. */
  readonly connectionTimeoutMs?: number;
  /** Without a byte in either direction. Default: 60 s. */
  readonly idleTimeoutMs?: number;
}

/** The SDK's own name for a signal. */
interface CallOff {
  readonly abortSignal?: AbortSignal;
}

type Sdk = typeof import("@aws-sdk/client-s3");

/** A bucket, and what is asked of it; what goes wrong is one of our errors. */
export class S3Bucket {
  /** `s3://takumi-backups/production/` */
  readonly address: string;
  readonly target: S3Target;
  readonly idleTimeoutMs: number;
  readonly #client: S3;

  constructor(
    sdk: Sdk,
    target: S3Target,
    { connectionTimeoutMs = 10_000, idleTimeoutMs = 60_000 }: S3Timeouts,
  ) {
    const timeouts = { connectionTimeoutMs, idleTimeoutMs };
    this.target = target;
    this.address = `s3://${target.bucket}/${target.prefix}`;
    this.idleTimeoutMs = idleTimeoutMs;
    this.#client = openClient(sdk, target, this.address, timeouts);
  }

  get hasChecksums(): boolean {
    return this.target.checksums !== false;
  }

  get honoursConditions(): boolean {
    return this.target.conditionalWrites !== false;
  }

  /** An object, as S3 calls it. */
  at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.target.bucket, Key: this.target.prefix + key };
  }

  /**
   * One request.
   *
   * @param send - Takes what the request is to be called off with.
   * @throws {DrError} OFFSITE_…; the signal's reason when it was called off.
   */
  async ask<T>(
    operation: S3Operation,
    key: string,
    send: (client: S3, request: CallOff) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    signal?.throwIfAborted();
    try {
      return await send(
        this.#client,
        signal === undefined ? {} : { abortSignal: signal },
      );
    } catch (error) {
      signal?.throwIfAborted();
      throw this.explain(operation, key, error);
    }
  }

  explain(operation: S3Operation, key: string, error: unknown): DrError {
    return explainS3(error, {
      storage: this.address,
      bucket: this.target.bucket,
      operation,
      key,
      hasOwnCredentials: this.target.credentials !== undefined,
    });
  }

  /** What a stream of an object fails with; the SDK holds it against its checksum. */
  explainBroken(key: string, cause: unknown): DrError {
    const { address: storage } = this;
    if (/^checksum mismatch/i.test(messageOf(cause))) {
      const reason = "its checksum isn't the one that the store keeps of it";
      const values = { storage, key, reason };
      return new DrError("OFFSITE_DAMAGED", values, { cause });
    }
    const values = {
      storage,
      operation: "GetObject",
      reason: reasonFor(cause),
    };
    return new DrError("OFFSITE_UNREACHABLE", values, { cause });
  }

  /** What the store says of an object; undefined when there is none. */
  async head(
    key: string,
    signal?: AbortSignal,
  ): Promise<HeadObjectCommandOutput | undefined> {
    return await this.ask(
      "HeadObject",
      key,
      async (client, request) => {
        const look = async () => await this.#look(client, key, request);
        try {
          return await look();
        } catch (error) {
          if (![400, 403].includes(statusOf(error) ?? 0)) {
            throw error;
          }
          await this.#requireReadable(client, key);
          // By the first answer the SDK has set a clock that was wrong.
          return await look();
        }
      },
      signal,
    );
  }

  async #look(
    client: S3,
    key: string,
    request: CallOff,
  ): Promise<HeadObjectCommandOutput | undefined> {
    const checksums = this.hasChecksums
      ? ({ ChecksumMode: "ENABLED" } as const)
      : {};
    try {
      return await client.headObject(
        { ...this.at(key), ...checksums },
        request,
      );
    } catch (error) {
      if (statusOf(error) === 404) {
        return undefined;
      }
      throw error;
    }
  }

  /** The answer to a HEAD has no body that could say why it was refused. @throws what a GET is refused with. */
  async #requireReadable(client: S3, key: string): Promise<void> {
    try {
      const { Body } = await client.getObject({
        ...this.at(key),
        Range: "bytes=0-0",
      });
      await Body?.transformToByteArray();
    } catch (error) {
      if (!(error instanceof Error && error.name === "NoSuchKey")) {
        throw error;
      }
    }
  }

  /**
   * Takes an object away. Where the store keeps versions this is the one that
   * was looked at: without its name the store would only hide it.
   */
  async remove(
    key: string,
    { VersionId }: Pick<HeadObjectCommandOutput, "VersionId">,
  ): Promise<void> {
    await this.ask("DeleteObject", key, async (client) => {
      await client.deleteObject({ ...this.at(key), VersionId });
    });
  }
}

function openClient(
  sdk: Sdk,
  target: S3Target,
  storage: string,
  { connectionTimeoutMs, idleTimeoutMs }: Required<S3Timeouts>,
): S3 {
  const { endpoint, credentials, checksums } = target;
  const region = target.region ?? defaultRegion(target);
  const client = new sdk.S3({
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(credentials === undefined
      ? {}
      : {
          credentials: async () => await readCredentials(credentials, storage),
        }),
    forcePathStyle: target.forcePathStyle ?? endpoint !== undefined,
    // Whoever has opened the storage knows better when to try again.
    maxAttempts: 1,
    // They are in the requests that need them.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation:
      checksums === false ? "WHEN_REQUIRED" : "WHEN_SUPPORTED",
    requestHandler: {
      connectionTimeout: connectionTimeoutMs,
      socketTimeout: idleTimeoutMs,
    },
  });
  keepConnections(client);
  return client;
}

/** Stores that aren't Amazon's seldom have regions, and the SDK insists. */
function defaultRegion({ endpoint }: S3Target): string | undefined {
  return endpoint === undefined
    ? undefined
    : (process.env.AWS_REGION ?? "us-east-1");
}

async function readCredentials(
  { accessKeyId, secretAccessKey }: NonNullable<S3Target["credentials"]>,
  storage: string,
): Promise<{ accessKeyId: string; secretAccessKey: string }> {
  try {
    return {
      accessKeyId: await accessKeyId.get(),
      secretAccessKey: await secretAccessKey.get(),
    };
  } catch (error) {
    throw new DrError(
      "OFFSITE_DENIED",
      {
        storage,
        operation: "access",
        reason: `its credentials can't be read: ${messageOf(error)}`,
        way: "Set what `credentials` of the target in `dr.offsite.targets` refers to.",
      },
      { cause: error },
    );
  }
}

/**
 * Asked to `Expect: 100-continue`, the SDK opens a connection for every
 * request, which parts of a large object would pay for with a handshake and a
 * slow start each.
 */
function keepConnections(client: S3): void {
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        if (commandName === "UploadPartCommand") {
          const { headers } = args.request as {
            headers: Record<string, string>;
          };
          delete headers.Expect;
        }
        return await next(args);
      },
    { step: "build", priority: "low", name: "keepConnections" },
  );
}
