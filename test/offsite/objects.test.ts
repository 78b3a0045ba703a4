import { randomBytes } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";

import { expect } from "chai";

import { DrError } from "../../src/core/errors.js";
import { downloadObject } from "../../src/offsite/download-object.js";
import { ensureObject } from "../../src/offsite/ensure-object.js";
import { textSource } from "../../src/offsite/file-source.js";
import type { StoredObject } from "../../src/offsite/storage.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { SmallDisk } from "../helpers/small-disk.js";
import { codeOf, sourceOf } from "./describe-storage.js";
import { MemoryStorage } from "./memory-storage.js";

describe("an object that must be there", () => {
  const source = textSource("words");

  it("is put once", async () => {
    const storage = new MemoryStorage();
    expect(await ensureObject(storage, "a", source)).to.equal("uploaded");
    expect(await ensureObject(storage, "a", source)).to.equal("already-there");
    const puts = storage.calls.filter((call) => call.startsWith("put"));
    expect(puts).to.have.length(1);
  });

  it("may come from somebody else meanwhile, if it is the same", async () => {
    for (const [theirs, result] of [
      ["words", "none"],
      ["other", "OFFSITE_EXISTS"],
    ] as const) {
      const storage = new MemoryStorage();
      const put = storage.put.bind(storage);
      storage.put = async (key, ours) => {
        await put(key, textSource(theirs));
        await put(key, ours);
      };
      expect(await codeOf(ensureObject(storage, "a", source))).to.equal(result);
    }
  });

  it("isn't written over when it differs", async () => {
    for (const other of ["other", "more words"]) {
      const storage = new MemoryStorage();
      await storage.put("a", textSource(other));
      expect(await codeOf(ensureObject(storage, "a", source))).to.equal(
        "OFFSITE_EXISTS",
      );
      expect(storage.objects.get("a")!.bytes.toString()).to.equal(other);
    }
  });

  it("is read back where the store proves nothing", async () => {
    const storage = new MemoryStorage();
    storage.capabilities = { ...storage.capabilities, confirms: false };
    storage.fail("put", "corrupt");
    expect(await codeOf(ensureObject(storage, "a", source))).to.equal(
      "OFFSITE_DAMAGED",
    );
    expect(storage.objects.size, "it is taken away").to.equal(0);
    expect(await ensureObject(storage, "a", source)).to.equal("uploaded");
    expect(storage.calls).to.include("get a");
  });

  it("has its size checked in any case", async () => {
    const storage = new MemoryStorage();
    const put = storage.put.bind(storage);
    storage.put = async (key) => {
      await put(key, textSource("word"));
    };
    expect(await codeOf(ensureObject(storage, "a", source))).to.equal(
      "OFFSITE_DAMAGED",
    );
    expect(storage.objects.size).to.equal(0);
  });
});

describe("a download", () => {
  const folder = useTemporaryFolder();
  const bytes = randomBytes(1050);
  let storage: MemoryStorage;
  let object: StoredObject;
  let path: string;

  beforeEach(async () => {
    storage = new MemoryStorage();
    await storage.put("a", sourceOf(bytes));
    object = (await storage.stat("a"))!;
    path = join(folder.path, "a");
  });

  async function download(
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<number[]> {
    const progress: number[] = [];
    await downloadObject(storage, object, path, {
      partBytes: 100,
      onProgress: (sizeBytes) => progress.push(sizeBytes),
      ...options,
    });
    return progress;
  }

  /** The nth part breaks off, and with it the download. */
  async function breakOff(failed: number): Promise<void> {
    const get = storage.get.bind(storage);
    let count = 0;
    storage.get = async (...args) => {
      count += 1;
      if (count === failed) {
        storage.fail("get", "cut");
      }
      return await get(...args);
    };
    expect(await codeOf(download())).to.equal("OFFSITE_UNREACHABLE");
    expect(await readdir(folder.path)).to.not.include(basename(path));
    storage.get = get;
  }

  const gets = () =>
    storage.calls.filter((call) => call.startsWith("get ")).length;

  it("brings all parts, telling how far it is", async () => {
    const progress = await download();
    expect((await readFile(path)).equals(bytes)).to.be.true;
    expect(gets()).to.equal(11);
    expect(progress[0]).to.equal(0);
    expect(progress.at(-1)).to.equal(1050);
    expect(await readdir(folder.path)).to.deep.equal(["a"]);
  });

  it("asks for what is small as a whole", async () => {
    await downloadObject(storage, object, path);
    expect((await readFile(path)).equals(bytes)).to.be.true;
    expect(gets()).to.equal(1);
    await storage.put("empty", textSource(""));
    const empty = (await storage.stat("empty"))!;
    await downloadObject(storage, empty, join(folder.path, "empty"));
    expect(await readFile(join(folder.path, "empty"))).to.have.length(0);
  });

  it("goes on where it broke off", async () => {
    for (const failed of [1, 2, 6, 11]) {
      path = join(folder.path, `part-${String(failed)}`);
      await breakOff(failed);
      const before = gets();
      const [arrived] = await download();
      expect((await readFile(path)).equals(bytes)).to.be.true;
      const kept = arrived! / 100;
      expect(kept, `parts before ${String(failed)}`).to.be.within(
        Math.max(failed - 4, 0),
        failed - 1 + 3,
      );
      expect(gets() - before).to.equal(11 - Math.floor(kept));
    }
  });

  it("doesn't go on with another object's parts", async () => {
    await breakOff(6);
    const other = randomBytes(1050);
    storage.objects.delete("a");
    storage.now = () => new Date(Date.now() + 5000);
    await storage.put("a", sourceOf(other));
    object = (await storage.stat("a"))!;
    await download();
    expect((await readFile(path)).equals(other)).to.be.true;
  });

  it("begins anew when its record can't be read", async () => {
    await breakOff(6);
    await writeFile(`${path}.part.json`, '{"origin":');
    const [arrived] = await download();
    expect(arrived).to.equal(0);
    expect((await readFile(path)).equals(bytes)).to.be.true;
  });

  it("notices an object that ends too early", async () => {
    object = { ...object, sizeBytes: 1060 };
    expect(await codeOf(download())).to.equal("OFFSITE_DAMAGED");
  });

  it("can be called off, and gone on with", async () => {
    const controller = new AbortController();
    const get = storage.get.bind(storage);
    storage.get = async (...args) => {
      if (gets() === 6) {
        controller.abort(new DrError("INTERRUPTED", {}));
      }
      return await get(...args);
    };
    const { signal } = controller;
    expect(await codeOf(download({ signal }))).to.equal("INTERRUPTED");
    const [arrived] = await download();
    expect(arrived).to.be.greaterThan(0);
    expect((await readFile(path)).equals(bytes)).to.be.true;
  });

  describe("to a disk that is too small", () => {
    let disk: SmallDisk;

    before(function () {
      if (!SmallDisk.isPossible()) {
        this.skip();
      }
    });

    beforeEach(() => {
      disk = SmallDisk.mount(folder.path, 20_000_000);
    });

    afterEach(() => {
      disk.unmount();
    });

    it("isn't begun", async () => {
      object = { ...object, sizeBytes: 10_000_000 };
      expect(await codeOf(download())).to.equal("DISK_TOO_SMALL");
      expect(gets()).to.equal(0);
      expect(await readdir(folder.path)).to.deep.equal([]);
    });

    it("leaves nothing when it fills up meanwhile", async () => {
      const get = storage.get.bind(storage);
      storage.get = async (...args) => {
        if (gets() === 5) {
          disk.resize(65_536);
        }
        return await get(...args);
      };
      const large = randomBytes(100_000);
      await storage.put("large", sourceOf(large));
      object = (await storage.stat("large"))!;
      const work = downloadObject(storage, object, path, { partBytes: 8192 });
      expect(await codeOf(work)).to.equal("NOT_WRITABLE");
      expect(await readdir(folder.path)).to.deep.equal([]);
    });
  });
});
