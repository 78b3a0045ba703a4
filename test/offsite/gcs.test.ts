import { generateKeyPairSync, randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { inspect } from "node:util";

import { expect } from "chai";

import type { GcsTarget } from "../../src/config/types.js";
import { DrError, isDrError } from "../../src/core/errors.js";
import { openGcs, type GcsOptions } from "../../src/offsite/drivers/gcs.js";
import { downloadOf } from "../../src/offsite/drivers/gcs/download.js";
import {
  DEFAULT_PATIENCE,
  RetryingStorage,
} from "../../src/offsite/retrying.js";
import type { Source, Storage } from "../../src/offsite/storage.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { codeOf, describeStorage, sourceOf } from "./describe-storage.js";
import { useGcsServer, type Operation } from "./gcs-server.js";
import type { FaultKind } from "./gcs-server/faults.js";
import { crc32cOf } from "./gcs-server/objects.js";
import { useEnvironment } from "../helpers/environment.js";

const GRANULE = 262_144;
/** Three chunks of two granules, and a bit. */
const CHUNK = 2 * GRANULE;
const LARGE = 3 * CHUNK + 1000;
/** For tests in which nothing stalls. */
const LONG_MS = 20_000;
const SHORT_MS = 400;

describe("the storage at Google Cloud Storage", () => {
  const server = useGcsServer();
  const folder = useTemporaryFolder();
  const environment = useEnvironment();

  let keyFile: string;
  beforeEach(async () => {
    keyFile = join(folder.path, "key.json");
    await server.writeKeyFile(keyFile);
    environment.set("GOOGLE_APPLICATION_CREDENTIALS", undefined);
  });

  async function open(
    changes: Partial<GcsTarget> = {},
    options: GcsOptions = {},
  ): Promise<Storage> {
    const target: GcsTarget = {
      kind: "gcs",
      name: "offsite",
      prefix: "",
      bucket: server.objects.bucket,
      endpoint: server.url,
      keyFile,
      ...changes,
    };
    return await openGcs(target, {
      chunkBytes: CHUNK,
      stallMs: LONG_MS,
      ...options,
    });
  }

  /** At a server that wants to know nobody. */
  async function openAnonymously(): Promise<Storage> {
    const { endpoint, bucket } = {
      endpoint: server.url,
      bucket: server.objects.bucket,
    };
    return await openGcs(
      { kind: "gcs", name: "offsite", prefix: "", bucket, endpoint },
      { stallMs: LONG_MS },
    );
  }

  const patient = (storage: Storage) =>
    new RetryingStorage(storage, {
      ...DEFAULT_PATIENCE,
      clock: {
        now: () => new Date(),
        sleep: async () => {
          await Promise.resolve();
        },
      },
    });

  async function errorOf(work: Promise<unknown>): Promise<DrError> {
    try {
      await work;
    } catch (error) {
      expect(isDrError(error), inspect(error)).to.be.true;
      return error as DrError;
    }
    throw new TypeError("nothing failed");
  }

  async function read(storage: Storage, key: string): Promise<Buffer> {
    return await buffer(await storage.get(key));
  }

  /** Bytes that were sent in chunks. */
  const sentBytes = () =>
    server.requests
      .filter(({ operation }) => operation === "chunk")
      .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

  describeStorage(() => ({
    open: async ({ pageSize } = {}) =>
      await open(
        {},
        pageSize === undefined
          ? { chunkBytes: GRANULE }
          : { chunkBytes: GRANULE, pageSize },
      ),
    largeBytes: 3 * GRANULE + 1000,
  }));

  describe("writes", () => {
    it("what is small in one request, with its digests, where nothing is", async () => {
      const storage = await open();
      const source = sourceOf(Buffer.from("words"));
      await storage.put("a/ä b", source);
      expect(server.requests.map(({ operation }) => operation)).to.deep.equal([
        "token",
        "insert",
      ]);
      expect(server.requests[1]?.query.get("ifGenerationMatch")).to.equal("0");
      const { resource } = server.objects.get("a/ä b");
      expect(resource).to.deep.equal({
        name: "a/ä b",
        contentType: "application/octet-stream",
        storageClass: "NEARLINE",
        metadata: { sha256: source.sha256 },
        crc32c: crc32cOf(Buffer.from("words")),
      });
    });

    it("what is large a chunk at a time, its digest with the last", async () => {
      const storage = await open({ storageClass: "ARCHIVE" });
      const source = sourceOf(randomBytes(LARGE));
      await storage.put("a", source);
      const [, begin, ...chunks] = server.requests;
      expect(begin?.query.get("ifGenerationMatch")).to.equal("0");
      expect(begin?.headers["x-upload-content-length"]).to.equal(String(LARGE));
      expect(chunks.map(({ sizeBytes }) => sizeBytes)).to.deep.equal([
        CHUNK,
        CHUNK,
        CHUNK,
        1000,
      ]);
      const digests = chunks.map(({ headers }) => headers["x-goog-hash"]);
      expect(digests.slice(0, 3)).to.deep.equal(Array(3).fill(undefined));
      expect(digests[3]).to.match(/^crc32c=/);
      // A session's URL is all that it takes.
      expect(chunks[0]?.headers.authorization).to.be.undefined;
      const { resource } = server.objects.get("a");
      expect(resource.storageClass).to.equal("ARCHIVE");
      expect(resource.metadata).to.deep.equal({ sha256: source.sha256 });
    });

    it("what is as large as a chunk, or a little more", async () => {
      const storage = await open();
      for (const size of [CHUNK, CHUNK + 1, 2 * CHUNK]) {
        const bytes = randomBytes(size);
        await storage.put(String(size), sourceOf(bytes));
        expect((await read(storage, String(size))).equals(bytes)).to.be.true;
      }
      expect(server.count("insert")).to.equal(1);
      expect(server.count("chunk")).to.equal(4);
    });

    it("below its prefix", async () => {
      const storage = await open({ prefix: "production/" });
      expect(storage.address).to.equal("gs://takumi-backups/production/");
      await storage.put("a/1", sourceOf(Buffer.from("words")));
      expect(server.objects.names).to.deep.equal(["production/a/1"]);
      expect((await storage.listPage("a/")).objects[0]?.key).to.equal("a/1");
      expect((await storage.stat("a/1"))?.key).to.equal("a/1");
      expect((await (await open()).listPage("a/")).objects).to.deep.equal([]);
    });

    it("nothing where somebody else was faster", async () => {
      const storage = await open();
      const put = storage.put("a", sourceOf(randomBytes(LARGE)), {
        onProgress: () => {
          if (server.objects.find("a") === undefined) {
            server.objects.put({ name: "a" }, Buffer.from("theirs"));
          }
        },
      });
      expect(await codeOf(put)).to.equal("OFFSITE_EXISTS");
      expect((await read(storage, "a")).toString()).to.equal("theirs");
      expect(server.sessions.open).to.equal(0);
    });

    it("only one of two that are the same, at once", async () => {
      const storage = await open();
      const bytes = randomBytes(LARGE);
      const codes = await Promise.all(
        [1, 2].map(async () => await codeOf(storage.put("a", sourceOf(bytes)))),
      );
      expect(codes.toSorted()).to.deep.equal(["OFFSITE_EXISTS", "none"]);
    });

    it("nothing again that isn't in lists yet", async () => {
      const storage = await open();
      await storage.put("a", sourceOf(Buffer.from("words")));
      server.faults.add("list", "lag");
      expect((await storage.listPage("")).objects).to.deep.equal([]);
      expect(
        await codeOf(storage.put("a", sourceOf(Buffer.from("w")))),
      ).to.equal("OFFSITE_EXISTS");
    });

    it("nothing of a source that isn't what it says", async () => {
      const storage = await open();
      for (const size of [100, LARGE]) {
        for (const wrong of [-1, 1]) {
          const bytes = randomBytes(size);
          const source = sourceOf(bytes);
          const lying: Source = {
            ...source,
            sizeBytes: size - wrong,
            open: () => source.open(),
          };
          const error = await errorOf(storage.put("a", lying));
          expect(error.code).to.equal("ARTIFACT_DAMAGED");
          expect(error.values.what).to.equal("size");
        }
        const other = { ...sourceOf(randomBytes(size)), sha256: "0" };
        expect(await codeOf(storage.put("a", other))).to.equal(
          "ARTIFACT_DAMAGED",
        );
      }
      const unreadable: Source = {
        ...sourceOf(randomBytes(100)),
        open: () => Readable.from(failing()),
      };
      expect(await codeOf(storage.put("a", unreadable))).to.equal(
        "OFFSITE_FAILED",
      );
      expect(server.objects.names).to.deep.equal([]);
      expect(server.sessions.open).to.equal(0);
    });

    it("nothing more when it is called off", async () => {
      const storage = await open();
      for (const size of [100, LARGE]) {
        const controller = new AbortController();
        controller.abort(new DrError("INTERRUPTED", {}));
        const { signal } = controller;
        expect(
          await codeOf(
            storage.put("a", sourceOf(randomBytes(size)), { signal }),
          ),
        ).to.equal("INTERRUPTED");
      }
      const controller = new AbortController();
      const put = storage.put("a", sourceOf(randomBytes(LARGE)), {
        signal: controller.signal,
        onProgress: (sizeBytes) => {
          if (sizeBytes === 2 * CHUNK) {
            controller.abort(new DrError("INTERRUPTED", {}));
          }
        },
      });
      expect(await codeOf(put)).to.equal("INTERRUPTED");
      expect(sentBytes()).to.equal(2 * CHUNK);
      expect(server.sessions.open).to.equal(0);
    });

    it("nothing more, also while it waits for the store", async () => {
      const storage = await open({}, { stallMs: 3_600_000 });
      const uploads = [
        ["insert", 100],
        ["chunk", LARGE],
      ] as const;
      for (const [operation, size] of uploads) {
        server.faults.add(operation, "stall-before");
        const controller = new AbortController();
        const { signal } = controller;
        const reason = storage
          .put("a", sourceOf(randomBytes(size)), { signal })
          .catch((error: unknown) => error);
        while (server.count(operation) === 0) {
          await new Promise((resolve) => setImmediate(resolve));
        }
        controller.abort("why");
        expect(await reason).to.equal("why");
      }
      expect(server.sessions.open).to.equal(0);
      expect(server.objects.names).to.deep.equal([]);
    });
  });

  describe("goes on with an upload", () => {
    const breaks = [
      "drop-before",
      "drop-after",
      "half-dropped",
      "stall-before",
      { status: 503 },
    ] as const;
    for (const what of breaks) {
      const name = typeof what === "string" ? what : String(what.status);
      it(`that breaks at any chunk: ${name}`, async () => {
        const isStall = what === "stall-before";
        for (const position of isStall ? [1] : [0, 1, 2, 3]) {
          const stallMs = isStall ? SHORT_MS : LONG_MS;
          const storage = patient(await open({}, { stallMs }));
          const bytes = randomBytes(LARGE);
          const key = String(position);
          const before = [sentBytes(), server.count("begin")] as const;
          server.faults.add("chunk", what, position);
          const progress: number[] = [];
          await storage.put(key, sourceOf(bytes), {
            onProgress: (sizeBytes) => progress.push(sizeBytes),
          });
          expect(server.objects.get(key).bytes.equals(bytes)).to.be.true;
          expect(progress.at(-1)).to.equal(LARGE);
          expect(server.count("begin") - before[1]).to.equal(1);
          expect(sentBytes() - before[0]).to.be.at.most(LARGE + CHUNK);
        }
      });
    }

    it("at once, as long as something arrives", async () => {
      const storage = await open();
      const kinds: FaultKind[] = ["half-dropped", "drop-after", "half-kept"];
      for (const kind of kinds) {
        server.faults.add("chunk", kind, 1);
        const bytes = randomBytes(LARGE);
        await storage.put(kind, sourceOf(bytes));
        expect(server.objects.get(kind).bytes.equals(bytes)).to.be.true;
      }
      expect(server.count("begin")).to.equal(3);
    });

    it("no more when nothing arrives", async () => {
      const storage = await open();
      const source = sourceOf(randomBytes(LARGE));
      for (const kind of ["none-kept", "drop-before"] as const) {
        server.faults.add("chunk", kind, 1);
        expect(await codeOf(storage.put("a", source))).to.equal(
          "OFFSITE_UNREACHABLE",
        );
      }
      expect(server.count("begin")).to.equal(1);
    });

    it("when it is put again, and tells where it is", async () => {
      const storage = await open();
      const bytes = randomBytes(LARGE);
      server.faults.add("chunk", "half-dropped", 2);
      server.faults.add("status", "drop-before");
      expect(await codeOf(storage.put("a", sourceOf(bytes)))).to.equal(
        "OFFSITE_UNREACHABLE",
      );
      const before = sentBytes();
      const progress: number[] = [];
      await storage.put("a", sourceOf(bytes), {
        onProgress: (sizeBytes) => progress.push(sizeBytes),
      });
      expect(progress[0]).to.equal(2.5 * CHUNK);
      expect(sentBytes() - before).to.equal(LARGE - 2.5 * CHUNK);
      expect(server.objects.get("a").bytes.equals(bytes)).to.be.true;
    });

    it("only of the same", async () => {
      const storage = await open();
      server.faults.add("chunk", "drop-before", 2);
      const first = storage.put("a", sourceOf(randomBytes(LARGE)));
      expect(await codeOf(first)).to.equal("OFFSITE_UNREACHABLE");
      const bytes = randomBytes(LARGE);
      await storage.put("a", sourceOf(bytes));
      expect(server.count("begin")).to.equal(2);
      expect(server.objects.get("a").bytes.equals(bytes)).to.be.true;
    });

    it("anew when the store has forgotten it", async () => {
      const storage = await open();
      const bytes = randomBytes(LARGE);
      server.faults.add("chunk", "drop-before", 2);
      expect(await codeOf(storage.put("a", sourceOf(bytes)))).to.equal(
        "OFFSITE_UNREACHABLE",
      );
      server.sessions.expire();
      await patient(storage).put("a", sourceOf(bytes));
      expect(server.count("begin")).to.equal(2);
      expect(server.objects.get("a").bytes.equals(bytes)).to.be.true;
    });

    it("anew when the store has lost a part of it", async () => {
      const storage = await open();
      const bytes = randomBytes(LARGE);
      server.faults.add("chunk", "drop-before", 2);
      expect(await codeOf(storage.put("a", sourceOf(bytes)))).to.equal(
        "OFFSITE_UNREACHABLE",
      );
      server.sessions.lose(GRANULE);
      await patient(storage).put("a", sourceOf(bytes));
      expect(server.count("begin")).to.equal(2);
      expect(server.objects.get("a").bytes.equals(bytes)).to.be.true;
    });

    it("when its beginning is lost", async () => {
      const storage = patient(await open());
      for (const kind of ["drop-before", "drop-after"] as const) {
        server.faults.add("begin", kind);
        await storage.put(kind, sourceOf(randomBytes(LARGE)));
      }
      expect(server.count("begin")).to.equal(4);
    });
  });

  describe("finds what an upload has left whose answer was lost", () => {
    it("in one request", async () => {
      const storage = await open({}, { stallMs: SHORT_MS });
      for (const kind of ["drop-after", "stall-after"] as const) {
        server.faults.add("insert", kind);
        await storage.put(kind, sourceOf(Buffer.from("words")));
      }
      expect(server.count("stat")).to.equal(2);
    });

    it("in chunks, and when the session is forgotten too", async () => {
      const storage = await open();
      server.faults.add("chunk", "drop-after", 3);
      await storage.put("a", sourceOf(randomBytes(LARGE)));
      server.faults.add("chunk", "drop-after", 3);
      server.faults.add("status", { status: 410 });
      await storage.put("b", sourceOf(randomBytes(LARGE)));
      expect(server.objects.names).to.deep.equal(["a", "b"]);
      expect(server.count("chunk")).to.equal(8);
    });

    it("when it is put again", async () => {
      const storage = await open();
      const bytes = randomBytes(LARGE);
      server.faults.add("chunk", "drop-after", 3);
      server.faults.add("status", "drop-before");
      expect(await codeOf(storage.put("a", sourceOf(bytes)))).to.equal(
        "OFFSITE_UNREACHABLE",
      );
      await storage.put("a", sourceOf(bytes));
      expect(server.count("chunk")).to.equal(4);
      server.faults.add("insert", "drop-after");
      server.faults.add("stat", "drop-before");
      await patient(storage).put("b", sourceOf(Buffer.from("words")));
    });

    it("and takes nobody else's for it", async () => {
      const storage = await open();
      const source = sourceOf(Buffer.from("words"));
      const { sha256 } = source;
      const other = sourceOf(Buffer.from("sword")).sha256;
      for (const [text, metadata] of [
        ["sword", { sha256: other }],
        ["sword", {}],
        ["word", { sha256 }],
      ] as const) {
        server.objects.put({ name: "a", metadata }, Buffer.from(text));
        server.faults.add("insert", "drop-before");
        expect(await codeOf(storage.put("a", source))).to.equal(
          "OFFSITE_UNREACHABLE",
        );
      }
    });

    it("and holds that against its digest too", async () => {
      const storage = await open();
      const source = sourceOf(Buffer.from("words"));
      const { sha256 } = source;
      const rotten = { name: "a", metadata: { sha256 } };
      server.objects.put(rotten, Buffer.from("sword"));
      server.faults.add("insert", "drop-before");
      expect(await codeOf(storage.put("a", source))).to.equal(
        "OFFSITE_DAMAGED",
      );
      expect(server.objects.names).to.deep.equal([]);
    });
  });

  describe("notices damage", () => {
    const uploads = [
      { operation: "insert", size: 100 },
      { operation: "chunk", size: LARGE },
    ] as const;
    for (const { operation, size } of uploads) {
      it(`on the way there: ${operation}`, async () => {
        const storage = await open();
        server.faults.add(operation, "corrupt");
        expect(
          await codeOf(storage.put("a", sourceOf(randomBytes(size)))),
        ).to.equal("OFFSITE_DAMAGED");
        expect(server.objects.names).to.deep.equal([]);
        expect(server.sessions.open).to.equal(0);
        await storage.put("a", sourceOf(randomBytes(size)));
      });

      it(`there, and takes it away: ${operation}`, async () => {
        const storage = await open();
        server.faults.add(operation, "rot", operation === "chunk" ? 3 : 0);
        expect(
          await codeOf(storage.put("a", sourceOf(randomBytes(size)))),
        ).to.equal("OFFSITE_DAMAGED");
        expect(server.objects.names).to.deep.equal([]);
        const taken = server.requests.find((one) => one.operation === "delete");
        // Not what somebody else has put there meanwhile.
        expect(taken?.query.get("ifGenerationMatch")).to.match(/^\d+$/);
      });
    }

    it("there, also when it can't be taken away", async () => {
      const storage = await open();
      server.objects.retentionMs = 60_000;
      server.faults.add("insert", "rot");
      const error = await errorOf(
        storage.put("a", sourceOf(Buffer.from("words"))),
      );
      expect(error.code).to.equal("OFFSITE_DAMAGED");
      expect(error.message).to.include("it can't be taken away");
    });

    it("in what has no digest", async () => {
      server.faults.add("insert", "no-digest");
      const put = (await open()).put("a", sourceOf(Buffer.from("words")));
      expect(await codeOf(put)).to.equal("OFFSITE_DAMAGED");
    });

    it("on the way back", async () => {
      const storage = await open();
      await storage.put("a", sourceOf(randomBytes(100_000)));
      server.faults.add("get", "corrupt");
      expect(await codeOf(read(storage, "a"))).to.equal("OFFSITE_DAMAGED");
    });
  });

  describe("reads", () => {
    const range = { start: 1000, end: 90_000 };
    for (const kind of ["cut", "short", "hang"] as const) {
      it(`whole streams only: ${kind}`, async () => {
        const storage = await open({}, { stallMs: SHORT_MS });
        await storage.put("a", sourceOf(randomBytes(100_000)));
        for (const part of [undefined, range]) {
          server.faults.add("get", kind);
          const bytes = await storage.get("a", part);
          expect(await codeOf(buffer(bytes))).to.equal("OFFSITE_UNREACHABLE");
        }
      });
    }

    it("on where a stream broke off", async () => {
      const storage = patient(await open());
      const bytes = randomBytes(100_000);
      await storage.put("a", sourceOf(bytes));
      server.faults.add("get", "cut");
      expect((await read(storage, "a")).equals(bytes)).to.be.true;
      expect(server.count("get")).to.equal(2);
    });

    it("as slowly as it likes", async () => {
      let left = 5;
      const body = new ReadableStream<Uint8Array>({
        pull: (controller) => {
          left -= 1;
          controller.enqueue(randomBytes(100_000));
          if (left === 0) {
            controller.close();
          }
        },
      });
      const asked = { storage: "gs://a/", operation: "get", key: "a" } as const;
      const stream = downloadOf(new Response(body), 20, asked, undefined);
      for await (const chunk of stream) {
        expect(chunk).to.be.instanceOf(Buffer);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    });

    it("nothing else than it asked for", async () => {
      const storage = await open();
      const encoded = { name: "a", contentEncoding: "gzip" };
      server.objects.put(encoded, Buffer.from("words"));
      expect(await codeOf(storage.get("a"))).to.equal("OFFSITE_FAILED");
      server.objects.put({ name: "b" }, Buffer.from("words"));
      // Past its end.
      expect(await codeOf(storage.get("b", { start: 5, end: 6 }))).to.equal(
        "OFFSITE_FAILED",
      );
      const whole = new Response("words");
      const asked = { storage: "gs://a/", operation: "get", key: "a" } as const;
      expect(() =>
        downloadOf(whole, LONG_MS, asked, { start: 1, end: 2 }),
      ).to.throw(DrError);
      expect(await buffer(await storage.get("b", { start: 2, end: 2 }))).to.be
        .empty;
    });

    it("no more of what nobody wants", async () => {
      const storage = await open();
      await storage.put("a", sourceOf(randomBytes(100_000)));
      server.faults.add("get", "hang");
      const bytes = await storage.get("a");
      bytes.destroy();
      await new Promise((resolve) => bytes.once("close", resolve));
    });
  });

  it("asks once a page, and for no more than a page", async () => {
    const storage = await open({}, { pageSize: 2 });
    for (const name of ["a", "b", "c"]) {
      server.objects.put({ name }, Buffer.from(name));
    }
    const first = await storage.listPage("");
    expect(server.count("list")).to.equal(1);
    expect(server.requests.at(-1)?.query.get("maxResults")).to.equal("2");
    const second = await storage.listPage("", first.next);
    expect(server.count("list")).to.equal(2);
    expect(second.objects.map(({ key }) => key)).to.deep.equal(["c"]);
    expect(second.next).to.be.undefined;
    await (await open()).listPage("");
    expect(server.requests.at(-1)?.query.get("maxResults")).to.equal("1000");
  });

  describe("says until when something is kept", () => {
    it("by the bucket, or by itself", async () => {
      const storage = await open();
      await storage.put("a", sourceOf(Buffer.from("words")));
      expect((await storage.stat("a"))?.lockedUntil).to.be.undefined;
      server.objects.retentionMs = 1_000_000;
      const held = server.objects.get("a");
      const byBucket = new Date(held.createdAt.getTime() + 1_000_000);
      expect((await storage.stat("a"))?.lockedUntil).to.deep.equal(byBucket);
      held.retainUntil = new Date("2099-01-01T00:00:00Z");
      expect((await storage.stat("a"))?.lockedUntil).to.deep.equal(
        held.retainUntil,
      );
      const error = await errorOf(storage.delete("a"));
      expect(error.code).to.equal("OFFSITE_LOCKED");
      expect(error.message).to.include("2099-01-01T00:00:00.000Z");
      expect(server.count("delete")).to.equal(0);
      expect(server.objects.names).to.deep.equal(["a"]);
      server.aheadMs = 100 * 365 * 86_400_000;
      await (await openAgain()).delete("a");
      expect(server.objects.names).to.deep.equal([]);
    });

    it("and doesn't mind when it is gone meanwhile, or another", async () => {
      const storage = await open();
      server.objects.put({ name: "a" }, Buffer.from("words"));
      for (const status of [404, 412]) {
        server.faults.add("delete", { status });
        await storage.delete("a");
      }
    });

    it("when only the store knows of it", async () => {
      const storage = await open();
      const held = server.objects.put({ name: "a" }, Buffer.from("words"));
      server.faults.add("stat", "early");
      held.retainUntil = new Date("2099-01-01T00:00:00Z");
      const error = await errorOf(storage.delete("a"));
      expect(error.code).to.equal("OFFSITE_LOCKED");
      expect(error.message).to.include("2099-01-01T00:00:00.000Z");
    });

    it("when deleting would only hide it", async () => {
      const storage = await open();
      await storage.put("a", sourceOf(Buffer.from("words")));
      server.objects.isVersioned = true;
      server.objects.retentionMs = 60_000;
      expect(await codeOf(storage.delete("a"))).to.equal("OFFSITE_LOCKED");
      expect(server.objects.names).to.deep.equal(["a"]);
    });

    it("by a hold, in both ways that Google has for it", async () => {
      const storage = await open();
      for (const hold of ["Temporary", "Event-Based"]) {
        server.objects.put({ name: "a" }, Buffer.from("words")).hold = hold;
        const error = await errorOf(storage.delete("a"));
        expect(error.code).to.equal("OFFSITE_LOCKED");
        expect(error.message).to.include(hold.toLowerCase());
      }
      server.objects.put({ name: "a" }, Buffer.from("words"));
      const message =
        "Object 'a' is under active Temporary hold and cannot be deleted, overwritten or archived until hold is removed.";
      server.faults.add("delete", { status: 403, word: "forbidden", message });
      expect(await codeOf(storage.delete("a"))).to.equal("OFFSITE_LOCKED");
      const word = "objectUnderActiveHold";
      server.faults.add("delete", { status: 403, word });
      expect(await codeOf(storage.delete("a"))).to.equal("OFFSITE_LOCKED");
    });
  });

  const OPERATIONS: readonly (readonly [
    Operation,
    (storage: Storage) => Promise<unknown>,
  ])[] = [
    ["list", async (storage) => await storage.listPage("")],
    ["stat", async (storage) => await storage.stat("a")],
    ["get", async (storage) => await storage.get("a")],
    [
      "delete",
      async (storage) => {
        await storage.delete("a");
      },
    ],
    [
      "insert",
      async (storage) => {
        await storage.put("b", sourceOf(randomBytes(9)));
      },
    ],
    [
      "begin",
      async (storage) => {
        await storage.put("c", sourceOf(randomBytes(LARGE)));
      },
    ],
    [
      "chunk",
      async (storage) => {
        await storage.put("d", sourceOf(randomBytes(LARGE)));
      },
    ],
  ];

  describe("tells failures apart", () => {
    const MEANINGS = [
      [{ status: 401 }, "OFFSITE_DENIED"],
      [{ status: 403, word: "forbidden" }, "OFFSITE_DENIED"],
      [{ status: 403, word: "rateLimitExceeded" }, "OFFSITE_UNREACHABLE"],
      [{ status: 403, word: "userRateLimitExceeded" }, "OFFSITE_UNREACHABLE"],
      [{ status: 403, word: "quotaExceeded" }, "OFFSITE_FULL"],
      [{ status: 507 }, "OFFSITE_FULL"],
      [{ status: 408 }, "OFFSITE_UNREACHABLE"],
      [{ status: 429 }, "OFFSITE_UNREACHABLE"],
      [{ status: 500 }, "OFFSITE_UNREACHABLE"],
      [{ status: 502 }, "OFFSITE_UNREACHABLE"],
      [{ status: 503 }, "OFFSITE_UNREACHABLE"],
      [{ status: 504 }, "OFFSITE_UNREACHABLE"],
      [{ status: 400, word: "required" }, "OFFSITE_FAILED"],
      [{ status: 301 }, "OFFSITE_FAILED"],
      ["drop-before", "OFFSITE_UNREACHABLE"],
    ] as const;
    for (const [operation, act] of OPERATIONS) {
      it(operation, async () => {
        const storage = await open();
        server.objects.put({ name: "a" }, Buffer.from("words"));
        for (const [what, code] of MEANINGS) {
          server.faults.add(operation, what);
          expect(await codeOf(act(storage)), JSON.stringify(what)).to.equal(
            code,
          );
        }
        expect(server.objects.names).to.deep.equal(["a"]);
      });
    }

    it("that stall", async () => {
      const storage = await open({}, { stallMs: SHORT_MS });
      server.objects.put({ name: "a" }, Buffer.from("words"));
      await storage.stat("a");
      for (const [operation] of OPERATIONS) {
        server.faults.add(operation, "stall-before");
      }
      const codes = await Promise.all(
        OPERATIONS.map(async ([, act]) => await codeOf(act(storage))),
      );
      expect(codes).to.deep.equal(OPERATIONS.map(() => "OFFSITE_UNREACHABLE"));
    });

    it("and a bucket that isn't there from an object that isn't", async () => {
      const storage = await open();
      const message = "The specified bucket does not exist.";
      for (const [operation, act] of OPERATIONS) {
        if (operation !== "chunk") {
          // What is to be deleted is looked at first.
          const first = operation === "delete" ? "stat" : operation;
          server.faults.add(first, { status: 404, message });
          expect(await codeOf(act(storage)), operation).to.equal(
            "OFFSITE_FAILED",
          );
        }
      }
    });

    it("and somebody who answers in the store's place", async () => {
      const storage = await open();
      for (const [operation, act] of OPERATIONS) {
        if (operation !== "delete" && operation !== "get") {
          server.faults.add(operation, "portal");
          expect(await codeOf(act(storage)), operation).to.equal(
            "OFFSITE_FAILED",
          );
        }
      }
    });

    it("and a place where nobody answers", async () => {
      server.isOpen = true;
      const endpoint = "http://127.0.0.1:1";
      const error = await errorOf((await open({ endpoint })).stat("a"));
      expect(error.code).to.equal("OFFSITE_UNREACHABLE");
      expect(error.message).to.match(/bad port|ECONNREFUSED/);
    });
  });

  describe("says who asks", () => {
    it("with one token for many requests, and for objects only", async () => {
      const storage = await open();
      await Promise.all([storage.stat("a"), storage.stat("b")]);
      await storage.listPage("");
      expect(server.count("token")).to.equal(1);
    });

    it("with the key file that the environment names", async () => {
      environment.set("GOOGLE_APPLICATION_CREDENTIALS", keyFile);
      const storage = await openAnonymously();
      expect(await storage.stat("a")).to.be.undefined;
      expect(server.count("token")).to.equal(1);
    });

    it("not at all to another server, without a key file", async () => {
      const storage = await openAnonymously();
      const error = await errorOf(storage.stat("a"));
      expect(error.code).to.equal("OFFSITE_DENIED");
      expect(error.fix).to.include("GOOGLE_APPLICATION_CREDENTIALS");
      server.isOpen = true;
      expect(await storage.stat("a")).to.be.undefined;
      expect(server.count("token")).to.equal(0);
    });

    it("and what to set when Google can't know", async () => {
      environment.set("METADATA_SERVER_DETECTION", "none");
      environment.set("HOME", folder.path);
      environment.set("CLOUDSDK_CONFIG", folder.path);
      const storage = await openGcs({
        kind: "gcs",
        name: "offsite",
        prefix: "",
        bucket: "takumi-backups",
      });
      const error = await errorOf(storage.stat("a"));
      expect(error.code).to.equal("OFFSITE_DENIED");
      expect(error.message).to.include("default credentials");
      expect(error.fix).to.include("GOOGLE_APPLICATION_CREDENTIALS");
    });

    it("later, when there is no answer from where tokens come from", async () => {
      const JWT = class {
        fromJSON(): void {
          // Any key will do.
        }
        async getRequestHeaders(): Promise<Headers> {
          const code = "ECONNREFUSED";
          return await Promise.reject(
            Object.assign(new TypeError("connect ECONNREFUSED"), { code }),
          );
        }
      };
      const load = async () => await Promise.resolve({ JWT, GoogleAuth: JWT });
      const storage = await open({}, { load });
      expect(await codeOf(storage.stat("a"))).to.equal("OFFSITE_UNREACHABLE");
    });

    it("and is refused with a key that isn't good", async () => {
      const other = generateKeyPairSync("rsa", { modulusLength: 2048 })
        .privateKey.export({ type: "pkcs8", format: "pem" })
        .toString();
      const changes = [
        { private_key: other },
        { private_key: "none" },
        { private_key: undefined },
        { client_email: "someone@else.iam.gserviceaccount.com" },
        { type: "authorized_user" },
      ];
      for (const change of changes) {
        await server.writeKeyFile(keyFile, change);
        const error = await errorOf((await open()).stat("a"));
        expect(error.code).to.equal("OFFSITE_DENIED");
        expect(error.fix).to.include("keyFile");
      }
    });

    it("and is refused when a key or a token has lapsed", async () => {
      const storage = await open();
      await storage.stat("a");
      server.tokens.revoke();
      expect(await codeOf(storage.stat("a"))).to.equal("OFFSITE_DENIED");
      // As when the clock here is wrong.
      server.aheadMs = 2 * 3600 * 1000;
      const error = await errorOf((await open()).stat("a"));
      expect(error.code).to.equal("OFFSITE_DENIED");
      expect(error.message).to.include("invalid_grant");
    });

    it("and not with a file that can't be read", async () => {
      await writeFile(keyFile, server.account.privateKey);
      const storage = await open();
      expect(await codeOf(storage.stat("a"))).to.equal("OFFSITE_DENIED");
      await server.writeKeyFile(keyFile);
      expect(await storage.stat("a")).to.be.undefined;
      expect(
        await codeOf(
          (await open({ keyFile: join(folder.path, "none") })).stat("a"),
        ),
      ).to.equal("OFFSITE_DENIED");
    });

    it("as soon as the token endpoint is there again", async () => {
      const storage = await open({}, { stallMs: SHORT_MS });
      const faults = ["drop-before", "stall-before", { status: 503 }] as const;
      for (const fault of faults) {
        server.faults.add("token", fault);
        expect(await codeOf(storage.stat("a"))).to.equal("OFFSITE_UNREACHABLE");
      }
      // The library asks no second time by itself.
      expect(server.count("token")).to.equal(3);
      expect(await storage.stat("a")).to.be.undefined;
    });
  });

  it("tells no secret", async () => {
    const errors: DrError[] = [];
    const storage = await open();
    server.objects.put({ name: "a" }, Buffer.from("words"));
    for (const [operation, act] of OPERATIONS) {
      for (const what of [
        "drop-before",
        { status: 403 },
        { status: 500 },
      ] as const) {
        server.faults.add(operation, what);
        errors.push(await errorOf(act(storage)));
      }
    }
    const anew = await open();
    for (const what of ["drop-before", { status: 400 }] as const) {
      server.faults.add("token", what);
      errors.push(await errorOf(anew.stat("a")));
    }
    await writeFile(
      keyFile,
      `{"private_key": ${server.account.privateKey.slice(28)}`,
    );
    errors.push(await errorOf((await open()).stat("a")));
    const secrets = [
      ...server.tokens.given,
      ...server.sessions.ids,
      ...server.account.privateKey.split("\n").slice(1, -2),
    ];
    expect(secrets.length).to.be.greaterThan(5);
    for (const error of errors) {
      const all = inspect(error, { depth: 20, showHidden: true });
      for (const secret of secrets) {
        expect(all).to.not.include(secret);
        expect(all).to.not.include(secret.slice(0, 12));
      }
    }
  });

  it("says which package it needs", async () => {
    const load = async () => {
      await Promise.resolve();
      throw Object.assign(new TypeError("none"), {
        code: "ERR_MODULE_NOT_FOUND",
      });
    };
    expect(await codeOf(open({}, { load }))).to.equal(
      "OFFSITE_PACKAGE_MISSING",
    );
  });

  async function openAgain(): Promise<Storage> {
    server.isOpen = true;
    return await openAnonymously();
  }
});

function* failing(): Generator<Buffer> {
  yield Buffer.from("words");
  throw new TypeError("the disk is gone");
}
