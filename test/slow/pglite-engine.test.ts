import { constants } from "node:buffer";
import { once } from "node:events";
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { generateBackupKey } from "../../src/artifact/backup-key.js";
import { systemClock } from "../../src/core/clock.js";
import { DrError } from "../../src/core/errors.js";
import { takeFingerprint } from "../../src/database/fingerprint.js";
import { explainDump } from "../../src/database/pglite/backup.js";
import {
  copyDatabase,
  requireUnchanged,
} from "../../src/database/pglite/folder.js";
import { locate } from "../../src/database/pglite/location.js";
import { withOpen } from "../../src/database/pglite/open.js";
import { load } from "../../src/database/pglite/package.js";
import { whileClaimed } from "../../src/database/pglite/scratch.js";
import { withSession } from "../../src/database/session.js";
import { runKilled, startWorker } from "../helpers/killed-worker.js";
import { codeOf, errorOf } from "../offsite/describe-storage.js";
import { configOf } from "../database/config-of.js";
import { PGliteScene } from "../database/pglite-scene.js";

const EVERYTHING = join(
  import.meta.dirname,
  "../fixtures/database/everything.sql",
);

const WORKER = join(import.meta.dirname, "../database/pglite-worker.ts");
const CHOICES = { jobs: 1, hashes: true };

describe("the engine pglite", function () {
  this.timeout(120_000);
  const scene = new PGliteScene();

  it("brings back what was there, and keeps what is there now", async () => {
    const path = await scene.backUp();
    await scene.harm();
    await chmod(scene.live, 0o750);
    const backup = await scene.find(path);
    const { aside, database, examination } = await backup.restore(scene.work());
    expect(database).to.equal(scene.live);
    expect((await stat(scene.live)).mode & 0o777).to.equal(0o750);
    expect(await scene.rows()).to.equal(1000);
    const [, before = ""] = await scene.databases();
    expect(aside).to.equal(join(scene.data, before));
    expect(before).to.match(/^takumi_before_\d{8}_\d{6}$/);
    expect(await scene.rows(before)).to.equal(0);
    expect(examination).to.deep.include({
      problems: [],
      notices: [],
      tables: 2,
      rows: "2000",
    });
    expect(await scene.leftFiles()).to.deep.equal([]);
  });

  it("brings back all that a database can hold", async () => {
    await scene.exec("DROP TABLE endorsements, profiles");
    await scene.exec(await readFile(EVERYTHING, "utf8"));
    const read = async () =>
      await withOpen(
        scene.live,
        "takumi",
        async ({ access }) =>
          await withSession(
            access,
            async (session) => await takeFingerprint(session),
          ),
      );
    const before = await read();
    const path = await scene.backUp();
    const backup = await scene.find(path);
    expect(backup.fingerprint).to.deep.equal(before);
    await backup.restore(scene.work());
    expect(await read()).to.deep.equal(before);
  });

  it("says what to do where a dump is longer than a text can be", () => {
    const dump = Buffer.alloc(constants.MAX_STRING_LENGTH + 1);
    let failure: unknown;
    try {
      new TextDecoder().decode(dump);
    } catch (error) {
      failure = error;
    }
    const { code, fix } = explainDump(failure);
    expect(code).to.equal("DATABASE_ENGINE_UNABLE");
    expect(fix).to.include("PostgreSQL server");
  });

  it("refuses to back up what its pg_dump would change without a word", async () => {
    const insert = (name: string) =>
      `INSERT INTO profiles (id, name) VALUES (5000, E'${name}')`;
    await scene.exec("CREATE TABLE list (at text[])");
    await scene.exec(
      String.raw`INSERT INTO list VALUES (ARRAY[E'x\n\\restrict'])`,
    );
    await scene.exec(insert(String.raw`\\restrict is first\n\\restricted`));
    expect(await scene.backUp()).to.be.a("string");
    await scene.exec("DELETE FROM profiles WHERE id = 5000");
    await scene.exec(insert(String.raw`see:\n\\Restrict all`));
    const error = await errorOf(scene.backUp());
    expect(error.code).to.equal("DATABASE_ENGINE_UNABLE");
    expect(error.message).to.include("a row of public.profiles");
  });

  it("undoes a restore, and that too", async () => {
    const path = await scene.backUp();
    await scene.harm();
    await (await scene.find(path)).restore(scene.work());
    const engine = await scene.engine();
    const [, before = ""] = await scene.databases();
    expect(await engine.prepareUndo()).to.equal(join(scene.data, before));
    await engine.undo(systemClock);
    expect(await scene.rows()).to.equal(0);
    await engine.undo(systemClock);
    expect(await scene.rows()).to.equal(1000);
    expect(await scene.databases()).to.have.length(2);
  });

  it("has nothing to undo where nothing was put aside", async () => {
    const engine = await scene.engine();
    expect(await codeOf(engine.undo(systemClock))).to.equal(
      "DATABASE_NOTHING_TO_UNDO",
    );
  });

  it("leaves what it restores beside, when asked for", async () => {
    const path = await scene.backUp();
    const backup = await scene.find(path);
    await backup.restore(scene.work({ into: "other" }));
    expect(await scene.databases()).to.deep.equal(["other", "takumi"]);
    expect(
      await codeOf(backup.prepareRestore(scene.work({ into: "other" }))),
    ).to.equal("DATABASE_EXISTS");
    for (const into of ["data/other", "..", "/tmp/other"]) {
      expect(
        await codeOf(backup.prepareRestore(scene.work({ into }))),
      ).to.equal("OPTION_INVALID");
    }
  });

  it("restores on trial, and leaves nothing", async () => {
    const path = await scene.backUp();
    const backup = await scene.find(path);
    const { examination } = await backup.verify({
      ...scene.work(),
      keep: false,
    });
    expect(examination.problems).to.deep.equal([]);
    expect(await scene.databases()).to.deep.equal(["takumi"]);
    expect(await scene.leftFiles()).to.deep.equal([]);
  });

  it("refuses a flipped byte and another key, and touches nothing", async () => {
    const path = await scene.backUp();
    const bytes = await readFile(path);
    const middle = bytes.length >> 1;
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    await writeFile(path, bytes);
    expect(await codeOf(scene.find(path))).to.equal("ARTIFACT_DAMAGED");
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    await writeFile(path, bytes);
    await rm(scene.keyFile);
    await generateBackupKey(scene.keyFile);
    expect(await codeOf(scene.find(path))).to.equal("KEY_UNKNOWN");
    expect(await scene.databases()).to.deep.equal(["takumi"]);
    expect(await scene.rows()).to.equal(1000);
    expect(await scene.leftFiles()).to.deep.equal([]);
  });

  it("swaps nothing that isn't what was backed up, and keeps it on request", async () => {
    const path = await scene.backUp();
    const found = await scene.find(path);
    const { fingerprint } = found;
    const [table] = fingerprint?.tables ?? [];
    Object.assign(table ?? {}, { hash: "1" });
    expect(await codeOf(found.restore(scene.work({ keep: true })))).to.equal(
      "DATABASE_RESTORED_WRONG",
    );
    const [live, kept = ""] = await scene.databases();
    expect(live).to.equal("takumi");
    expect(kept).to.match(/^takumi_restore_\d{8}_\d{6}$/);
    expect(await scene.rows(kept)).to.equal(1000);
    expect(await scene.leftFiles()).to.deep.equal([]);
  });

  it("reads nothing that somebody has open, and moves nothing away", async () => {
    const path = await scene.backUp();
    const holder = startWorker(
      WORKER,
      ["hold", scene.live],
      ["pipe", "pipe", "inherit"],
    );
    await once(holder.stdout ?? expect.fail(), "data");
    const engine = await scene.engine();
    const refused = errorOf(engine.backUp(scene.context(), CHOICES));
    expect((await refused).code).to.equal("DATABASE_FOLDER_IN_USE");
    expect((await refused).message).to.include(`process ${String(holder.pid)}`);
    const backup = await scene.find(path);
    for (const work of [
      async () => await backup.restore(scene.work()),
      async () => await backup.prepareRestore(scene.work()),
      async () => await engine.undo(systemClock),
    ]) {
      expect(await codeOf(work())).to.equal("DATABASE_FOLDER_IN_USE");
    }
    holder.kill("SIGKILL");
    await once(holder, "exit");
    // Who was killed leaves its mark, and nothing shows that nobody is there.
    expect(await codeOf(engine.backUp(scene.context(), CHOICES))).to.equal(
      "DATABASE_FOLDER_IN_USE",
    );
    await rm(join(scene.live, "postmaster.pid"));
    await engine.backUp(scene.context(), CHOICES);
    expect(await scene.rows()).to.equal(1000);
  });

  it("notices that somebody used a database while it was copied", async () => {
    const stamp = await copyDatabase(scene.live, join(scene.folder, "copy"));
    await requireUnchanged(scene.live, stamp);
    await scene.exec("SELECT 1");
    expect(await codeOf(requireUnchanged(scene.live, stamp))).to.equal(
      "DATABASE_FOLDER_CHANGED",
    );
  });

  it("makes no database where there is none, and takes no other folder for one", async () => {
    await rm(scene.live, { recursive: true });
    const engine = await scene.engine();
    expect(await codeOf(engine.backUp(scene.context(), CHOICES))).to.equal(
      "DATABASE_MISSING",
    );
    await mkdir(scene.live);
    await writeFile(join(scene.live, "PG_VERSION"), "18");
    expect(await codeOf(engine.backUp(scene.context(), CHOICES))).to.equal(
      "DATABASE_FOLDER_UNREADABLE",
    );
  });

  it("restores to where there is nothing", async () => {
    const path = await scene.backUp();
    await rm(scene.live, { recursive: true });
    const restored = await (await scene.find(path)).restore(scene.work());
    expect(restored.aside).to.equal(undefined);
    expect(await scene.rows()).to.equal(1000);
    expect(await scene.databases()).to.deep.equal(["takumi"]);
  });

  it("goes one way only, and says where else to go", async () => {
    const engine = await scene.engine();
    for (const choices of [
      { ...CHOICES, format: "custom" },
      { ...CHOICES, jobs: 2 },
    ]) {
      expect(() => {
        engine.requireChoices(choices);
      }).to.throw(DrError, /pglite/);
    }
  });

  it("finds its folder as a path and as a URL", async () => {
    for (const [url, live] of [
      ["data/takumi", "/project/data/takumi"],
      ["file:./data/takumi", "/project/data/takumi"],
      ["file:///srv/t%20k", "/srv/t k"],
      ["/srv/takumi", "/srv/takumi"],
    ] as const) {
      const location = await locate(configOf(url, "/project"), "/project");
      expect(location.live).to.equal(live);
    }
    for (const url of [
      "",
      "postgres://app:secret@db/takumi",
      "file://else/x",
    ]) {
      const error = await errorOf(locate(configOf(url, "/"), "/"));
      expect(error.code).to.equal("DATABASE_FOLDER_INVALID");
      expect(error.message).not.to.include("secret");
    }
  });

  it("says which package is missing", async () => {
    const missing = load("nowhere-to-be-found", async () => {
      const name = "nowhere-to-be-found";
      return (await import(name)) as unknown;
    });
    const error = await errorOf(missing);
    expect(error.code).to.equal("DATABASE_PACKAGE_MISSING");
    expect(error.fix).to.include("npm install --save-dev nowhere-to-be-found");
  });

  describe("killed", () => {
    for (const step of ["announced", "ready", "aside", "placed"]) {
      it(`in a swap, ${step}: exactly one answers to the live name then`, async () => {
        const live = join(scene.data, "small");
        const before = join(scene.data, "small_before_20240115_140000");
        for (const [folder, name] of [
          [live, "new"],
          [before, "old"],
        ] as const) {
          await mkdir(folder);
          await writeFile(join(folder, "PG_VERSION"), "18");
          await writeFile(join(folder, "name"), name);
        }
        await runKilled(WORKER, ["undo", live, step]);
        await whileClaimed(
          await locate(configOf(live, "/"), "/"),
          systemClock,
          async () => {
            await Promise.resolve();
          },
        );
        const isSwapped = step === "aside" || step === "placed";
        expect(await readFile(join(live, "name"), "utf8")).to.equal(
          isSwapped ? "old" : "new",
        );
        const all = (await scene.databases()).filter((name) =>
          name.startsWith("small"),
        );
        expect(all).to.have.length(2);
        expect(
          await readdir(join(scene.data, ".small.hardhat-dr")),
        ).to.deep.equal([]);
      });
    }
  });
});
