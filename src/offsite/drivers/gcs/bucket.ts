import { randomUUID } from "node:crypto";
import { Readable } from "node:stream";

import { DrError, isDrError } from "../../../core/errors.js";
import { crc32cToBase64 } from "../../crc32c.js";
import type { ByteRange, ObjectPage, Source } from "../../storage.js";
import type { GcsAnswer, GcsApi, GcsRequest } from "./api.js";
import { downloadOf } from "./download.js";
import {
  OBJECT_FIELDS,
  PAGE_FIELDS,
  parseObject,
  parsePage,
  toListed,
  whyKeptAt,
  type GcsObject,
} from "./object.js";
import type { Asked } from "./refusal.js";

export interface BucketPlace {
  /** For people. */
  readonly storage: string;
  readonly endpoint: string;
  readonly bucket: string;
  /** Of all names. */
  readonly prefix: string;
  readonly storageClass: string;
}

/** An upload in several requests. */
export interface Session {
  readonly key: string;
  readonly totalBytes: number;
  /** A secret: who has it may write this object, for a week. */
  readonly url: URL;
}

/** How far a session is, as the store has it. */
export type Progress =
  | { readonly status: "sending"; readonly arrivedBytes: number }
  | { readonly status: "done"; readonly object: GcsObject }
  | { readonly status: "ended" };

/** A part of what a session is for. */
export interface Chunk {
  readonly start: number;
  readonly bytes: Buffer;
  /** Of the whole object, with its last bytes: nothing else is stored then. */
  readonly crc32c?: number;
}

const TYPE = "application/octet-stream";
const RESUME_INCOMPLETE = 308;
const NOT_FOUND = 404;
const PRECONDITION_FAILED = 412;
const ENDED = [NOT_FOUND, 410];
/** Nobody waits long for what lapses by itself. */
const CANCEL_MS = 5000;

/** The objects of a bucket below a prefix, by their keys; one request each. */
export class GcsBucket {
  readonly #api: GcsApi;
  readonly #place: BucketPlace;

  constructor(api: GcsApi, place: BucketPlace) {
    this.#api = api;
    this.#place = place;
  }

  async list(
    prefix: string,
    pageSize: number,
    pageToken: string | undefined,
  ): Promise<ObjectPage> {
    const asked = this.#asked("list", prefix);
    const names = this.#place.prefix;
    const url = this.#url("", {
      prefix: names + prefix,
      maxResults: String(pageSize),
      fields: PAGE_FIELDS,
      ...(pageToken === undefined ? {} : { pageToken }),
    });
    const { body } = await this.#api.ask({ ...asked, method: "GET", url });
    const page = parsePage(body);
    if (page === undefined) {
      throw notUnderstood(asked);
    }
    const next = page.nextPageToken;
    return {
      objects: page.items.map((item) => toListed(item, names)),
      ...(next === undefined ? {} : { next }),
    };
  }

  /** @returns undefined when there is no such object. */
  async find(
    key: string,
    signal?: AbortSignal,
  ): Promise<GcsObject | undefined> {
    return (await this.#look(this.#asked("stat", key), signal))?.object;
  }

  /** An object, and when it was so by the store's clock. */
  async #look(
    asked: Asked,
    signal?: AbortSignal,
  ): Promise<{ readonly object: GcsObject; readonly at: Date } | undefined> {
    const url = this.#url(asked.key, { fields: OBJECT_FIELDS });
    try {
      const request = { ...asked, method: "GET", url, signal } as const;
      const answer = await this.#api.ask(request);
      const at = new Date(answer.headers.get("date") ?? Date.now());
      return { object: objectOf(asked, answer), at };
    } catch (error) {
      if (isDrError(error, "OFFSITE_MISSING")) {
        return undefined;
      }
      throw error;
    }
  }

  async open(key: string, range: ByteRange | undefined): Promise<Readable> {
    if (range !== undefined && range.start >= range.end) {
      return Readable.from([], { objectMode: false });
    }
    const asked = this.#asked("get", key);
    const response = await this.#api.open({
      ...asked,
      method: "GET",
      url: this.#url(key, { alt: "media" }),
      headers: {
        // As it is stored, or not at all.
        "accept-encoding": "identity",
        ...(range === undefined
          ? {}
          : { range: `bytes=${String(range.start)}-${String(range.end - 1)}` }),
      },
    });
    return downloadOf(response, this.#api.stallMs, asked, range);
  }

  /** @throws {DrError} OFFSITE_LOCKED. */
  async delete(key: string): Promise<void> {
    const found = await this.#look(this.#asked("delete", key));
    if (found === undefined) {
      return;
    }
    const reason = whyKeptAt(found.at, found.object);
    if (reason !== undefined) {
      // Where versions are kept, deleting would hide it, and keep it.
      const { storage } = this.#place;
      throw new DrError("OFFSITE_LOCKED", { storage, key, reason });
    }
    await this.remove(key, found.object.generation);
  }

  /** Nothing happens when it is another generation, or gone. */
  async remove(key: string, generation: string): Promise<void> {
    await this.#api.ask({
      ...this.#asked("delete", key),
      method: "DELETE",
      url: this.#url(key, { ifGenerationMatch: generation }),
      accept: [NOT_FOUND, PRECONDITION_FAILED],
    });
  }

  /** A new object, in one request. */
  async insert(
    key: string,
    { sha256 }: Pick<Source, "sha256">,
    bytes: Buffer,
    crc32c: number,
    signal: AbortSignal | undefined,
  ): Promise<GcsObject> {
    const asked = this.#asked("put", key);
    const boundary = randomUUID();
    const resource = {
      ...this.#newResource(key, sha256),
      crc32c: crc32cToBase64(crc32c),
    };
    return objectOf(
      asked,
      await this.#api.ask({
        ...asked,
        method: "POST",
        url: this.#uploadUrl("multipart"),
        headers: { "content-type": `multipart/related; boundary=${boundary}` },
        body: Buffer.concat([
          Buffer.from(
            `--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n${JSON.stringify(resource)}\r\n--${boundary}\r\ncontent-type: ${TYPE}\r\n\r\n`,
          ),
          bytes,
          Buffer.from(`\r\n--${boundary}--\r\n`),
        ]),
        signal,
      }),
    );
  }

  /** A session for a new object in several requests. */
  async begin(
    key: string,
    { sha256, sizeBytes }: Pick<Source, "sha256" | "sizeBytes">,
    signal: AbortSignal | undefined,
  ): Promise<Session> {
    const asked = this.#asked("put", key);
    const { headers } = await this.#api.ask({
      ...asked,
      method: "POST",
      url: this.#uploadUrl("resumable"),
      headers: {
        "content-type": "application/json; charset=UTF-8",
        "x-upload-content-type": TYPE,
        "x-upload-content-length": String(sizeBytes),
      },
      body: Buffer.from(JSON.stringify(this.#newResource(key, sha256))),
      signal,
    });
    const location = headers.get("location");
    if (location === null) {
      throw notUnderstood(asked);
    }
    const url = new URL(location, this.#place.endpoint);
    return { key, totalBytes: sizeBytes, url };
  }

  /** Of all but the last chunk the size is a multiple of 256 KiB. */
  async append(
    session: Session,
    { start, bytes, crc32c }: Chunk,
    signal: AbortSignal | undefined,
  ): Promise<Progress> {
    const last = start + bytes.length - 1;
    const sent = bytes.length === 0 ? "*" : `${String(start)}-${String(last)}`;
    return await this.#advance(
      session,
      {
        "content-range": `bytes ${sent}/${String(session.totalBytes)}`,
        ...(crc32c === undefined
          ? {}
          : { "x-goog-hash": `crc32c=${crc32cToBase64(crc32c)}` }),
      },
      bytes,
      signal,
    );
  }

  async progressOf(
    session: Session,
    signal: AbortSignal | undefined,
  ): Promise<Progress> {
    const none = { start: 0, bytes: Buffer.alloc(0) };
    return await this.append(session, none, signal);
  }

  /** What has arrived is dropped; if that can't be said, after a week. */
  async cancel({ key, url }: Session): Promise<void> {
    const asked = this.#asked("put", key);
    await this.#api
      .ask({
        ...asked,
        method: "DELETE",
        url,
        isSession: true,
        signal: AbortSignal.timeout(CANCEL_MS),
      })
      .catch(() => undefined);
  }

  async #advance(
    { key, url }: Session,
    headers: GcsRequest["headers"] & object,
    body: Buffer,
    signal: AbortSignal | undefined,
  ): Promise<Progress> {
    const asked = this.#asked("put", key);
    const answer = await this.#api.ask({
      ...asked,
      method: "PUT",
      url,
      headers,
      body,
      signal,
      isSession: true,
      accept: [RESUME_INCOMPLETE, ...ENDED],
    });
    if (answer.status === RESUME_INCOMPLETE) {
      const range = answer.headers.get("range") ?? "";
      const last = /^bytes=0-(\d+)$/.exec(range)?.[1];
      const arrivedBytes = last === undefined ? 0 : Number(last) + 1;
      return { status: "sending", arrivedBytes };
    }
    return ENDED.includes(answer.status)
      ? { status: "ended" }
      : { status: "done", object: objectOf(asked, answer) };
  }

  #newResource(key: string, sha256: string): object {
    return {
      name: this.#place.prefix + key,
      contentType: TYPE,
      storageClass: this.#place.storageClass,
      metadata: { sha256 },
    };
  }

  #asked(operation: Asked["operation"], key: string): Asked {
    return { storage: this.#place.storage, operation, key };
  }

  /** Of an object, or of all of them. */
  #url(key: string, query: Readonly<Record<string, string>>): URL {
    const { prefix } = this.#place;
    const object = key === "" ? "" : `/${encodeURIComponent(prefix + key)}`;
    return this.#within(`storage/v1/b/`, `/o${object}`, query);
  }

  /** Nothing is written where an object of this name is. */
  #uploadUrl(uploadType: "multipart" | "resumable"): URL {
    return this.#within(`upload/storage/v1/b/`, "/o", {
      uploadType,
      ifGenerationMatch: "0",
      fields: OBJECT_FIELDS,
    });
  }

  #within(
    before: string,
    after: string,
    query: Readonly<Record<string, string>>,
  ): URL {
    const { endpoint, bucket } = this.#place;
    const base = endpoint.replace(/\/+$/, "");
    const url = new URL(
      `${base}/${before}${encodeURIComponent(bucket)}${after}`,
    );
    url.search = new URLSearchParams(query).toString();
    return url;
  }
}

function objectOf(asked: Asked, { body }: GcsAnswer): GcsObject {
  const object = parseObject(body);
  if (object === undefined) {
    throw notUnderstood(asked);
  }
  return object;
}

function notUnderstood({ storage, operation }: Asked): DrError {
  const reason = "what answers doesn't speak the JSON API of Cloud Storage";
  return new DrError("OFFSITE_FAILED", { storage, operation, reason });
}
