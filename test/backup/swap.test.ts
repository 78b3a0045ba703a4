import {
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";

import { expect } from "chai";

import {
  replaceAll,
  type ReplaceOptions,
  type Replacement,
} from "../../src/backup/swap.js";
import { findBrokenOff } from "../../src/backup/swap-record.js";
import type { DrError } from "../../src/core/errors.js";
import { removeAbandoned } from "../../src/core/temporary-file.js";
import { codeOf, refusalOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { runKilled } from "../helpers/killed-worker.js";
import { SmallDisk } from "../helpers/small-disk.js";
import { describeFolder, FileScene } from "./file-scene.js";

const NOW = new Date("2024-01-15T14:00:00.000Z");
const ASIDE = "before-20240115_140000";

describe("putting files in the place of others", () => {
  const folder = useTemporaryFolder();
  let scene: FileScene;
  let replacements: readonly Replacement[];
  let options: ReplaceOptions;

  beforeEach(async () => {
    scene = new FileScene(folder.path);
    options = { now: NOW, record: scene.record };
    await scene.write("there/uploads/inner/a.txt", "old");
    await scene.write("there/.env", "OLD=1");
    await makeStage();
    await mkdir(scene.at("stage/fresh/closed"), { mode: 0o500 });
    replacements = ["uploads", "fresh", ".env"].map((name) => ({
      from: scene.at(`stage/${name}`),
      to: scene.at(`there/${name}`),
    }));
  });

  async function makeStage(): Promise<void> {
    await rm(scene.at("stage"), { recursive: true, force: true });
    await scene.write("stage/uploads/inner/a.txt", "new");
    await scene.write("stage/.env", "NEW=1", 0o600);
    await scene.write("stage/fresh/b.txt", "new");
  }

  async function here(path = "there"): Promise<readonly string[]> {
    return (await readdir(scene.at(path), { recursive: true })).toSorted();
  }

  it("keeps beside it what was there", async () => {
    expect(await replaceAll(replacements, options)).to.deep.equal([
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
    await replaceAll(replacements.slice(0, 1), options);
    const before = await describeFolder(scene.at("there"));
    await scene.write("stage/uploads/a.txt", "newer");
    expect(
      await codeOf(
        async () => await replaceAll(replacements.slice(0, 1), options),
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
      await makeStage();
      const replaced = replaceAll(replacements, {
        ...options,
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
          ...options,
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

  describe("killed", () => {
    const LATER = new Date("2024-01-15T15:00:00.000Z");
    const WORKER = join(import.meta.dirname, "swap-worker.ts");

    async function killAfter(renames: number): Promise<DrError | undefined> {
      await runKilled(WORKER, [
        JSON.stringify(replacements),
        NOW.toISOString(),
        scene.record,
        String(renames),
      ]);
      return await findBrokenOff(scene.record);
    }

    /** Every file that is there, whatever it is called. */
    async function contents(): Promise<readonly string[]> {
      const found = await describeFolder(scene.at("there"));
      return Object.values(found)
        .filter((line) => !line.startsWith("folder"))
        .map((line) => Buffer.from(line.split(" ")[2]!, "base64").toString());
    }

    async function expectDone(): Promise<void> {
      for (const [path, text] of [
        ["uploads/inner/a.txt", "new"],
        ["fresh/b.txt", "new"],
        [".env", "NEW=1"],
      ] as const) {
        expect(await readFile(scene.at(`there/${path}`), "utf8")).to.equal(
          text,
        );
      }
      expect(await findBrokenOff(scene.record)).to.equal(undefined);
      expect(await readdir(dirname(scene.record))).to.deep.equal([]);
      expect(await here()).to.satisfy((paths: string[]) =>
        paths.every((path) => !path.endsWith(".tmp")),
      );
    }

    const there = (name: string) => scene.at(`there/${name}`);
    const says: readonly (readonly string[])[] = [
      [],
      [
        `uploads is missing; what was there is uploads.${ASIDE}`,
        "fresh is as it was",
        ".env is as it was",
      ],
      [
        `uploads is restored; what was there is uploads.${ASIDE}`,
        "fresh is as it was",
        ".env is as it was",
      ],
      [
        `uploads is restored; what was there is uploads.${ASIDE}`,
        "fresh is restored",
        ".env is as it was",
      ],
      [
        `uploads is restored; what was there is uploads.${ASIDE}`,
        "fresh is restored",
        `.env is missing; what was there is .env.${ASIDE}`,
      ],
      [],
    ];
    for (const [renames, what] of says.entries()) {
      it(`after ${String(renames)} of 5 renames, it says what lies where, and is finished by the next`, async () => {
        const error = await killAfter(renames);
        expect(error?.code).to.equal(
          what.length === 0 ? undefined : "RESTORE_UNFINISHED",
        );
        for (const line of what) {
          const full = line.replaceAll(
            /(?<=^|is )(?=uploads|fresh|\.env)/g,
            there(""),
          );
          expect(error?.message).to.include(full);
        }
        expect(await contents(), "nothing is lost").to.include.members([
          "old",
          "OLD=1",
        ]);
        await makeStage();
        await replaceAll(replacements, { ...options, now: LATER });
        await expectDone();
        expect(await contents()).to.include.members(["old", "OLD=1"]);
      });
    }

    it("before anything moved, is nothing to tell of", async () => {
      await killAfter(0);
      await removeAbandoned(scene.at("there"));
      expect(await findBrokenOff(scene.record)).to.equal(undefined);
    });

    it("can be undone by hand, as it says", async () => {
      const before = await describeFolder(scene.at("there"));
      await killAfter(4);
      await rename(there(`.env.${ASIDE}`), there(".env"));
      for (const name of ["fresh", "uploads"]) {
        await rm(there(name), { recursive: true });
      }
      expect((await findBrokenOff(scene.record))?.message).to.include(
        `${there("uploads")} is missing`,
      );
      await rename(there(`uploads.${ASIDE}`), there("uploads"));
      await rm(scene.record);
      await removeAbandoned(scene.at("there"));
      expect(await describeFolder(scene.at("there"))).to.deep.equal(before);
    });

    it("is still told of when somebody has put something else there", async () => {
      await killAfter(1);
      await removeAbandoned(scene.at("there"));
      await scene.write("there/uploads/later.txt", "written since");
      expect((await findBrokenOff(scene.record))?.message).to.include(
        `${there("uploads")} is half restored; what is missing there is ${there(`uploads.${ASIDE}`)}`,
      );
      await makeStage();
      await replaceAll(replacements, { ...options, now: LATER });
      await expectDone();
      expect(await contents()).to.include.members(["old", "written since"]);
    });

    it("is still told of when what was there has been taken elsewhere", async () => {
      await killAfter(1);
      await rename(there(`uploads.${ASIDE}`), scene.at("elsewhere"));
      expect((await findBrokenOff(scene.record))?.message).to.include(
        `${there("uploads")} is missing`,
      );
    });

    it("is still told of when others were put in order since, or broke off too", async () => {
      await killAfter(1);
      await makeStage();
      const other = { from: scene.at("stage/.env"), to: scene.at("other") };
      await replaceAll([other], options);
      expect((await findBrokenOff(scene.record))?.message).to.include(
        `${there("uploads")} is missing`,
      );
      await makeStage();
      const stumbling = replaceAll(replacements, {
        ...options,
        now: LATER,
        rename: () => Promise.reject(new Error("no")),
      });
      expect(await codeOf(async () => await stumbling)).to.equal(
        "RESTORE_NOT_PLACED",
      );
      expect((await findBrokenOff(scene.record))?.message).to.include(
        `${there("uploads")} is missing; what was there is ${there(`uploads.${ASIDE}`)}`,
      );
    });

    it("leaves links that lead to what is missing now", async () => {
      await rename(there("uploads"), scene.at("elsewhere"));
      await symlink(scene.at("elsewhere"), there("uploads"));
      await killAfter(1);
      await makeStage();
      await replaceAll(replacements, { ...options, now: LATER });
      await expectDone();
      expect(await readlink(there("uploads"))).to.equal(scene.at("elsewhere"));
    });

    it("can't be told when the record is damaged, and says so", async () => {
      await mkdir(dirname(scene.record));
      await writeFile(scene.record, "[{");
      const error = await findBrokenOff(scene.record);
      expect(error?.code).to.equal("RESTORE_UNFINISHED");
      await replaceAll(replacements, options);
      await expectDone();
    });
  });

  it("moves nothing that it can't write down before", async () => {
    const before = await describeFolder(scene.at("there"));
    const record = scene.at("there/.env/record");
    expect(
      await codeOf(
        async () => await replaceAll(replacements, { ...options, record }),
      ),
    ).to.equal("NOT_WRITABLE");
    expect(await describeFolder(scene.at("there"))).to.deep.equal(before);
  });

  it("isn't done where there is no place", async () => {
    const [{ from }] = replacements as [Replacement];
    const to = scene.at("there/.env/uploads");
    expect(
      await codeOf(async () => await replaceAll([{ from, to }], options)),
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
      const [replaced] = await replaceAll(replacements, options);
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

    it("says what is missing when it is killed, and is finished by the next", async () => {
      // The second time nothing is left there to be moved away.
      for (const [minute, renames] of ["1", "0"].entries()) {
        await makeStage();
        await runKilled(join(import.meta.dirname, "swap-worker.ts"), [
          JSON.stringify(replacements.slice(0, 1)),
          new Date(NOW.getTime() + (minute + 1) * 60_000).toISOString(),
          scene.record,
          renames,
        ]);
        expect((await findBrokenOff(scene.record))?.message).to.include(
          `${scene.at("there/uploads")} is half restored; what is missing there is ${scene.at("there/uploads/.before-20240115_140100")}`,
        );
      }
      await makeStage();
      await replaceAll(replacements, options);
      expect(await findBrokenOff(scene.record)).to.equal(undefined);
      expect(await here("there/uploads")).to.include.members([
        ".before-20240115_140100/inner/a.txt",
        "inner/a.txt",
      ]);
      expect((await here("there/uploads")).join()).to.not.include(".tmp");
    });

    it("leaves all as it was when it is too small", async () => {
      await scene.write("stage/uploads/big", "x".repeat(2_000_000));
      const before = await describeFolder(scene.at("there/uploads"));
      expect(
        await codeOf(async () => await replaceAll(replacements, options)),
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
              ...options,
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
