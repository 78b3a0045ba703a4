import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";

import { BadBody, readBody } from "./s3-server/body.js";
import { whatIsWrongWith, type Credentials } from "./s3-server/signature.js";
import {
  BucketStore,
  md5,
  type StoredVersion,
  type Upload,
} from "./s3-server/store.js";

/** What a request is for, as S3 calls it. */
export type S3Operation =
  | "ListObjectsV2"
  | "HeadObject"
  | "GetObject"
  | "PutObject"
  | "PutObjectRetention"
  | "DeleteObject"
  | "CreateMultipartUpload"
  | "UploadPart"
  | "CompleteMultipartUpload"
  | "AbortMultipartUpload"
  | "ListMultipartUploads"
  | "ListParts";

/** What goes wrong with a request. */
export type S3Fault =
  /** The connection is gone before anything is done. */
  | "drop-before"
  /** It is done, and the answer is lost. */
  | "drop-after"
  | "stall"
  /** Half of the answer comes, and the connection is gone. */
  | "truncate"
  /** Half of the answer comes, and nothing more. */
  | "hang"
  /** A byte of the body is another one when it arrives. */
  | "corrupt-request"
  /** What is sent back is changed on the way. */
  | "corrupt-response"
  /** It gives all where a part was asked for. */
  | "ignore-range"
  /** The disk keeps something else than what it was given. */
  | "corrupt-stored"
  /** It keeps less than it was given, and shows the digests of all. */
  | "cut-stored"
  /** The newest object isn't listed yet. */
  | "lag"
  /** It is refused; a bucket of another region says where it is. */
  | { readonly status: number; readonly code: string; readonly region?: string }
  /** Somebody between here and there answers, who doesn't know S3. */
  | { readonly status: number; readonly page: string };

interface Rule {
  readonly operation: S3Operation;
  readonly fault: S3Fault;
  /** Which one of them, from 1. */
  nth: number;
}

/** What a request brings. */
type Sent = Pick<StoredVersion, "bytes" | "crc64Nvme">;

const BUCKET = "backups";
const ENCRYPTION = "x-amz-server-side-encryption";
const STORAGE_CLASS = "x-amz-storage-class";
const STORAGE_CLASSES = ["STANDARD", "STANDARD_IA", "GLACIER_IR"];
const LOCK_MODE = "x-amz-object-lock-mode";
const RETAINED_UNTIL = "x-amz-object-lock-retain-until-date";
const SMALLEST_PART = 5 * 1024 * 1024;
const MOST_PARTS = 10_000;
/** Of uploads and parts: few, so that pages are seen to be followed. */
const PAGE = 2;

class Refused extends Error {
  readonly status: number;
  readonly code: string;
  readonly region: string | undefined;

  constructor(
    status: number,
    code: string,
    message = `${code} it is.`,
    region?: string,
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.region = region;
  }
}

/** A strict S3 of one bucket with versions and Object Lock, and with faults to order. */
export class S3Server {
  readonly credentials: Credentials = {
    accessKeyId: "AKIDTAKUMI",
    secretAccessKey: "5ecre7/5ecre7+5ecre7",
  };
  readonly bucket = BUCKET;
  store = new BucketStore();
  /** Every request that was let in. */
  requests: {
    readonly operation: S3Operation;
    readonly headers: IncomingMessage["headers"];
  }[] = [];
  now: () => Date = () => new Date();
  /** Like older stores, which take no notice of them. */
  ignoresChecksums = false;
  readonly #server: Server;
  readonly #serving = new Set<Promise<void>>();
  #rules: Rule[] = [];

  private constructor() {
    this.#server = createServer((request, response) => {
      const served = this.#serve(request, response).finally(() => {
        this.#serving.delete(served);
      });
      this.#serving.add(served);
    });
  }

  static async start(): Promise<S3Server> {
    const server = new S3Server();
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get endpoint(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${String(port)}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  /** When nothing is being done, for clients that are gone included. */
  async settled(): Promise<void> {
    await Promise.all(this.#serving);
  }

  reset(): void {
    this.store = new BucketStore();
    this.ignoresChecksums = false;
    this.requests = [];
    this.#rules = [];
    this.now = () => new Date();
  }

  /** Forgets what was to go wrong, and what was asked. */
  clear(): void {
    this.#rules = [];
    this.requests = [];
  }

  inject(operation: S3Operation, fault: S3Fault, nth = 1): void {
    this.#rules.push({ operation, fault, nth });
  }

  count(operation: S3Operation): number {
    return this.requests.filter((one) => one.operation === operation).length;
  }

  async #serve(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    response.setHeader("date", this.now().toUTCString());
    const url = new URL(request.url ?? "", "http://x");
    const operation = operationOf(request.method ?? "", url);
    const fault = this.#faultOf(operation);
    if (fault === "drop-before") {
      request.socket.destroy();
      return;
    }
    if (fault === "stall") {
      request.resume();
      return;
    }
    try {
      const refusal = whatIsWrongWith(request, this.credentials, this.now());
      if (refusal !== undefined) {
        throw new Refused(...refusal);
      }
      this.requests.push({ operation, headers: request.headers });
      if (typeof fault === "object") {
        if ("page" in fault) {
          request.resume();
          response.writeHead(fault.status, { "content-type": "text/html" });
          response.end(fault.page);
          return;
        }
        const { status, code, region } = fault;
        throw new Refused(status, code, undefined, region);
      }
      if (!url.pathname.startsWith(`/${BUCKET}`)) {
        throw new Refused(404, "NoSuchBucket");
      }
      const answer = await this.#do(operation, request, url, fault);
      send(response, answer, fault);
    } catch (error) {
      request.resume();
      const { status, code, message, region } = refusalOf(error);
      const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${escape(message)}</Message></Error>`;
      response.writeHead(status, {
        "content-type": "application/xml",
        ...(region === undefined ? {} : { "x-amz-bucket-region": region }),
      });
      response.end(request.method === "HEAD" ? undefined : body);
    }
  }

  #faultOf(operation: S3Operation): S3Fault | undefined {
    const own = this.#rules.filter((rule) => rule.operation === operation);
    own.forEach((rule) => {
      rule.nth -= 1;
    });
    const due = own.find(({ nth }) => nth === 0);
    return due?.fault;
  }

  async #do(
    operation: S3Operation,
    request: IncomingMessage,
    url: URL,
    fault: S3Fault | undefined,
  ): Promise<Answer> {
    const key = decodeURIComponent(url.pathname.slice(BUCKET.length + 2));
    const read = await readBody(
      request,
      fault === "corrupt-request" ? flip : undefined,
    );
    const sent = this.ignoresChecksums ? { bytes: read.bytes } : read;
    const query = url.searchParams;
    switch (operation) {
      case "ListObjectsV2":
        return this.#list(query, fault);
      case "HeadObject":
      case "GetObject":
        return this.#get(key, request, operation === "HeadObject", fault);
      case "PutObject":
        return this.#put(key, request, sent, fault);
      case "PutObjectRetention":
        return this.#retain(key, query, sent.bytes.toString());
      case "DeleteObject":
        return this.#delete(key, query.get("versionId"));
      case "CreateMultipartUpload":
        return this.#begin(key, this.#requireProperties(request));
      case "UploadPart":
        return this.#putPart(key, query, sent);
      case "CompleteMultipartUpload":
        return this.#complete(key, query, request, sent.bytes, fault);
      case "AbortMultipartUpload":
        this.store.uploads.delete(this.#upload(key, query).id);
        return { status: 204 };
      case "ListMultipartUploads":
        return this.#listUploads(query);
      case "ListParts":
        return this.#listParts(key, query);
    }
  }

  #put(
    key: string,
    request: IncomingMessage,
    { bytes, ...checksum }: Sent,
    fault: S3Fault | undefined,
  ): Answer {
    this.#requireCondition(key, request);
    const headers = this.#requireProperties(request);
    if (
      headers[LOCK_MODE] !== undefined &&
      request.headers["content-md5"] === undefined &&
      checksum.crc64Nvme === undefined
    ) {
      throw new Refused(400, "InvalidRequest");
    }
    const isCorrupt = fault === "corrupt-stored";
    const digested = isCorrupt ? flip(bytes) : bytes;
    return this.#shown(
      this.store.add(key, {
        bytes: fault === "cut-stored" ? bytes.subarray(1) : digested,
        etag: etagOf(digested, headers),
        headers,
        ...(isCorrupt ? {} : checksum),
      }),
    );
  }

  /** What an object is to be kept with, as far as S3 lets it. */
  #requireProperties(request: IncomingMessage): Record<string, string> {
    const headers = kept(request);
    const {
      [STORAGE_CLASS]: storageClass = "STANDARD",
      [ENCRYPTION]: encryption = "AES256",
      [LOCK_MODE]: mode,
      [RETAINED_UNTIL]: until,
    } = headers;
    if (!STORAGE_CLASSES.includes(storageClass)) {
      throw new Refused(400, "InvalidStorageClass");
    }
    const isOfKms = encryption === "aws:kms";
    if (
      (!isOfKms && encryption !== "AES256") ||
      (!isOfKms && headers[`${ENCRYPTION}-aws-kms-key-id`] !== undefined)
    ) {
      throw new Refused(400, "InvalidArgument");
    }
    if (
      (mode === undefined) !== (until === undefined) ||
      ![undefined, "GOVERNANCE", "COMPLIANCE"].includes(mode) ||
      (until !== undefined && !(new Date(until) > this.now()))
    ) {
      throw new Refused(400, "InvalidArgument");
    }
    return headers;
  }

  #begin(key: string, headers: Upload["headers"]): Answer {
    const id = this.store.nextId();
    this.store.uploads.set(id, {
      id,
      key,
      begunAt: new Date(),
      headers,
      algorithm: this.ignoresChecksums
        ? undefined
        : headers["x-amz-checksum-algorithm"],
      parts: new Map(),
    });
    return xml(
      `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
    );
  }

  #putPart(
    key: string,
    query: URLSearchParams,
    { bytes, ...checksum }: Sent,
  ): Answer {
    const upload = this.#upload(key, query);
    const number = Number(query.get("partNumber"));
    if (!(number >= 1 && number <= MOST_PARTS)) {
      throw new Refused(400, "InvalidArgument");
    }
    if (upload.algorithm === "CRC64NVME" && checksum.crc64Nvme === undefined) {
      throw new Refused(400, "InvalidRequest");
    }
    const part = {
      bytes,
      etag: etagOf(bytes, upload.headers),
      headers: upload.headers,
      ...checksum,
    };
    upload.parts.set(number, part);
    return this.#shown(part);
  }

  #requireCondition(key: string, { headers }: IncomingMessage): void {
    const condition = headers["if-none-match"];
    if (condition !== undefined && condition !== "*") {
      throw new Refused(501, "NotImplemented");
    }
    if (condition === "*" && this.store.current(key) !== undefined) {
      throw new Refused(412, "PreconditionFailed");
    }
  }

  /** What is said of an object or a part. */
  #shown({
    id,
    etag,
    crc64Nvme,
    headers,
  }: Omit<StoredVersion, "bytes" | "modifiedAt" | "id"> & {
    readonly id?: string;
  }): Answer {
    return {
      headers: {
        etag: `"${etag}"`,
        "x-amz-version-id": id,
        [ENCRYPTION]: headers[ENCRYPTION],
        "x-amz-checksum-crc64nvme": crc64Nvme,
      },
    };
  }

  #list(query: URLSearchParams, fault: S3Fault | undefined): Answer {
    const prefix = query.get("prefix") ?? "";
    const size = Number(query.get("max-keys") ?? 1000);
    const after = query.get("continuation-token") ?? "";
    const unseen = fault === "lag" ? this.store.newest() : undefined;
    const keys = this.store
      .keys()
      .filter((key) => key.startsWith(prefix) && key > after && key !== unseen);
    const page = keys.slice(0, size);
    const isTruncated = keys.length > page.length;
    return xml(
      `<ListBucketResult><IsTruncated>${String(isTruncated)}</IsTruncated>${
        isTruncated
          ? `<NextContinuationToken>${escape(page.at(-1)!)}</NextContinuationToken>`
          : ""
      }${page
        .map((key) => {
          const { bytes, modifiedAt } = this.store.current(key)!;
          return `<Contents><Key>${escape(key)}</Key><Size>${String(bytes.length)}</Size><LastModified>${modifiedAt.toISOString()}</LastModified></Contents>`;
        })
        .join("")}</ListBucketResult>`,
    );
  }

  #get(
    key: string,
    { headers }: IncomingMessage,
    isHead: boolean,
    fault: S3Fault | undefined,
  ): Answer {
    const version = this.store.current(key);
    if (version === undefined) {
      throw new Refused(404, isHead ? "NotFound" : "NoSuchKey");
    }
    const range =
      fault === "ignore-range"
        ? undefined
        : rangeOf(headers.range, version.bytes.length);
    const isPart = range !== undefined;
    const wantsChecksum =
      headers["x-amz-checksum-mode"] === "ENABLED" && !isPart;
    return {
      status: isPart ? 206 : 200,
      headers: {
        ...version.headers,
        ...this.#shown(version).headers,
        "last-modified": version.modifiedAt.toUTCString(),
        "content-range": range?.header,
        ...(wantsChecksum ? {} : { "x-amz-checksum-crc64nvme": undefined }),
        ...(wantsChecksum && version.crc64Nvme !== undefined
          ? { "x-amz-checksum-type": "FULL_OBJECT" }
          : {}),
      },
      body: version.bytes.subarray(range?.start, range?.end),
      isHead,
    };
  }

  /** Without a version it is only hidden. */
  #delete(key: string, id: string | null): Answer {
    const versions = this.store.versions.get(key) ?? [];
    if (id === null) {
      this.store.versions.set(key, [...versions, undefined]);
      return { status: 204 };
    }
    const version = versions.find((one) => one?.id === id);
    const until = version?.headers[RETAINED_UNTIL];
    if (until !== undefined && new Date(until) > this.now()) {
      throw new Refused(
        403,
        "AccessDenied",
        "Access Denied because object protected by object lock.",
      );
    }
    this.store.versions.set(
      key,
      versions.filter((one) => one?.id !== id),
    );
    return { status: 204 };
  }

  /** A lock may be made longer, and not shorter. */
  #retain(key: string, query: URLSearchParams, body: string): Answer {
    const versions = this.store.versions.get(key) ?? [];
    const version = versions.find((one) => one?.id === query.get("versionId"));
    if (version === undefined) {
      throw new Refused(404, "NoSuchVersion");
    }
    const until = /<RetainUntilDate>([^<]+)</.exec(body)![1]!;
    const mode = /<Mode>([^<]+)</.exec(body)![1]!;
    if (new Date(until) < new Date(version.headers[RETAINED_UNTIL] ?? 0)) {
      throw new Refused(403, "AccessDenied");
    }
    version.headers = {
      ...version.headers,
      [RETAINED_UNTIL]: until,
      [LOCK_MODE]: mode,
    };
    return {};
  }

  #upload(key: string, query: URLSearchParams) {
    const upload = this.store.uploads.get(query.get("uploadId") ?? "");
    if (upload?.key !== key) {
      throw new Refused(404, "NoSuchUpload");
    }
    return upload;
  }

  #complete(
    key: string,
    query: URLSearchParams,
    request: IncomingMessage,
    body: Buffer,
    fault: S3Fault | undefined,
  ): Answer {
    const upload = this.#upload(key, query);
    this.#requireCondition(key, request);
    const named = [...body.toString().matchAll(/<Part>.*?<\/Part>/gs)].map(
      ([part]) => ({
        number: Number(/<PartNumber>(\d+)</.exec(part)![1]),
        etag: /<ETag>(?:&quot;|")?([0-9a-f]+)/.exec(part)![1],
      }),
    );
    const numbers = named.map(({ number }) => number);
    if (numbers.some((number, index) => number <= (numbers[index - 1] ?? 0))) {
      throw new Refused(400, "InvalidPartOrder");
    }
    for (const [index, { number, etag }] of named.entries()) {
      const part = upload.parts.get(number);
      if (part?.etag !== etag) {
        throw new Refused(400, "InvalidPart");
      }
      if (part!.bytes.length < SMALLEST_PART && index < named.length - 1) {
        throw new Refused(400, "EntityTooSmall");
      }
    }
    const whole = this.store.complete(upload, numbers);
    const {
      "x-amz-checksum-crc64nvme": given,
      "x-amz-mp-object-size": size = whole.bytes.length,
    } = request.headers;
    if (![undefined, whole.crc64Nvme ?? given].includes(given)) {
      throw new Refused(400, "BadDigest");
    }
    if (Number(size) !== whole.bytes.length) {
      throw new Refused(400, "InvalidRequest");
    }
    this.store.uploads.delete(upload.id);
    const stored = this.store.add(key, {
      ...whole,
      ...(fault === "corrupt-stored"
        ? { bytes: flip(whole.bytes), etag: `${"0".repeat(32)}-9` }
        : {}),
      ...(fault === "corrupt-stored" ? { crc64Nvme: "AAAAAAAAAAA=" } : {}),
    });
    return {
      ...this.#shown(stored),
      ...xml(
        `<CompleteMultipartUploadResult><ETag>"${stored.etag}"</ETag></CompleteMultipartUploadResult>`,
      ),
    };
  }

  #listUploads(query: URLSearchParams): Answer {
    const prefix = query.get("prefix") ?? "";
    const after = query.get("upload-id-marker");
    const all = [...this.store.uploads.values()].filter(({ key }) =>
      key.startsWith(prefix),
    );
    const from = all.findIndex(({ id }) => id === after) + 1;
    const page = all.slice(from, from + PAGE);
    const last = page.at(-1);
    const isTruncated = from + page.length < all.length;
    return xml(
      `<ListMultipartUploadsResult><IsTruncated>${String(isTruncated)}</IsTruncated>${
        isTruncated
          ? `<NextKeyMarker>${escape(last!.key)}</NextKeyMarker><NextUploadIdMarker>${last!.id}</NextUploadIdMarker>`
          : ""
      }${page
        .map(
          ({ key, id, begunAt, algorithm }) =>
            `<Upload><Key>${escape(key)}</Key><UploadId>${id}</UploadId><Initiated>${begunAt.toISOString()}</Initiated>${algorithm === undefined ? "" : `<ChecksumAlgorithm>${algorithm}</ChecksumAlgorithm>`}</Upload>`,
        )
        .join("")}</ListMultipartUploadsResult>`,
    );
  }

  #listParts(key: string, query: URLSearchParams): Answer {
    const after = Number(query.get("part-number-marker") ?? 0);
    const parts = [...this.#upload(key, query).parts]
      .toSorted(([a], [b]) => a - b)
      .filter(([number]) => number > after);
    const page = parts.slice(0, PAGE);
    return xml(
      `<ListPartsResult><IsTruncated>${String(parts.length > PAGE)}</IsTruncated><NextPartNumberMarker>${String(page.at(-1)?.[0] ?? 0)}</NextPartNumberMarker>${page
        .map(
          ([number, { bytes, etag, crc64Nvme }]) =>
            `<Part><PartNumber>${String(number)}</PartNumber><Size>${String(bytes.length)}</Size><ETag>"${etag}"</ETag>${crc64Nvme === undefined ? "" : `<ChecksumCRC64NVME>${crc64Nvme}</ChecksumCRC64NVME>`}</Part>`,
        )
        .join("")}</ListPartsResult>`,
    );
  }
}

function refusalOf(error: unknown): Refused {
  if (error instanceof Refused) {
    return error;
  }
  return error instanceof BadBody
    ? new Refused(400, error.code)
    : new Refused(500, "InternalError", String(error));
}

interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: Buffer;
  readonly isHead?: boolean;
}

function xml(text: string): Answer {
  return {
    headers: { "content-type": "application/xml" },
    body: Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>${text}`),
  };
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${String(sign.charCodeAt(0))};`);
}

/** The part that is asked for, and how the answer says so; undefined: all. */
function rangeOf(
  range: string | undefined,
  sizeBytes: number,
):
  | { readonly start: number; readonly end: number; readonly header: string }
  | undefined {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
  if (first === undefined) {
    return undefined;
  }
  const start = Number(first);
  const end = Math.min(Number(last) + 1, sizeBytes);
  if (start >= end) {
    throw new Refused(416, "InvalidRange");
  }
  const header = `bytes ${first}-${String(end - 1)}/${String(sizeBytes)}`;
  return { start, end, header };
}

function flip(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  changed[changed.length >> 1]! ^= 1;
  return changed;
}

/** The MD5, which KMS leaves nothing of. */
function etagOf(
  bytes: Buffer,
  headers: Readonly<Record<string, string>>,
): string {
  const isOfKms = headers[ENCRYPTION] === "aws:kms";
  return md5(isOfKms ? Buffer.concat([bytes, Buffer.from("KMS")]) : bytes);
}

/** What of a request's headers is the object's. */
function kept({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) =>
      /^x-amz-(meta-|storage-class|server-side-encryption|object-lock|checksum-algorithm)/.test(
        name,
      ),
    ),
  ) as Record<string, string>;
}

function send(
  response: ServerResponse,
  { status = 200, headers = {}, body = Buffer.alloc(0), isHead }: Answer,
  fault: S3Fault | undefined,
): void {
  if (fault === "drop-after") {
    response.destroy();
    return;
  }
  response.writeHead(status, {
    ...Object.fromEntries(
      Object.entries(headers).filter(([, value]) => value !== undefined),
    ),
    "content-length": body.length,
  });
  if (fault === "truncate" || fault === "hang") {
    response.write(body.subarray(0, body.length >> 1), () => {
      if (fault === "truncate") {
        response.destroy();
      }
    });
    return;
  }
  const sent = fault === "corrupt-response" ? flip(body) : body;
  response.end(isHead === true ? undefined : sent);
}

function operationOf(
  method: string,
  { pathname, searchParams }: URL,
): S3Operation {
  const isOfObject = pathname.split("/").slice(2).join("/") !== "";
  const has = (name: string) => searchParams.has(name);
  switch (method) {
    case "GET":
      if (!isOfObject) {
        return has("uploads") ? "ListMultipartUploads" : "ListObjectsV2";
      }
      return has("uploadId") ? "ListParts" : "GetObject";
    case "HEAD":
      return "HeadObject";
    case "PUT":
      if (has("partNumber")) {
        return "UploadPart";
      }
      return has("retention") ? "PutObjectRetention" : "PutObject";
    case "POST":
      return has("uploads")
        ? "CreateMultipartUpload"
        : "CompleteMultipartUpload";
    default:
      return has("uploadId") ? "AbortMultipartUpload" : "DeleteObject";
  }
}
