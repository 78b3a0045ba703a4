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
import { BucketStore, md5, type StoredVersion } from "./s3-server/store.js";

/** What a request is for, as S3 calls it. */
export type S3Operation =
  | "ListObjectsV2"
  | "HeadObject"
  | "GetObject"
  | "PutObject"
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
  /** Half of the answer comes. */
  | "truncate"
  /** A byte of the body is another one when it arrives. */
  | "corrupt-request"
  /** What is sent back is changed on the way. */
  | "corrupt-response"
  /** The disk keeps something else than what it was given. */
  | "corrupt-stored"
  | { readonly status: number; readonly code: string };

interface Rule {
  readonly operation: S3Operation;
  readonly fault: S3Fault;
  /** Which one of them, from 1. */
  nth: number;
}

const BUCKET = "backups";
const SMALLEST_PART = 5 * 1024 * 1024;

class Refused extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string) {
    super(code);
    this.status = status;
    this.code = code;
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
  readonly #server: Server;
  #rules: Rule[] = [];

  private constructor() {
    this.#server = createServer((request, response) => {
      void this.#serve(request, response);
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

  reset(): void {
    this.store = new BucketStore();
    this.requests = [];
    this.#rules = [];
    this.now = () => new Date();
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
        throw new Refused(fault.status, fault.code);
      }
      if (!url.pathname.startsWith(`/${BUCKET}`)) {
        throw new Refused(404, "NoSuchBucket");
      }
      const answer = await this.#do(operation, request, url, fault);
      send(response, answer, fault);
    } catch (error) {
      request.resume();
      const [status, code] =
        error instanceof Refused
          ? [error.status, error.code]
          : error instanceof BadBody
            ? [400, error.code]
            : [500, String(error)];
      const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code} it is.</Message></Error>`;
      response.writeHead(status, { "content-type": "application/xml" });
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
    const { bytes, crc64Nvme } = await readBody(
      request,
      fault === "corrupt-request" ? flip : undefined,
    );
    const query = url.searchParams;
    switch (operation) {
      case "ListObjectsV2":
        return this.#list(query);
      case "HeadObject":
      case "GetObject":
        return this.#get(key, request, operation === "HeadObject");
      case "PutObject":
        this.#requireCondition(key, request);
        return this.#stored(
          this.store.add(key, {
            bytes: fault === "corrupt-stored" ? flip(bytes) : bytes,
            etag: md5(fault === "corrupt-stored" ? flip(bytes) : bytes),
            headers: kept(request),
            ...(crc64Nvme === undefined || fault === "corrupt-stored"
              ? {}
              : { crc64Nvme }),
          }),
        );
      case "DeleteObject":
        return this.#delete(key, query.get("versionId"));
      case "CreateMultipartUpload": {
        const id = this.store.nextId();
        const begunAt = new Date();
        const headers = kept(request);
        this.store.uploads.set(id, {
          id,
          key,
          begunAt,
          headers,
          parts: new Map(),
        });
        return xml(
          `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
        );
      }
      case "UploadPart": {
        const upload = this.#upload(key, query);
        const etag = md5(bytes);
        upload.parts.set(Number(query.get("partNumber")), {
          bytes,
          etag,
          ...(crc64Nvme === undefined ? {} : { crc64Nvme }),
        });
        return {
          headers: {
            etag: `"${etag}"`,
            ...(crc64Nvme === undefined
              ? {}
              : { "x-amz-checksum-crc64nvme": crc64Nvme }),
          },
        };
      }
      case "CompleteMultipartUpload":
        return this.#complete(key, query, request, bytes.toString(), fault);
      case "AbortMultipartUpload":
        this.store.uploads.delete(this.#upload(key, query).id);
        return { status: 204 };
      case "ListMultipartUploads": {
        const prefix = query.get("prefix") ?? "";
        const found = [...this.store.uploads.values()].filter((upload) =>
          upload.key.startsWith(prefix),
        );
        return xml(
          `<ListMultipartUploadsResult>${found
            .map(
              (upload) =>
                `<Upload><Key>${escape(upload.key)}</Key><UploadId>${upload.id}</UploadId><Initiated>${upload.begunAt.toISOString()}</Initiated></Upload>`,
            )
            .join("")}</ListMultipartUploadsResult>`,
        );
      }
      case "ListParts":
        return this.#listParts(key, query);
    }
  }

  #requireCondition(key: string, { headers }: IncomingMessage): void {
    if (
      headers["if-none-match"] === "*" &&
      this.store.current(key) !== undefined
    ) {
      throw new Refused(412, "PreconditionFailed");
    }
  }

  #stored({ id, etag, crc64Nvme }: StoredVersion): Answer {
    return {
      headers: {
        etag: `"${etag}"`,
        "x-amz-version-id": id,
        ...(crc64Nvme === undefined
          ? {}
          : { "x-amz-checksum-crc64nvme": crc64Nvme }),
      },
    };
  }

  #list(query: URLSearchParams): Answer {
    const prefix = query.get("prefix") ?? "";
    const size = Number(query.get("max-keys") ?? 1000);
    const after = query.get("continuation-token") ?? "";
    const keys = this.store
      .keys()
      .filter((key) => key.startsWith(prefix) && key > after);
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

  #get(key: string, { headers }: IncomingMessage, isHead: boolean): Answer {
    const version = this.store.current(key);
    if (version === undefined) {
      throw new Refused(404, isHead ? "NotFound" : "NoSuchKey");
    }
    const [, start, end] =
      /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "") ?? [];
    const isPart = start !== undefined;
    const wantsChecksum =
      headers["x-amz-checksum-mode"] === "ENABLED" && !isPart;
    return {
      status: isPart ? 206 : 200,
      headers: {
        ...version.headers,
        ...this.#stored(version).headers,
        "last-modified": version.modifiedAt.toUTCString(),
        ...(wantsChecksum ? {} : { "x-amz-checksum-crc64nvme": undefined }),
        ...(wantsChecksum && version.crc64Nvme !== undefined
          ? { "x-amz-checksum-type": "FULL_OBJECT" }
          : {}),
      },
      body: isPart
        ? version.bytes.subarray(Number(start), Number(end) + 1)
        : version.bytes,
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
    const until = version?.headers["x-amz-object-lock-retain-until-date"];
    if (until !== undefined && new Date(until) > this.now()) {
      throw new Refused(403, "AccessDenied");
    }
    this.store.versions.set(
      key,
      versions.filter((one) => one?.id !== id),
    );
    return { status: 204 };
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
    body: string,
    fault: S3Fault | undefined,
  ): Answer {
    const upload = this.#upload(key, query);
    this.#requireCondition(key, request);
    const named = [...body.matchAll(/<Part>.*?<\/Part>/gs)].map(([part]) => ({
      number: Number(/<PartNumber>(\d+)</.exec(part)![1]),
      etag: /<ETag>(?:&quot;|")?([0-9a-f]+)/.exec(part)![1],
    }));
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
    const whole = this.store.complete(upload);
    const given = request.headers["x-amz-checksum-crc64nvme"];
    if (given !== undefined && given !== whole.crc64Nvme) {
      throw new Refused(400, "BadDigest");
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
      ...this.#stored(stored),
      ...xml(
        `<CompleteMultipartUploadResult><ETag>"${stored.etag}"</ETag></CompleteMultipartUploadResult>`,
      ),
    };
  }

  #listParts(key: string, query: URLSearchParams): Answer {
    const after = Number(query.get("part-number-marker") ?? 0);
    const parts = [...this.#upload(key, query).parts]
      .toSorted(([a], [b]) => a - b)
      .filter(([number]) => number > after);
    // Few, so that pages are seen to be followed.
    const page = parts.slice(0, 2);
    return xml(
      `<ListPartsResult><IsTruncated>${String(parts.length > 2)}</IsTruncated><NextPartNumberMarker>${String(page.at(-1)?.[0] ?? 0)}</NextPartNumberMarker>${page
        .map(
          ([number, { bytes, etag, crc64Nvme }]) =>
            `<Part><PartNumber>${String(number)}</PartNumber><Size>${String(bytes.length)}</Size><ETag>"${etag}"</ETag>${crc64Nvme === undefined ? "" : `<ChecksumCRC64NVME>${crc64Nvme}</ChecksumCRC64NVME>`}</Part>`,
        )
        .join("")}</ListPartsResult>`,
    );
  }
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

function flip(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  changed[changed.length >> 1]! ^= 1;
  return changed;
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
  if (fault === "truncate") {
    response.write(body.subarray(0, body.length >> 1), () => {
      response.destroy();
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
      return has("partNumber") ? "UploadPart" : "PutObject";
    case "POST":
      return has("uploads")
        ? "CreateMultipartUpload"
        : "CompleteMultipartUpload";
    default:
      return has("uploadId") ? "AbortMultipartUpload" : "DeleteObject";
  }
}
