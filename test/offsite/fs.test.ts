import { chmod, mkdir, readdir, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { FsStorage } from "../../src/offsite/drivers/fs.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { SmallDisk } from "../helpers/small-disk.js";
import { codeOf, describeStorage, sourceOf } from "./describe-storage.js";

describe("the storage in a folder", () => {
  const folder = useTemporaryFolder();
  const open = (prefix = "", pageSize?: number) =>
    new FsStorage(
      { directory: join(folder.path, "offsite"), prefix },
      pageSize === undefined ? {} : { pageSize },
    );

  beforeEach(async () => {
    await mkdir(join(folder.path, "offsite"));
  });

  describeStorage(() => ({
    open: async ({ pageSize } = {}) =>
      await Promise.resolve(open("", pageSize)),
    largeBytes: 300_000,
  }));

  it("keeps to its prefix", async () => {
    await open("production/").put("a/1", sourceOf(Buffer.from("words")));
    expect((await open().listPage("")).objects[0]?.key).to.equal(
      "production/a/1",
    );
    expect((await open("staging/").listPage("")).objects).to.deep.equal([]);
    expect((await open("production/").listPage("")).objects[0]?.key).to.equal(
      "a/1",
    );
  });

  it("writes files that only their owner reads, and leaves no others", async () => {
    await open().put("a/1", sourceOf(Buffer.from("words")));
    await open()
      .put("a/1", sourceOf(Buffer.from("words")))
      .catch(() => 0);
    const files = join(folder.path, "offsite", "a");
    expect(await readdir(files)).to.deep.equal(["1"]);
    expect((await stat(join(files, "1"))).mode & 0o777).to.equal(0o600);
  });

  it("makes nothing up where its disk isn't mounted", async () => {
    await rmdir(join(folder.path, "offsite"));
    for (const work of [
      async () => await open().listPage(""),
      async () => await open().stat("a"),
      async () => {
        await open().put("a", sourceOf(Buffer.from("words")));
      },
      async () => await open().get("a"),
      async () => {
        await open().delete("a");
      },
    ]) {
      expect(await codeOf(work())).to.equal("OFFSITE_FAILED");
    }
    expect(await readdir(folder.path)).to.deep.equal([]);
  });

  it("says when it may not write there", async function () {
    if (process.getuid?.() === 0) {
      this.skip();
    }
    await chmod(join(folder.path, "offsite"), 0o500);
    expect(
      await codeOf(open().put("a/1", sourceOf(Buffer.from("w")))),
    ).to.equal("OFFSITE_DENIED");
    await chmod(join(folder.path, "offsite"), 0o700);
  });

  it("says when the disk is full, and leaves nothing", async function () {
    if (!SmallDisk.isPossible()) {
      this.skip();
    }
    const disk = SmallDisk.mount(join(folder.path, "offsite"), 65_536);
    try {
      const large = sourceOf(Buffer.alloc(100_000));
      expect(await codeOf(open().put("a/1", large))).to.equal("OFFSITE_FULL");
      expect((await open().listPage("")).objects).to.deep.equal([]);
      expect(await readdir(join(folder.path, "offsite", "a"))).to.deep.equal(
        [],
      );
    } finally {
      disk.unmount();
    }
  });
});
