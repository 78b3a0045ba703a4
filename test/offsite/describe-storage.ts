import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";

import { expect } from "chai";

import { DrError, isDrError } from "../../src/core/errors.js";
import {
  listObjects,
  type Source,
  type Storage,
  type StoredObject,
} from "../../src/offsite/storage.js";

/** A storage under test; empty when it is opened. */
export interface StorageUnderTest {
  /** Pages of `pageSize` objects; two of them see the same objects. */
  readonly open: (options?: { readonly pageSize?: number }) => Promise<Storage>;
  /** Large enough that a driver sends it in parts. */
  readonly largeBytes: number;
  /** False where the store knows no conditions, so that two may be as fast. Default: true. */
  readonly isRaceFree?: boolean;
}

const CHUNK_BYTES = 65_536;

export function sourceOf(bytes: Buffer): Source {
  return {
    sizeBytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    open: ({ start, end } = { start: 0, end: bytes.length }) =>
      Readable.from(inChunks(bytes.subarray(start, end)), {
        objectMode: false,
      }),
  };
}

function* inChunks(bytes: Buffer): Generator<Buffer> {
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    yield bytes.subarray(start, start + CHUNK_BYTES);
  }
}

/** A source that breaks off. */
function failing(bytes: Buffer): Source {
  return {
    ...sourceOf(bytes),
    open: () =>
      Readable.from(
        (function* () {
          yield bytes.subarray(0, bytes.length / 2);
          throw new DrError("INTERRUPTED", {});
        })(),
        { objectMode: false },
      ),
  };
}

export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    expect(isDrError(error), String(error)).to.be.true;
    return (error as DrError).code;
  }
  return "none";
}

export async function errorOf(work: Promise<unknown>): Promise<DrError> {
  const error: unknown = await work.then(
    () => expect.fail("it didn't fail"),
    (reason: unknown) => reason,
  );
  expect(isDrError(error), String(error)).to.be.true;
  return error as DrError;
}

async function listAll(
  storage: Storage,
  prefix?: string,
): Promise<StoredObject[]> {
  const found: StoredObject[] = [];
  for await (const object of listObjects(storage, prefix)) {
    found.push(object);
  }
  return found;
}

/** What every driver must do. @param use - Called once per test. */
export function describeStorage(use: () => StorageUnderTest): void {
  async function read(
    storage: Storage,
    ...args: Parameters<Storage["get"]>
  ): Promise<Buffer> {
    return await buffer(await storage.get(...args));
  }

  it("gives back what was put, all of it or a part", async () => {
    const storage = await use().open();
    const bytes = randomBytes(1000);
    await storage.put("database/a_1.sql.gz", sourceOf(bytes));
    expect((await read(storage, "database/a_1.sql.gz")).equals(bytes)).to.be
      .true;
    const part = await read(storage, "database/a_1.sql.gz", {
      start: 10,
      end: 20,
    });
    expect(part.equals(bytes.subarray(10, 20))).to.be.true;
  });

  it("takes nothing, and much, telling how far it is", async () => {
    const { open, largeBytes } = use();
    const storage = await open();
    await storage.put("empty", sourceOf(Buffer.alloc(0)));
    expect((await storage.stat("empty"))?.sizeBytes).to.equal(0);
    expect(await read(storage, "empty")).to.have.length(0);
    const large = randomBytes(largeBytes);
    const progress: number[] = [];
    await storage.put("large", sourceOf(large), {
      onProgress: (sizeBytes) => progress.push(sizeBytes),
    });
    expect((await read(storage, "large")).equals(large)).to.be.true;
    expect(progress.at(-1)).to.equal(largeBytes);
    expect(progress).to.deep.equal(progress.toSorted((a, b) => a - b));
    expect(progress.length).to.be.greaterThan(1);
  });

  it("knows what it has, and when it came", async () => {
    const storage = await use().open();
    const source = sourceOf(Buffer.from("words"));
    const before = Date.now();
    await storage.put("files/b", source);
    const found = await storage.stat("files/b");
    expect(found?.key).to.equal("files/b");
    expect(found?.sizeBytes).to.equal(5);
    // Clocks of file systems and of HTTP headers are coarse.
    expect(found?.modifiedAt.getTime()).to.be.within(
      before - 2000,
      Date.now() + 2000,
    );
    expect([undefined, source.sha256]).to.include(found?.sha256);
    expect(await storage.stat("files/c")).to.be.undefined;
    expect(await storage.stat("files")).to.be.undefined;
  });

  it("lists in the order of names, by prefix, page after page", async () => {
    const { open } = use();
    const storage = await open({ pageSize: 2 });
    const keys = ["a/1", "a/2.manifest.json", "a/3", "ab", "b/1"];
    for (const key of keys.toReversed()) {
      await storage.put(key, sourceOf(Buffer.from(key)));
    }
    const all = await listAll(storage);
    expect(all.map(({ key }) => key)).to.deep.equal(keys);
    expect(all.map(({ sizeBytes }) => sizeBytes)).to.deep.equal(
      keys.map((key) => key.length),
    );
    const below = await listAll(storage, "a/");
    expect(below.map(({ key }) => key)).to.deep.equal(keys.slice(0, 3));
    const first = await storage.listPage("");
    expect(first.objects).to.have.length(2);
    expect(first.next).to.be.a("string");
    expect((await storage.listPage("none/")).objects).to.deep.equal([]);
    expect((await storage.listPage("none/")).next).to.be.undefined;
  });

  it("overwrites nothing", async () => {
    const storage = await use().open();
    const first = Buffer.from("first");
    await storage.put("a", sourceOf(first));
    for (const again of [first, Buffer.from("second")]) {
      expect(await codeOf(storage.put("a", sourceOf(again)))).to.equal(
        "OFFSITE_EXISTS",
      );
    }
    expect((await read(storage, "a")).equals(first)).to.be.true;
  });

  it("overwrites nothing large", async () => {
    const { open, largeBytes } = use();
    const storage = await open();
    const first = randomBytes(largeBytes);
    await storage.put("a", sourceOf(first));
    expect(
      await codeOf(storage.put("a", sourceOf(randomBytes(largeBytes)))),
    ).to.equal("OFFSITE_EXISTS");
    expect((await read(storage, "a")).equals(first)).to.be.true;
  });

  it("keeps nothing of what breaks off", async () => {
    const { open, largeBytes } = use();
    const storage = await open();
    for (const bytes of [Buffer.from("words"), randomBytes(largeBytes)]) {
      expect(await codeOf(storage.put("a", failing(bytes)))).to.not.equal(
        "none",
      );
      expect(await storage.stat("a")).to.be.undefined;
    }
    expect(await listAll(storage)).to.deep.equal([]);
    await storage.put("a", sourceOf(Buffer.from("whole")));
    expect((await read(storage, "a")).toString()).to.equal("whole");
  });

  it("keeps nothing of what isn't what it should be", async () => {
    const { open, largeBytes } = use();
    const storage = await open();
    for (const bytes of [Buffer.from("words"), randomBytes(largeBytes)]) {
      const meant = sourceOf(bytes);
      const damaged = Buffer.from(bytes);
      damaged[damaged.length - 1]! ^= 1;
      const put = storage.put("a", { ...meant, open: sourceOf(damaged).open });
      expect(await codeOf(put)).to.equal("ARTIFACT_DAMAGED");
      expect(await storage.stat("a")).to.be.undefined;
    }
    expect(await listAll(storage)).to.deep.equal([]);
  });

  it("can be called off", async () => {
    const { open, largeBytes } = use();
    const storage = await open();
    const controller = new AbortController();
    const put = storage.put("a", sourceOf(randomBytes(largeBytes)), {
      signal: controller.signal,
      onProgress: () => {
        controller.abort(new DrError("INTERRUPTED", {}));
      },
    });
    expect(await codeOf(put)).to.equal("INTERRUPTED");
    expect(await storage.stat("a")).to.be.undefined;
  });

  it("deletes, and doesn't mind when there is nothing", async () => {
    const storage = await use().open();
    await storage.put("a", sourceOf(Buffer.from("words")));
    await storage.delete("a");
    expect(await storage.stat("a")).to.be.undefined;
    await storage.delete("a");
    await storage.put("a", sourceOf(Buffer.from("anew")));
    expect((await read(storage, "a")).toString()).to.equal("anew");
  });

  it("says what isn't there", async () => {
    const storage = await use().open();
    expect(await codeOf(storage.get("none"))).to.equal("OFFSITE_MISSING");
  });

  it("lets only one of two who write the same at once", async function () {
    const { open, isRaceFree = true } = use();
    if (!isRaceFree) {
      this.skip();
    }
    const [one, other] = await Promise.all([open(), open()]);
    const sources = ["one", "other"].map((text) => sourceOf(Buffer.from(text)));
    const results = await Promise.all(
      [one.put("a", sources[0]!), other.put("a", sources[1]!)].map(codeOf),
    );
    expect(results.toSorted()).to.deep.equal(["OFFSITE_EXISTS", "none"]);
    const kept = (await read(one, "a")).toString();
    expect(kept).to.equal(results[0] === "none" ? "one" : "other");
  });
}
