import { Readable } from "node:stream";

import { extentOf, requireExtent } from "../../src/artifact/measure.js";
import { DrError } from "../../src/core/errors.js";
import type {
  ByteRange,
  ObjectPage,
  PutOptions,
  Source,
  Storage,
  StoredObject,
} from "../../src/offsite/storage.js";

type Operation = "list" | "stat" | "put" | "get" | "delete";

/** What goes wrong, once, with the next call of an operation. */
export interface Fault {
  readonly operation: Operation;
  /** `lost`: it is done, and nobody hears of it. `cut`: a stream ends early. */
  readonly kind: "unreachable" | "lost" | "denied" | "cut" | "corrupt";
  readonly key?: string;
}

/** A storage whose failures are made to order. */
export class MemoryStorage implements Storage {
  readonly address: string;
  capabilities = { confirms: true, resumes: false, locks: true };
  readonly objects = new Map<
    string,
    StoredObject & { readonly bytes: Buffer }
  >();
  /** Every call: `put contracts/a`. */
  readonly calls: string[] = [];
  readonly faults: Fault[] = [];
  pageSize = 1000;
  /** The store's own clock. */
  now: () => Date = () => new Date();

  constructor(address = "memory://store/") {
    this.address = address;
  }

  fail(operation: Operation, kind: Fault["kind"], times = 1): void {
    for (let time = 0; time < times; time += 1) {
      this.faults.push({ operation, kind });
    }
  }

  async listPage(prefix: string, from = ""): Promise<ObjectPage> {
    this.#begin("list", prefix);
    const keys = [...this.objects.keys()]
      .filter((key) => key.startsWith(prefix) && key > from)
      .toSorted();
    const page = keys.slice(0, this.pageSize);
    return await Promise.resolve({
      objects: page.map((key) => {
        const { sizeBytes, modifiedAt } = this.objects.get(key)!;
        return { key, sizeBytes, modifiedAt };
      }),
      ...(keys.length > page.length ? { next: page.at(-1)! } : {}),
    });
  }

  async stat(key: string): Promise<StoredObject | undefined> {
    this.#begin("stat", key);
    return await Promise.resolve(this.objects.get(key));
  }

  async put(
    key: string,
    source: Source,
    { onProgress, signal }: PutOptions = {},
  ): Promise<void> {
    const fault = this.#begin("put", key);
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    for await (const chunk of source.open() as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      sizeBytes += chunk.length;
      onProgress?.(sizeBytes);
      signal?.throwIfAborted();
    }
    onProgress?.(sizeBytes);
    if (this.objects.has(key)) {
      throw new DrError("OFFSITE_EXISTS", { storage: this.address, key });
    }
    const bytes = Buffer.concat(chunks);
    requireExtent(key, source, extentOf(bytes));
    if (fault === "corrupt") {
      bytes[0]! ^= 1;
    }
    const { sha256 } = source;
    const modifiedAt = this.now();
    this.objects.set(key, { key, sizeBytes, sha256, modifiedAt, bytes });
    if (fault === "lost") {
      throw this.#unreachable("put");
    }
  }

  async get(key: string, range?: ByteRange): Promise<Readable> {
    const fault = this.#begin("get", key);
    const found = this.objects.get(key);
    if (found === undefined) {
      throw new DrError("OFFSITE_MISSING", { storage: this.address, key });
    }
    const all = Buffer.from(found.bytes.subarray(range?.start, range?.end));
    if (fault === "corrupt") {
      all[0]! ^= 1;
    }
    const error = this.#unreachable("get");
    const chunks = function* () {
      if (fault === "cut") {
        yield all.subarray(0, Math.ceil(all.length / 3));
        throw error;
      }
      yield all;
    };
    return await Promise.resolve(
      Readable.from(chunks(), { objectMode: false }),
    );
  }

  async delete(key: string): Promise<void> {
    const fault = this.#begin("delete", key);
    const until = this.objects.get(key)?.lockedUntil;
    if (until !== undefined && until > this.now()) {
      const reason = `it is locked until ${until.toISOString()}`;
      const { address: storage } = this;
      throw new DrError("OFFSITE_LOCKED", { storage, key, reason });
    }
    this.objects.delete(key);
    if (fault === "lost") {
      throw this.#unreachable("delete");
    }
    await Promise.resolve();
  }

  /** Nobody deletes it before then. */
  lock(key: string, lockedUntil: Date): void {
    this.objects.set(key, { ...this.objects.get(key)!, lockedUntil });
  }

  #begin(operation: Operation, key: string): Fault["kind"] | undefined {
    this.calls.push(`${operation} ${key}`.trim());
    const index = this.faults.findIndex(
      (fault) =>
        fault.operation === operation &&
        (fault.key === undefined || fault.key === key),
    );
    const [fault] = index < 0 ? [] : this.faults.splice(index, 1);
    if (fault?.kind === "unreachable") {
      throw this.#unreachable(operation);
    }
    if (fault?.kind === "denied") {
      throw new DrError("OFFSITE_DENIED", {
        storage: this.address,
        operation,
        reason: "the key is wrong",
        way: "Set the right one.",
      });
    }
    return fault?.kind;
  }

  #unreachable(operation: string): DrError {
    return new DrError("OFFSITE_UNREACHABLE", {
      storage: this.address,
      operation,
      reason: "the connection broke",
    });
  }
}
