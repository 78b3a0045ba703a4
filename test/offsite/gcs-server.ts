import { writeFile } from "node:fs/promises";
import {
  createServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

import {
  Refusal,
  select,
  toJson,
  toText,
  type Answer,
} from "./gcs-server/answer.js";
import {
  Faults,
  type Fault,
  type FaultKind,
  type Operation,
} from "./gcs-server/faults.js";
import {
  corrupted,
  crc32cOf,
  md5Of,
  Objects,
  requireDigest,
  type Held,
  type NewResource,
} from "./gcs-server/objects.js";
import { Sessions } from "./gcs-server/sessions.js";
import {
  makeServiceAccount,
  Tokens,
  type ServiceAccount,
} from "./gcs-server/tokens.js";

export type { Operation } from "./gcs-server/faults.js";

/** A request as it came. */
export interface Received {
  readonly operation: Operation;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly sizeBytes: number;
}

/** As much of the JSON API of Cloud Storage as is used, and strict in it. */
export interface GcsServer {
  readonly url: string;
  readonly account: ServiceAccount;
  readonly tokens: Tokens;
  readonly objects: Objects;
  readonly sessions: Sessions;
  readonly faults: Faults;
  readonly requests: readonly Received[];
  /** Nobody need say who they are. */
  isOpen: boolean;
  /** How far its clock is ahead of ours. */
  aheadMs: number;
  count(operation: Operation): number;
  /** As Google gives them out. @param changes - Of its fields. */
  writeKeyFile(path: string, changes?: object): Promise<void>;
}

const BUCKET = "takumi-backups";
const OBJECTS = `/storage/v1/b/${BUCKET}/o`;
const MOST_PER_PAGE = 1000;

interface Request {
  readonly operation: Operation;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  readonly fault: FaultKind | undefined;
}

class Server implements GcsServer {
  url = "";
  readonly account = makeServiceAccount(
    "backup@takumi.iam.gserviceaccount.com",
  );
  readonly faults = new Faults();
  readonly requests: Received[] = [];
  objects = new Objects(BUCKET, () => this.#now());
  sessions = new Sessions(this.objects);
  tokens = new Tokens(this.account, () => this.#now());
  isOpen = false;
  aheadMs = 0;

  #now(): number {
    return Date.now() + this.aheadMs;
  }

  reset(): void {
    this.faults.clear();
    this.requests.length = 0;
    this.objects = new Objects(BUCKET, () => this.#now());
    this.sessions = new Sessions(this.objects);
    this.tokens = new Tokens(this.account, () => this.#now());
    this.isOpen = false;
    this.aheadMs = 0;
  }

  count(operation: Operation): number {
    return this.requests.filter((request) => request.operation === operation)
      .length;
  }

  async writeKeyFile(path: string, changes: object = {}): Promise<void> {
    const key = {
      type: "service_account",
      project_id: "takumi",
      private_key_id: "0123456789abcdef",
      private_key: this.account.privateKey,
      client_email: this.account.email,
      token_uri: `${this.url}/token`,
      ...changes,
    };
    await writeFile(path, JSON.stringify(key));
  }

  async receive(
    incoming: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const url = new URL(incoming.url ?? "", this.url);
    const headers = Object.fromEntries(
      Object.entries(incoming.headers).map(([name, value]) => [
        name,
        String(value),
      ]),
    );
    const body = await buffer(incoming);
    const operation = operationOf(incoming.method ?? "", url, headers);
    const { searchParams: query } = url;
    this.requests.push({ operation, query, headers, sizeBytes: body.length });
    const what = this.faults.next(operation);
    if (what === "drop-before") {
      response.destroy();
    } else if (what !== "stall-before") {
      const answer = this.#answer({ operation, url, headers, body }, what);
      response.setHeader("date", new Date(this.#now()).toUTCString());
      send(response, answer, typeof what === "string" ? what : undefined);
    }
  }

  #answer(request: Omit<Request, "fault">, what?: Fault["what"]): Answer {
    const { operation, body } = request;
    if (what === "portal") {
      const page = Buffer.from("<html>Please log in</html>");
      return {
        status: 200,
        headers: { "content-type": "text/html" },
        body: page,
      };
    }
    try {
      if (typeof what === "object") {
        const { status, word = "", message = "out of order" } = what;
        throw new Refusal(status, word, message);
      }
      if (operation === "token") {
        return this.tokens.grant(new URLSearchParams(body.toString()));
      }
      return this.#perform({ ...request, fault: what });
    } catch (error) {
      if (!(error instanceof Refusal)) {
        throw error;
      }
      // What is uploaded is refused in plain words.
      return operation === "chunk" && error.status === 400
        ? toText(error.status, error.message)
        : error.toAnswer();
    }
  }

  #perform(request: Request): Answer {
    const { operation, url, headers, body, fault } = request;
    const { searchParams: query } = url;
    const uploadId = query.get("upload_id");
    if (uploadId !== null) {
      return operation === "cancel"
        ? this.sessions.cancel(uploadId)
        : this.sessions.advance(uploadId, { headers, body }, fault);
    }
    this.#requireToken(headers.authorization);
    const name = decodeURIComponent(url.pathname.slice(OBJECTS.length + 1));
    switch (operation) {
      case "list":
        return this.#list(query, fault);
      case "stat":
        return this.#resource(this.objects.get(name), query, fault);
      case "get":
        return download(this.objects.get(name), headers.range, fault);
      case "delete":
        this.objects.get(name);
        this.objects.requireGeneration(name, query.get("ifGenerationMatch"));
        this.objects.delete(name);
        return { status: 204 };
      case "insert":
        return this.#insert(request);
      default:
        return this.#begin(request);
    }
  }

  #requireToken(authorization: string | undefined): void {
    if (this.isOpen || this.tokens.isGood(authorization)) {
      return;
    }
    throw authorization === undefined
      ? new Refusal(
          401,
          "required",
          "Anonymous caller does not have storage.objects.list access to the Google Cloud Storage bucket.",
        )
      : new Refusal(401, "authError", "Invalid Credentials");
  }

  #list(query: URLSearchParams, fault: FaultKind | undefined): Answer {
    const prefix = query.get("prefix") ?? "";
    const token = query.get("pageToken");
    const after = token === null ? "" : Buffer.from(token, "base64").toString();
    const size = Number(query.get("maxResults") ?? MOST_PER_PAGE);
    const names = (fault === "lag" ? [] : this.objects.names).filter(
      (name) => name.startsWith(prefix) && name > after,
    );
    const page = names.slice(0, Math.min(size, MOST_PER_PAGE));
    const items = page.map((name) =>
      this.objects.resourceOf(this.objects.get(name)),
    );
    const last = page.at(-1) ?? "";
    const result = {
      kind: "storage#objects",
      // Real ones have no empty list.
      ...(items.length === 0 ? {} : { items }),
      ...(names.length > page.length
        ? { nextPageToken: Buffer.from(last).toString("base64") }
        : {}),
    };
    return toJson(200, select(result, query.get("fields")));
  }

  #resource(
    held: Held,
    query: URLSearchParams,
    fault: FaultKind | undefined,
  ): Answer {
    const resource = {
      ...this.objects.resourceOf(held),
      ...(fault === "no-digest" ? { crc32c: undefined } : {}),
      ...(fault === "early" ? { retention: undefined } : {}),
    };
    return toJson(200, select(resource, query.get("fields")));
  }

  #insert({ url, headers, body, fault }: Request): Answer {
    const { searchParams: query } = url;
    const [resource, sent] = partsOf(headers["content-type"] ?? "", body);
    const bytes = fault === "corrupt" ? corrupted(sent) : sent;
    requireDigest(bytes, resource.crc32c);
    this.objects.requireGeneration(
      resource.name,
      query.get("ifGenerationMatch"),
    );
    const held = this.objects.put(
      resource,
      fault === "rot" ? corrupted(bytes) : bytes,
    );
    return this.#resource(held, query, fault);
  }

  #begin({ url, headers, body }: Request): Answer {
    const resource = JSON.parse(body.toString()) as NewResource;
    const size = headers["x-upload-content-length"];
    const id = this.sessions.begin(
      resource,
      url.searchParams,
      size === undefined ? undefined : Number(size),
    );
    const location = new URL(`/upload${OBJECTS}`, this.url);
    location.search = `uploadType=resumable&upload_id=${id}`;
    return { status: 200, headers: { location: location.href } };
  }
}

/** @throws {Refusal} when it is none. */
function operationOf(
  method: string,
  { pathname, searchParams }: URL,
  headers: Readonly<Record<string, string | undefined>>,
): Operation {
  const isObject = pathname.startsWith(`${OBJECTS}/`);
  const isSession = searchParams.has("upload_id");
  const isStatus = headers["content-range"]?.startsWith("bytes *") === true;
  const uploadType = searchParams.get("uploadType");
  const media = searchParams.get("alt") === "media";
  const known: Readonly<Record<string, Operation | undefined>> = {
    "POST /token": "token",
    [`GET ${OBJECTS}`]: "list",
    [`GET ${OBJECTS}/`]: media ? "get" : "stat",
    [`DELETE ${OBJECTS}/`]: "delete",
    [`POST /upload${OBJECTS}`]: uploadType === "resumable" ? "begin" : "insert",
    [`PUT /upload${OBJECTS}`]: isStatus ? "status" : "chunk",
    [`DELETE /upload${OBJECTS}`]: "cancel",
  };
  const operation = known[`${method} ${isObject ? `${OBJECTS}/` : pathname}`];
  const needsSession = ["status", "chunk", "cancel"].includes(operation ?? "");
  if (operation === undefined || needsSession !== isSession) {
    throw new TypeError(`${method} ${pathname} isn't of the JSON API`);
  }
  return operation;
}

/** Of a multipart/related body: a resource and its bytes. */
function partsOf(contentType: string, body: Buffer): [NewResource, Buffer] {
  const boundary = /boundary=(\S+)$/.exec(contentType)?.[1] ?? "";
  const head = new RegExp(
    `^--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n(.*)\r\n--${boundary}\r\ncontent-type: \\S+\r\n\r\n`,
  ).exec(body.toString("latin1"));
  const end = Buffer.from(`\r\n--${boundary}--\r\n`);
  const [all = "", resource = ""] = head ?? [];
  const isWhole = body.subarray(-end.length).equals(end);
  if (
    head === null ||
    !isWhole ||
    !contentType.startsWith("multipart/related;")
  ) {
    throw new Refusal(400, "badRequest", "Malformed multipart body.");
  }
  return [
    JSON.parse(Buffer.from(resource, "latin1").toString()) as NewResource,
    body.subarray(all.length, -end.length),
  ];
}

function download(
  held: Held,
  range: string | undefined,
  fault: FaultKind | undefined,
): Answer {
  const { bytes, generation, resource } = held;
  const size = bytes.length;
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
  if (Number(first) > Number(last)) {
    // A range that is none is none.
    return download(held, undefined, fault);
  }
  if (first !== undefined && Number(first) >= size) {
    throw new Refusal(
      416,
      "requestedRangeNotSatisfiable",
      "Range not satisfiable",
    );
  }
  const start = Number(first ?? 0);
  const end = Math.min(Number(last ?? size) + 1, size);
  const part = bytes.subarray(start, end);
  return {
    status: first === undefined ? 200 : 206,
    headers: {
      "content-type": resource.contentType ?? "application/octet-stream",
      "x-goog-generation": generation,
      "x-goog-hash": `crc32c=${crc32cOf(bytes)},md5=${md5Of(bytes)}`,
      "x-goog-stored-content-encoding": resource.contentEncoding ?? "identity",
      "x-goog-stored-content-length": String(size),
      ...(first === undefined
        ? {}
        : {
            "content-range": `bytes ${String(start)}-${String(end - 1)}/${String(size)}`,
          }),
    },
    body: fault === "corrupt" ? corrupted(part) : part,
  };
}

function send(
  response: ServerResponse,
  { status, headers = {}, body = Buffer.alloc(0) }: Answer,
  fault: FaultKind | undefined,
): void {
  const half = body.subarray(0, Math.ceil(body.length / 2));
  const length = { "content-length": String(body.length) };
  switch (fault) {
    case "drop-after":
    case "half-dropped":
      response.destroy();
      return;
    case "stall-after":
      return;
    case "cut":
      response.writeHead(status, { ...headers, ...length });
      response.write(half, () => response.destroy());
      return;
    case "short":
      response.writeHead(status, headers);
      response.end(half);
      return;
    case "hang":
      response.writeHead(status, { ...headers, ...length });
      response.write(half);
      return;
    default:
      // A 204 has no length.
      response.writeHead(status, {
        ...headers,
        ...(status === 204 ? {} : length),
      });
      response.end(body);
  }
}

/** A server with an empty bucket before each test of the suite, gone after it. */
export function useGcsServer(): GcsServer {
  const server = new Server();
  const oddities: unknown[] = [];
  const http = createServer((request, response) => {
    server.receive(request, response).catch((error: unknown) => {
      oddities.push(error);
      response.destroy();
    });
  });
  before(async () => {
    await new Promise<void>((resolve) => {
      http.listen(0, "127.0.0.1", resolve);
    });
    const { port } = http.address() as AddressInfo;
    server.url = `http://127.0.0.1:${String(port)}`;
  });
  beforeEach(() => {
    server.reset();
  });
  afterEach(() => {
    // What stalls does so no longer.
    http.closeAllConnections();
    const [first] = oddities.splice(0);
    if (first !== undefined) {
      throw first as Error;
    }
  });
  after(() => {
    http.close();
  });
  return server;
}
