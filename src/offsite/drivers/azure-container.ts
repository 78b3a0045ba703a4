import type {
  BlobGetPropertiesResponse,
  BlockBlobClient,
  ContainerClient,
} from "@azure/storage-blob";

import type { AzureTarget } from "../../config/types.js";
import type { Clock } from "../../core/clock.js";
import { DrError, isDrError } from "../../core/errors.js";
import { StallTimer } from "../stall-timer.js";
import { explainAzure, type AzureRequest } from "./azure-error.js";

export type AzureOperation = AzureRequest["operation"];

/** A container, and what is asked of it; what goes wrong is one of our errors. */
export class AzureContainer {
  /** `azure://takumi/backups/production/` */
  readonly address: string;
  readonly target: AzureTarget;
  readonly client: ContainerClient;
  readonly clock: Clock;
  /** A connection on which nothing moves for so long counts as lost. */
  readonly stallMs: number;

  constructor(
    client: ContainerClient,
    target: AzureTarget,
    { clock, stallMs }: { readonly clock: Clock; readonly stallMs: number },
  ) {
    this.address = addressOf(target);
    this.target = target;
    this.client = client;
    this.clock = clock;
    this.stallMs = stallMs;
  }

  blob(key: string): BlockBlobClient {
    return this.client.getBlockBlobClient(this.target.prefix + key);
  }

  /**
   * One request, which ends when nothing moves.
   *
   * @param key - Absent of a list.
   * @param send - Calls `moved` when something does.
   * @param signal - Whoever gives it asks it for its reason.
   * @throws {DrError} OFFSITE_…
   */
  async ask<T>(
    operation: AzureOperation,
    key: string | undefined,
    send: (abortSignal: AbortSignal, moved: () => void) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const stall = new StallTimer(this.stallMs);
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
      throw stall.hasFired
        ? this.unreachable(operation, stall.reason, error)
        : this.explain(operation, key, error);
    } finally {
      stall.stop();
    }
  }

  /** @returns undefined when there is no such object. */
  async look(
    key: string,
    signal?: AbortSignal,
  ): Promise<BlobGetPropertiesResponse | undefined> {
    try {
      return await this.ask(
        "stat",
        key,
        async (abortSignal) =>
          await this.blob(key).getProperties({ abortSignal }),
        signal,
      );
    } catch (error) {
      if (isDrError(error, "OFFSITE_MISSING")) {
        return undefined;
      }
      throw error;
    }
  }

  explain(
    operation: AzureOperation,
    key: string | undefined,
    error: unknown,
  ): DrError {
    const { account, container } = this.target;
    const request = { storage: this.address, account, container, operation };
    return explainAzure(
      error,
      key === undefined ? request : { ...request, key },
      this.clock.now(),
    );
  }

  unreachable(
    operation: AzureOperation,
    reason: string,
    cause: unknown,
  ): DrError {
    const { address: storage } = this;
    return new DrError(
      "OFFSITE_UNREACHABLE",
      { storage, operation, reason },
      { cause },
    );
  }

  damaged(key: string, reason: string): DrError {
    const { address: storage } = this;
    return new DrError("OFFSITE_DAMAGED", { storage, key, reason });
  }
}

/** For people. */
export function addressOf({ account, container, prefix }: AzureTarget): string {
  return `azure://${account}/${container}/${prefix}`;
}
