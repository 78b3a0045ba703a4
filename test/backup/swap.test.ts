import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { replaceAll, type Replacement } from "../../src/backup/swap.js";
import { codeOf, refusalOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { SmallDisk } from "../helpers/small-disk.js";
import { describeFolder, FileScene } from "./file-scene.js";

const NOW = new Date("2024-01-15T14:00:00.000Z");
const ASIDE = "before-20240115_140000";

describe("putting files in the place of others", () => {
  const folder = useTemporaryFolder();
  let scene: FileScene;
  let replacements: readonly Replacement[];

  beforeEach(async () => {
    scene = new FileScene(folder.path);
    await scene.write("there/uploads/inner/a.txt", "old");
    await scene.write("there/.env", "OLD=1");
    await scene.write("stage/uploads/inner/a.txt", "new");
    await scene.write("stage/.env", "NEW=1", 0o600);
    await scene.write("stage/fresh/b.txt", "new");
    await mkdir(scene.at("stage/fresh/closed"), { mode: 0o500 });
    replacements = ["uploads", "fresh", ".env"].map((name) => ({
      from: scene.at(`stage/${name}`),
      to: scene.at(`there/${name}`),
    }));
  });

  async function here(path = "there"): Promise<readonly string[]> {
    return (await readdir(scene.at(path), { recursive: true })).toSorted();
  }

  it("keeps beside it what was there", async () => {
    expect(await replaceAll(replacements, { now: NOW })).to.deep.equal([
      {
        to: scene.at("there/uploads"),
        aside: scene.at(`there/uploads.${ASIDE}`),
      },
      { to: scene.at("there/fresh") },
      { to: scene.at("there/.env"), aside: scene.at(`there/.env.${ASIDE}`) },
    ]);
    const read = async (path: string) =>
      await readFile(scene.at(`there/${path}`), "utf8");
    expect(await read("uploads/inner/a.txt")).to.equal("new");
    expect(await read(`uploads.${ASIDE}/inner/a.txt`)).to.equal("old");
    expect(await read(".env")).to.equal("NEW=1");
    expect(await read(`.env.${ASIDE}`)).to.equal("OLD=1");
    expect(await here()).to.have.length(11);
  });

  it("never replaces what was put aside before", async () => {
    await replaceAll(replacements.slice(0, 1), { now: NOW });
    const before = await describeFolder(scene.at("there"));
    await scene.write("stage/uploads/a.txt", "newer");
    expect(
      await codeOf(
        async () => await replaceAll(replacements.slice(0, 1), { now: NOW }),
      ),
    ).to.equal("RESTORE_NOT_PLACED");
    expect(await describeFolder(scene.at("there"))).to.deep.equal(before);
  });

  it("leaves all as it was when any of it fails, wherever that is", async () => {
    const before = await describeFolder(scene.at("there"));
    for (let failing = 1; ; failing += 1) {
      let moves = 0;
      const stumbling = async (from: string, to: string) => {
        moves += 1;
        if (moves === failing) {
          throw Object.assign(new Error("no"), { code: "EIO" });
        }
        await rename(from, to);
      };
      for (const { from } of replacements) {
        await rm(from, { recursive: true, force: true });
      }
      await scene.write("stage/uploads/inner/a.txt", "new");
      await scene.write("stage/.env", "NEW=1", 0o600);
      await scene.write("stage/fresh/b.txt", "new");
      const replaced = replaceAll(replacements, {
        now: NOW,
        rename: stumbling,
      });
      if (failing > 5) {
        await replaced;
        break;
      }
      expect(await codeOf(async () => await replaced)).to.equal(
        "RESTORE_NOT_PLACED",
      );
      expect(await describeFolder(scene.at("there"))).to.deep.equal(before);
    }
  });

  it("says what lies where when nothing can be put back", async () => {
    let moves = 0;
    const error = await refusalOf(
      async () =>
        await replaceAll(replacements, {
          now: NOW,
          rename: async (from, to) => {
            moves += 1;
            if (moves > 1) {
              throw new Error("the disk is gone");
            }
            await rename(from, to);
          },
        }),
    );
    expect(error.code).to.equal("RESTORE_HALF_PLACED");
    expect(error.message)
      .to.include(scene.at(`there/uploads.${ASIDE}`))
      .and.include("the disk is gone");
    expect(await here()).to.include(`uploads.${ASIDE}/inner/a.txt`);
  });

  it("isn't done where there is no place", async () => {
    const [{ from }] = replacements as [Replacement];
    const to = scene.at("there/.env/uploads");
    expect(
      await codeOf(async () => await replaceAll([{ from, to }], { now: NOW })),
    ).to.equal("RESTORE_NOT_PLACED");
  });

  describe("on a disk of its own", () => {
    let disk: SmallDisk | undefined;

    beforeEach(async function () {
      if (!SmallDisk.isPossible()) {
        this.skip();
      }
      disk = SmallDisk.mount(scene.at("there/uploads"), 1_000_000);
      await scene.write("there/uploads/inner/a.txt", "old");
      await scene.write("there/uploads/.before-20200101_000000/x", "older");
    });

    afterEach(() => {
      disk?.unmount();
    });

    it("keeps in it what was there", async () => {
      const [replaced] = await replaceAll(replacements, { now: NOW });
      expect(replaced).to.deep.equal({
        to: scene.at("there/uploads"),
        aside: scene.at(`there/uploads/.${ASIDE}`),
      });
      expect(await here("there/uploads")).to.deep.equal([
        ".before-20200101_000000",
        ".before-20200101_000000/x",
        `.${ASIDE}`,
        `.${ASIDE}/inner`,
        `.${ASIDE}/inner/a.txt`,
        "inner",
        "inner/a.txt",
      ]);
      expect(
        await readFile(scene.at("there/uploads/inner/a.txt"), "utf8"),
      ).to.equal("new");
    });

    it("leaves all as it was when it is too small", async () => {
      await scene.write("stage/uploads/big", "x".repeat(2_000_000));
      const before = await describeFolder(scene.at("there/uploads"));
      expect(
        await codeOf(async () => await replaceAll(replacements, { now: NOW })),
      ).to.equal("RESTORE_NOT_PLACED");
      expect(await describeFolder(scene.at("there/uploads"))).to.deep.equal(
        before,
      );
    });

    it("leaves all as it was when moving fails", async () => {
      const before = await describeFolder(scene.at("there/uploads"));
      let moves = 0;
      expect(
        await codeOf(
          async () =>
            await replaceAll(replacements, {
              now: NOW,
              rename: async (from, to) => {
                moves += 1;
                if (moves === 2) {
                  throw new Error("no");
                }
                await rename(from, to);
              },
            }),
        ),
      ).to.equal("RESTORE_NOT_PLACED");
      expect(await describeFolder(scene.at("there/uploads"))).to.deep.equal(
        before,
      );
    });

    it("isn't backed up with what was put aside there", async () => {
      scene = new FileScene(folder.path, { files: ["there/uploads"] });
      const name = await scene.backUp();
      const into = scene.at("restored");
      await scene.restore(name, { into });
      expect(await readdir(join(into, "there/uploads"))).to.deep.equal([
        "inner",
      ]);
    });
  });
});
