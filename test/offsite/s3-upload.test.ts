import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { inspect } from "node:util";

import { expect } from "chai";

import { DrError } from "../../src/core/errors.js";
import type { Source, Storage } from "../../src/offsite/storage.js";
import { codeOf, errorOf, sourceOf } from "./describe-storage.js";
import { PART_BYTES, useS3, type S3Scene } from "./s3-scene.js";

const PARTS = 5;

describe("an upload to S3", function () {
  this.timeout(60_000);
  const scene = useS3();
  const open: S3Scene["open"] = async (...args) => await scene.open(...args);
  // Made once: random bytes of this size take their time.
  const large = randomBytes((PARTS - 1) * PART_BYTES + 1000);
  const source = sourceOf(large);
  const words = sourceOf(Buffer.from("words"));

  const read = async (storage: Storage, key: string) =>
    await buffer(await storage.get(key));
  const isThere = async (key: string) =>
    (await read(await open(), key)).equals(large);

  /** Leaves an upload of which all parts, or the first ones, have arrived. */
  async function interrupt(
    key = "a",
    parts = PARTS,
    from: Source = source,
  ): Promise<void> {
    const storage = await open();
    if (parts === PARTS) {
      scene.server.inject("CompleteMultipartUpload", "drop-before");
    } else {
      scene.server.inject("UploadPart", "drop-before", parts + 1);
    }
    expect(await codeOf(storage.put(key, from))).to.equal(
      "OFFSITE_UNREACHABLE",
    );
    scene.server.clear();
  }

  const partsThere = () =>
    [...scene.server.store.uploads.values()].map(({ parts }) => parts.size);

  describe("that was interrupted", () => {
    for (let failed = 1; failed <= PARTS; failed += 1) {
      it(`goes on where it was, at part ${String(failed)}`, async () => {
        await interrupt("a", failed - 1);
        const [there = 0] = partsThere();
        expect(there).to.be.within(failed - 1, PARTS - 1);
        // One without a part might be of anything.
        const begun = there === 0 ? 1 : 0;
        const progress: number[] = [];
        await (
          await open()
        ).put("a", source, { onProgress: (bytes) => progress.push(bytes) });
        expect(scene.server.count("UploadPart")).to.equal(PARTS - there);
        expect(scene.server.count("CreateMultipartUpload")).to.equal(begun);
        expect(progress).to.have.length(PARTS);
        expect(progress.at(-1)).to.equal(large.length);
        expect(await isThere("a")).to.be.true;
        expect(partsThere()).to.deep.equal([]);
      });
    }

    it("goes on by the parts' MD5s where there are no checksums", async () => {
      scene.server.ignoresChecksums = true;
      for (const checksums of [true, false]) {
        const key = String(checksums);
        await interrupt(key);
        await (await open({ checksums })).put(key, source);
        expect(scene.server.count("UploadPart"), key).to.equal(0);
        expect(await isThere(key)).to.be.true;
      }
    });

    it("is sent anew, and ended, when it was of something else", async () => {
      const other = Buffer.from(large);
      other[PART_BYTES + 5]! ^= 1;
      for (const theirs of [
        sourceOf(other),
        sourceOf(large.subarray(0, -1)),
        sourceOf(randomBytes(PART_BYTES + 1)),
      ]) {
        scene.server.reset();
        await interrupt(
          "a",
          theirs.sizeBytes < 3 * PART_BYTES ? 1 : PARTS,
          theirs,
        );
        const storage = await open();
        await storage.put("a", source);
        expect(scene.server.count("UploadPart")).to.equal(PARTS);
        expect((await storage.stat("a"))?.sha256).to.equal(source.sha256);
        expect(await isThere("a")).to.be.true;
        expect(partsThere()).to.deep.equal([]);
      }
    });

    it("is ended when nothing has arrived that shows what it is of", async () => {
      const other = sourceOf(randomBytes(large.length));
      for (let nth = 1; nth <= PARTS; nth += 1) {
        scene.server.inject("UploadPart", "drop-before", nth);
      }
      const storage = await open();
      expect(await codeOf(storage.put("a", other))).to.equal(
        "OFFSITE_UNREACHABLE",
      );
      expect(partsThere()).to.deep.equal([0]);
      scene.server.clear();
      await storage.put("a", source);
      expect(scene.server.count("AbortMultipartUpload")).to.equal(1);
      expect(await isThere("a")).to.be.true;
    });

    it("is seen by what the object says of itself when nothing else shows it", async () => {
      // All that has arrived is the same; only what hasn't yet differs.
      const other = Buffer.from(large);
      other[large.length - 1]! ^= 1;
      await interrupt("a", PARTS - 1, sourceOf(other));
      const parts = [...scene.server.store.uploads.values()][0]!.parts;
      parts.delete(PARTS);
      const storage = await open();
      expect(await codeOf(storage.put("a", source))).to.equal(
        "OFFSITE_DAMAGED",
      );
      expect(await storage.stat("a")).to.be.undefined;
      await storage.put("a", source);
      expect(await isThere("a")).to.be.true;
    });

    it("is sent anew when it was begun with other checksums", async () => {
      await interrupt();
      await (await open({ checksums: false })).put("a", source);
      expect(scene.server.count("UploadPart")).to.equal(PARTS);
      expect(await isThere("a")).to.be.true;
      expect(partsThere()).to.deep.equal([]);
    });

    it("is the newest of several, and the others are ended", async () => {
      await interrupt();
      const [first] = scene.server.store.uploads.values();
      for (const id of ["b", "c", "d"]) {
        const begunAt = new Date(first!.begunAt.getTime() + 1000);
        scene.server.store.uploads.set(id, { ...first!, id, begunAt });
      }
      await (await open()).put("a", source);
      expect(scene.server.count("UploadPart")).to.equal(0);
      expect(scene.server.count("AbortMultipartUpload")).to.equal(3);
      expect(partsThere()).to.deep.equal([]);
    });

    it("leaves those of others alone, whose names begin the same", async () => {
      await interrupt("a.manifest.json");
      await (await open()).put("a", source);
      expect(partsThere()).to.deep.equal([PARTS]);
    });

    it("has the whole time of its lock", async () => {
      const objectLock = { mode: "compliance", days: 30 } as const;
      let now = new Date("2100-01-01T00:00:00Z");
      const clock = {
        now: () => now,
        sleep: async () => {
          await Promise.resolve();
        },
      };
      const storage = await open({ objectLock }, { clock });
      scene.server.inject("CompleteMultipartUpload", "drop-before");
      await codeOf(storage.put("a", source));
      now = new Date("2100-01-10T00:00:00Z");
      await storage.put("a", source);
      expect(scene.server.count("CreateMultipartUpload")).to.equal(1);
      expect((await storage.stat("a"))?.lockedUntil).to.deep.equal(
        new Date("2100-02-09T00:00:00Z"),
      );
    });
  });

  describe("that fails", () => {
    it("leaves its parts while it may be gone on with", async () => {
      for (const fault of [
        { status: 403, code: "AccessDenied" },
        { status: 503, code: "SlowDown" },
        "drop-before",
      ] as const) {
        scene.server.reset();
        scene.server.inject("CompleteMultipartUpload", fault);
        await errorOf((await open()).put("a", source));
        expect(partsThere(), inspect(fault)).to.deep.equal([PARTS]);
      }
    });

    it("leaves nothing when it never will", async () => {
      for (const [fault, code] of [
        [{ status: 507, code: "StorageFull" }, "OFFSITE_FULL"],
        [{ status: 400, code: "InvalidRequest" }, "OFFSITE_FAILED"],
        [{ status: 412, code: "PreconditionFailed" }, "OFFSITE_EXISTS"],
        [{ status: 400, code: "BadDigest" }, "OFFSITE_DAMAGED"],
      ] as const) {
        scene.server.reset();
        scene.server.inject("CompleteMultipartUpload", fault);
        const storage = await open();
        expect(await codeOf(storage.put("a", source))).to.equal(code);
        expect(partsThere()).to.deep.equal([]);
      }
    });

    it("leaves nothing of a source that can't be read", async () => {
      const failing: Source = {
        ...source,
        open: () =>
          Readable.from(
            (function* () {
              yield large.subarray(0, PART_BYTES + 1);
              const reason = "EIO: i/o error, read";
              throw Object.assign(new TypeError(reason), { code: "EIO" });
            })(),
            { objectMode: false },
          ),
      };
      const storage = await open();
      for (const broken of [failing, { ...failing, sizeBytes: 100 }]) {
        const error = await errorOf(storage.put("a", broken));
        expect(error.code).to.equal("OFFSITE_FAILED");
        expect(error.message).to.include("EIO");
      }
      expect(partsThere()).to.deep.equal([]);
      expect(await storage.stat("a")).to.be.undefined;
    });

    it("leaves nothing of a source that isn't what it says", async () => {
      const storage = await open();
      const sha256 = "ab".repeat(32);
      for (const [broken, there] of [
        [{ ...source, sha256 }, 1],
        [{ ...source, sizeBytes: large.length + 1 }, 1],
        [{ ...words, sha256 }, 0],
        [{ ...words, sizeBytes: 6 }, 0],
      ] as const) {
        scene.server.requests = [];
        expect(await codeOf(storage.put("a", broken))).to.equal(
          "ARTIFACT_DAMAGED",
        );
        expect(scene.server.count("AbortMultipartUpload")).to.equal(there);
        expect(await storage.stat("a")).to.be.undefined;
      }
      expect(partsThere()).to.deep.equal([]);
    });

    it("ends at once when it is called off, and goes on later", async () => {
      scene.server.inject("UploadPart", "stall", PARTS);
      const controller = new AbortController();
      const storage = await open({}, { idleTimeoutMs: 60_000 });
      const put = storage.put("a", source, {
        signal: controller.signal,
        onProgress: (bytes) => {
          if (bytes >= (PARTS - 1) * PART_BYTES) {
            controller.abort(new DrError("INTERRUPTED", {}));
          }
        },
      });
      expect(await codeOf(put)).to.equal("INTERRUPTED");
      await scene.server.settled();
      scene.server.requests = [];
      await storage.put("a", source);
      expect(scene.server.count("UploadPart")).to.equal(1);
    });

    it("isn't begun for what is there", async () => {
      const storage = await open();
      await storage.put("a", source);
      scene.server.requests = [];
      expect(await codeOf(storage.put("a", source))).to.equal("OFFSITE_EXISTS");
      expect(scene.server.requests.map(({ operation }) => operation)).to.eql([
        "HeadObject",
      ]);
    });

    it("is refused by the store when it was changed on the way", async () => {
      for (const checksums of [true, false]) {
        const storage = await open({ checksums });
        scene.server.inject("PutObject", "corrupt-request");
        expect(await codeOf(storage.put("a", words))).to.equal(
          "OFFSITE_UNREACHABLE",
        );
        scene.server.inject("UploadPart", "corrupt-request", 2);
        expect(await codeOf(storage.put(String(checksums), source))).to.equal(
          "OFFSITE_UNREACHABLE",
        );
      }
      expect(scene.server.store.keys()).to.deep.equal([]);
    });
  });

  describe("whose answer is lost", () => {
    it("is found to have arrived", async () => {
      const storage = await open();
      scene.server.inject("PutObject", "drop-after");
      await storage.put("small", words);
      scene.server.inject("CompleteMultipartUpload", "drop-after");
      await storage.put("a", source);
      expect(await isThere("a")).to.be.true;
      expect(scene.server.count("PutObject")).to.equal(1);
      expect(scene.server.count("CompleteMultipartUpload")).to.equal(1);
    });

    it("hasn't arrived when something else is there", async () => {
      const storage = await open();
      await storage.put("a", sourceOf(Buffer.from("other")));
      for (const fault of [
        "drop-before",
        { status: 409, code: "ConditionalRequestConflict" },
      ] as const) {
        scene.server.inject("PutObject", fault);
        expect(await codeOf(storage.put("a", words))).to.equal(
          "OFFSITE_EXISTS",
        );
        scene.server.inject("PutObject", fault);
        expect(await codeOf(storage.put("b", words))).to.equal(
          "OFFSITE_UNREACHABLE",
        );
      }
    });

    it("is proven by the next attempt when the store was gone meanwhile", async () => {
      const storage = await open();
      scene.server.inject("HeadObject", "drop-before");
      expect(await codeOf(storage.put("a", words))).to.equal(
        "OFFSITE_UNREACHABLE",
      );
      await storage.put("a", words);
      expect(scene.server.count("PutObject")).to.equal(1);
      expect(await codeOf(storage.put("a", words))).to.equal("OFFSITE_EXISTS");
    });
  });

  describe("that has arrived", () => {
    const KMS = { encryption: "aws:kms" } as const;

    it("is proven by the store's digest, and not read back", async () => {
      const storage = await open();
      for (const target of [{}, { checksums: false }, KMS]) {
        scene.server.reset();
        await (await open(target)).put("small", words);
        await (await open(target)).put("a", source);
        expect(scene.server.count("GetObject")).to.equal(0);
      }
      scene.server.reset();
      scene.server.ignoresChecksums = true;
      await storage.put("small", words);
      await storage.put("a", source);
      expect(scene.server.count("GetObject")).to.equal(0);
      expect(storage.capabilities.confirms).to.be.true;
    });

    it("is read back where the store shows none", async () => {
      for (const ignoresChecksums of [true, false]) {
        scene.server.reset();
        scene.server.ignoresChecksums = ignoresChecksums;
        const target = { ...KMS, checksums: ignoresChecksums };
        const storage = await open(target);
        await storage.put("small", words);
        await storage.put("a", source);
        expect(scene.server.count("GetObject")).to.equal(2);
        scene.server.inject("PutObject", "corrupt-stored");
        expect(await codeOf(storage.put("b", words))).to.equal(
          "OFFSITE_DAMAGED",
        );
      }
      const none = await open({ ...KMS, checksums: false });
      expect(none.capabilities.resumes).to.be.false;
    });

    it("is taken away when it isn't what was sent", async () => {
      for (const checksums of [true, false]) {
        const storage = await open({ checksums });
        scene.server.inject("PutObject", "corrupt-stored");
        expect(await codeOf(storage.put("small", words))).to.equal(
          "OFFSITE_DAMAGED",
        );
        scene.server.inject("CompleteMultipartUpload", "corrupt-stored");
        expect(await codeOf(storage.put("a", source))).to.equal(
          "OFFSITE_DAMAGED",
        );
        for (const key of ["small", "a"]) {
          expect(scene.server.store.versions.get(key)).to.deep.equal([]);
        }
      }
    });

    it("is taken away when there is less of it, whatever its digest is", async () => {
      const storage = await open();
      scene.server.inject("PutObject", "cut-stored");
      const error = await errorOf(storage.put("a", words));
      expect(error.code).to.equal("OFFSITE_DAMAGED");
      expect(error.message).to.include("4 bytes instead of 5");
      expect(await storage.stat("a")).to.be.undefined;
    });

    it("is left alone when somebody else has written it since", async () => {
      const theirs = Buffer.from("theirs");
      const { store } = scene.server;
      const storage = await open({ conditionalWrites: false });
      const put = storage.put("a", words, {
        onProgress: () => {
          store.add("a", {
            bytes: theirs,
            etag: "theirs",
            headers: { "x-amz-meta-sha256": sourceOf(theirs).sha256 },
          });
        },
      });
      expect(await codeOf(put)).to.equal("OFFSITE_EXISTS");
      expect(await read(storage, "a")).to.deep.equal(theirs);
      expect(scene.server.count("DeleteObject")).to.equal(0);
    });

    it("is hidden then, where it is locked", async () => {
      const storage = await open({
        objectLock: { mode: "compliance", days: 1 },
      });
      scene.server.inject("PutObject", "corrupt-stored");
      expect(await codeOf(storage.put("a", words))).to.equal("OFFSITE_DAMAGED");
      expect(await storage.stat("a")).to.be.undefined;
      await storage.put("a", words);
      expect((await read(storage, "a")).toString()).to.equal("words");
    });

    it("is said to be damaged even if it can't be taken away", async () => {
      const storage = await open();
      scene.server.inject("PutObject", "corrupt-stored");
      scene.server.inject("DeleteObject", "drop-before");
      scene.server.inject("DeleteObject", "drop-before", 2);
      const error = await errorOf(storage.put("a", words));
      expect(error.code).to.equal("OFFSITE_DAMAGED");
      expect(error.message).to.include("can't be taken away");
    });
  });
});
