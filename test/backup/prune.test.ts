import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { pruneLocally } from "../../src/backup/prune.js";
import { codeOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { SmallDisk } from "../helpers/small-disk.js";
import { FileScene } from "./file-scene.js";

const DAY = 86_400;

describe("removing old backups here", () => {
  const folder = useTemporaryFolder();
  let scene: FileScene;

  beforeEach(async () => {
    scene = new FileScene(folder.path, { retention: { localDays: 30 } });
    scene.now = new Date("2030-01-01T00:00:00Z");
    await scene.write("uploads/a.txt", "one");
    // Long before any of the backups.
    const early = new Date("2020-01-01T00:00:00Z");
    await utimes(scene.at("uploads/a.txt"), early, early);
  });

  async function prune() {
    return await pruneLocally(scene.config, ["files"], scene.now);
  }

  async function names(): Promise<readonly string[]> {
    return (await readdir(scene.folder)).filter(
      (name) => !name.startsWith("."),
    );
  }

  it("takes an artifact with its checksum and its manifest", async () => {
    const old = await scene.backUp(true);
    scene.pass(31 * DAY);
    const young = await scene.backUp(true);
    const { removed, kept } = await prune();
    expect(removed).to.deep.equal([old]);
    expect(kept).to.deep.equal([]);
    expect(await names()).to.deep.equal(
      ["", ".manifest.json", ".sha256"].map((suffix) => `${young}${suffix}`),
    );
    await scene.restore(young, { into: scene.at("there") });
  });

  it("leaves what a younger one builds on", async () => {
    const full = await scene.backUp();
    const one = await scene.backUp();
    scene.pass(30 * DAY);
    const { removed, kept } = await prune();
    expect(removed).to.deep.equal([]);
    expect(kept).to.deep.equal([{ name: full, why: "base" }]);
    await scene.restore(one, { into: scene.at("there") });
  });

  it("leaves the newest good one, not one whose manifest is damaged", async () => {
    const good = await scene.backUp(true);
    const damaged = await scene.backUp(true);
    await writeFile(join(scene.folder, `${damaged}.manifest.json`), "{");
    scene.pass(100 * DAY);
    expect(await prune()).to.deep.equal({
      removed: [damaged],
      kept: [{ name: good, why: "newest" }],
    });
  });

  it("leaves old scripts' files, strangers and what lies in other folders", async () => {
    await mkdir(join(scene.folder, "more"), { recursive: true });
    for (const name of [
      "takumi_files_20200101_000000.tar.gz",
      "other_files_20200101_000000.tar.zst",
      "takumi_db_20200101_000000.sql.zst",
      "README.md",
      "more/takumi_files_20200101_000000.tar.zst",
    ]) {
      await writeFile(join(scene.folder, name), "");
    }
    const unfinished = "takumi_files_20200101_000000.tar.zst";
    await writeFile(join(scene.folder, unfinished), "");
    await writeFile(join(scene.folder, `${unfinished}.sha256`), "");
    expect(await prune()).to.deep.equal({
      removed: [unfinished],
      kept: [{ name: "takumi_files_20200101_000000.tar.gz", why: "legacy" }],
    });
    expect(await names()).to.have.length(5);
  });

  it("does nothing where there are none yet", async () => {
    expect(await prune()).to.deep.equal({ removed: [], kept: [] });
  });

  it("says why it can't", async function () {
    if (!SmallDisk.isPossible()) {
      this.skip();
    }
    await mkdir(scene.folder, { recursive: true });
    const disk = SmallDisk.mount(scene.folder, 100_000);
    try {
      const name = "takumi_files_20200101_000000.tar.zst";
      await writeFile(join(scene.folder, name), "");
      disk.makeReadOnly();
      expect(await codeOf(prune)).to.equal("NOT_WRITABLE");
    } finally {
      disk.unmount();
    }
  });
});
