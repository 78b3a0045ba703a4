import type { Readable } from "node:stream";

/**
 * A place of objects by name, such as a bucket. Objects are written once and
 * whole: nobody sees a part of one, and nothing is overwritten.
 *
 * All methods throw a DrError: OFFSITE_UNREACHABLE when trying again may help
 * (a connection, a timeout, a busy store), else what their descriptions say,
 * OFFSITE_DENIED (credentials missing, wrong, expired, or without the right),
 * and OFFSITE_FAILED for the rest. None of them holds a secret.
 */
export interface Storage {
  /** For people: `s3://takumi-backups/production/`, never with a secret. */
  readonly address: string;
  readonly capabilities: StorageCapabilities;

  /**
   * One page of objects, in the order of their names. One request.
   *
   * @param prefix - What their names begin with; empty: all.
   * @param from - `next` of the page before; absent: the first page.
   */
  listPage(prefix: string, from?: string): Promise<ObjectPage>;

  /** @returns undefined when there is no such object. */
  stat(key: string): Promise<StoredObject | undefined>;

  /**
   * Writes an object, in one or several requests, going on with the parts of
   * an interrupted upload where the store keeps them. When it resolves the
   * store has confirmed that it holds these very bytes, if
   * `capabilities.confirms` says so.
   *
   * @throws {DrError} OFFSITE_EXISTS when an object of this name is there, and
   * then it is as it was; OFFSITE_FULL; OFFSITE_DAMAGED when the store has
   * something else than was sent, which is then taken away again;
   * ARTIFACT_DAMAGED when the source isn't what its digest says, and then
   * nothing is kept of it.
   */
  put(key: string, source: Source, options?: PutOptions): Promise<void>;

  /**
   * @param range - Of its bytes; default: all.
   * @throws {DrError} OFFSITE_MISSING.
   * The stream fails with OFFSITE_UNREACHABLE when it breaks off.
   */
  get(key: string, range?: ByteRange): Promise<Readable>;

  /**
   * Nothing happens when there is no such object.
   *
   * @throws {DrError} OFFSITE_LOCKED when the store keeps it, until when it says.
   */
  delete(key: string): Promise<void>;
}

export interface StorageCapabilities {
  /** Uploads are checked by the store's own digest; else they must be read back. */
  readonly confirms: boolean;
  /** An interrupted upload of a large object goes on where it was. */
  readonly resumes: boolean;
  /** Objects can be kept from deletion for a time. */
  readonly locks: boolean;
}

export interface StoredObject {
  readonly key: string;
  readonly sizeBytes: number;
  /** As the store's clock has it. */
  readonly modifiedAt: Date;
  /** SHA-256, hexadecimal, as whoever wrote it said; only `stat` may know. */
  readonly sha256?: string;
  /** The store keeps it until then; only `stat` may know. */
  readonly lockedUntil?: Date;
}

export interface ObjectPage {
  readonly objects: readonly StoredObject[];
  /** Absent of the last page. */
  readonly next?: string;
}

/** Bytes that can be read more than once. */
export interface Source {
  readonly sizeBytes: number;
  /** SHA-256 of all, hexadecimal. */
  readonly sha256: string;
  /** From `start`, up to and without `end`; default: all of it. */
  open(range?: ByteRange): Readable;
}

/** Of bytes, counted from 0. */
export interface ByteRange {
  readonly start: number;
  /** Not part of it. */
  readonly end: number;
}

export interface PutOptions {
  /** Told how many bytes have arrived so far, those of earlier attempts included. */
  readonly onProgress?: (sizeBytes: number) => void;
  readonly signal?: AbortSignal;
}

/** All objects, page after page. */
export async function* listObjects(
  storage: Pick<Storage, "listPage">,
  prefix = "",
): AsyncGenerator<StoredObject> {
  let from: string | undefined;
  do {
    const page: ObjectPage = await storage.listPage(prefix, from);
    yield* page.objects;
    from = page.next;
  } while (from !== undefined);
}
