import type { Readable } from "node:stream";

import { DrError } from "../core/errors.js";
import type {
  ByteRange,
  ObjectPage,
  Source,
  Storage,
  StoredObject,
} from "./storage.js";

/** Reads what is there and writes nothing; what would be written is remembered. */
export class DryRunStorage implements Storage {
  readonly address: string;
  readonly capabilities: Storage["capabilities"];
  readonly #storage: Storage;
  readonly #written = new Map<string, StoredObject>();
  readonly #deleted = new Set<string>();

  constructor(storage: Storage) {
    this.#storage = storage;
    this.address = storage.address;
    // There is nothing to read back.
    this.capabilities = { ...storage.capabilities, confirms: true };
  }

  async listPage(prefix: string, from?: string): Promise<ObjectPage> {
    return await this.#storage.listPage(prefix, from);
  }

  async stat(key: string): Promise<StoredObject | undefined> {
    return this.#deleted.has(key)
      ? undefined
      : (this.#written.get(key) ?? (await this.#storage.stat(key)));
  }

  async put(key: string, { sizeBytes, sha256 }: Source): Promise<void> {
    if ((await this.stat(key)) !== undefined) {
      throw new DrError("OFFSITE_EXISTS", { storage: this.address, key });
    }
    const modifiedAt = new Date();
    this.#written.set(key, { key, sizeBytes, sha256, modifiedAt });
  }

  async get(key: string, range?: ByteRange): Promise<Readable> {
    return await this.#storage.get(key, range);
  }

  async delete(key: string): Promise<void> {
    const lockedUntil = (await this.stat(key))?.lockedUntil;
    if (lockedUntil !== undefined && lockedUntil > new Date()) {
      const reason = `it is locked until ${lockedUntil.toISOString()}`;
      throw new DrError("OFFSITE_LOCKED", {
        storage: this.address,
        key,
        reason,
      });
    }
    this.#written.delete(key);
    this.#deleted.add(key);
  }
}
