import { readdirSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { withSession } from "../../src/database/session.js";
import { codeOf, errorOf } from "../offsite/describe-storage.js";
import { expectFinished } from "../database/pgbackrest-killing.js";
import { CHOICES, usePgbackrest, WORK } from "../database/pgbackrest-scene.js";

/** Of a timeline that a server began. */
const isHistory = (path: string) => path.endsWith(".history");

interface BackupContents {
  readonly label: string;
  readonly type: string;
  readonly reference: readonly string[];
  readonly sizeBytes: number;
  readonly changedBytes: number;
}

describe("database/pgbackrest", function () {
  this.timeout(120_000);
  const held = usePgbackrest();
  const psql = (sql: string) => held.scene.psql(sql);
  const note = (text: string) =>
    psql(`INSERT INTO notes (name) VALUES ('${text}')`);
  const notes = () =>
    psql("SELECT string_agg(name, ' ' ORDER BY id) FROM notes");
  /** Another one after each start. */
  const serverStart = () => psql("SELECT pg_postmaster_start_time()");

  before(() => {
    psql(
      "CREATE TABLE notes (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text)",
    );
  });

  async function backUp(type?: string): Promise<BackupContents> {
    const { artifact } = await held.scene.backUp(
      type === undefined ? {} : { type },
    );
    const { contents } = artifact!.manifest;
    return (contents as unknown as { readonly backup: BackupContents }).backup;
  }

  describe("backing up", () => {
    it("copies all, then what has changed since, and reads back what came of it", async () => {
      note("one");
      const made = [await backUp("full")];
      note("two");
      made.push(await backUp("diff"));
      note("three");
      made.push(await backUp("incr"));
      expect(made.map(({ type }) => type)).to.deep.equal([
        "full",
        "diff",
        "incr",
      ]);
      const labels = made.map(({ label }) => label);
      expect(made[2]?.reference).to.deep.equal(labels.slice(0, 2));
      expect(made[2]!.changedBytes).to.be.lessThan(made[0]!.changedBytes / 2);
      const [info] = JSON.parse(
        held.scene.pgbackrest("info", "--output=json"),
      ) as [{ readonly backup: readonly { readonly label: string }[] }];
      expect(info.backup.map(({ label }) => label)).to.deep.equal(labels);
    });

    it("writes down what the database holds", async () => {
      const { fingerprint, notices } = await held.scene.backUp();
      const tables = fingerprint?.tables.map(({ name, rows }) => [name, rows]);
      expect(tables).to.deep.include(["public.profiles", "1000"]);
      expect(notices.join()).to.include("incremental");
    });

    it("refuses choices that it doesn't know, before anything", async () => {
      const before = held.scene.pgbackrest("info");
      for (const choices of [{ format: "custom" }, { type: "half" }]) {
        expect(await codeOf(held.scene.backUp(choices))).to.equal(
          "OPTION_INVALID",
        );
      }
      expect(held.scene.pgbackrest("info")).to.equal(before);
    });
  });

  describe("verifying", () => {
    it("restores the newest beside, holds it against what was written down, and leaves nothing", async () => {
      const started = serverStart();
      const found = await held.scene.find({ purpose: "verify" });
      const archived = held.scene.archived();
      const { examination } = await found.verify({ ...WORK(), keep: false });
      expect(examination.notices).to.deep.equal([]);
      expect(found.fingerprint?.tables).to.have.length(3);
      expect(await held.scene.beside()).to.deep.equal([]);
      expect(held.scene.archived()).to.deep.equal(archived);
      expect(serverStart()).to.equal(started);
      const proof = await found.recordProof(new Date(), { restored: true });
      expect(await readFile(proof, "utf8")).to.include('"restored":true');
    });

    it("says so when what comes out isn't what was written down", async () => {
      const folder = join(held.scene.root, "backups/database");
      const name = readdirSync(folder)
        .filter((one) => one.endsWith(".manifest.json"))
        .at(-1)!;
      const path = join(folder, name);
      const text = await readFile(path, "utf8");
      await writeFile(path, text.replace('"rows":"1000"', '"rows":"1001"'));
      const found = await held.scene.find({ what: name.slice(0, -14) });
      const error = await errorOf(found.verify({ ...WORK(), keep: false }));
      await writeFile(path, text);
      expect(error.code).to.equal("DATABASE_RESTORED_WRONG");
      expect(error.message).to.include("1000 rows instead of 1001");
      expect(await held.scene.beside()).to.deep.equal([]);
    });

    it("compares nothing where something was committed in the very moment", async () => {
      const folder = join(held.scene.root, "backups/database");
      const name = readdirSync(folder)
        .filter((one) => one.endsWith(".manifest.json"))
        .at(-1)!;
      const path = join(folder, name);
      const text = await readFile(path, "utf8");
      const [, next = ""] = /"snapshot":"\d+:(\d+):/.exec(text) ?? [];
      const earlier = String(Number(next) - 1);
      await writeFile(
        path,
        text.replace(
          /"snapshot":"[^"]*"/,
          `"snapshot":"${earlier}:${earlier}:"`,
        ),
      );
      const found = await held.scene.find({ what: name.slice(0, -14) });
      const { examination } = await found.verify({ ...WORK(), keep: false });
      await writeFile(path, text);
      expect(examination.notices.join()).to.include("aren't compared");
    });
  });

  describe("restoring", () => {
    it("brings back what was there at a moment, and undoes that", async () => {
      note("kept");
      const at = await held.scene.moment();
      const before = notes();
      psql("DELETE FROM notes; DELETE FROM endorsements");
      const found = await held.scene.find({
        target: { kind: "time", time: at },
      });
      const { notices } = await found.prepareRestore(CHOICES);
      expect(notices.join()).to.include("postgres, takumi");
      const restored = await found.restore({ ...WORK(), keep: false });
      expect(notes()).to.equal(before);
      expect(psql("SELECT count(*) FROM endorsements")).to.equal("500");
      expect(await held.scene.beside()).to.deep.equal([
        restored.aside?.slice(held.scene.cluster.folder.length + 1),
      ]);
      const settings = await readFile(
        join(held.scene.dataFolder, "postgresql.auto.conf"),
        "utf8",
      );
      expect(settings).to.not.match(/recovery|restore_command/);

      const engine = await held.scene.engine();
      expect(await engine.prepareUndo()).to.equal(restored.aside);
      await engine.undo(WORK().clock);
      expect(psql("SELECT count(*) FROM endorsements")).to.equal("0");
      // The archive knows a newer timeline, which isn't the server's any more.
      note("on the old timeline");
      const present = notes();
      const beside = await held.scene.find({
        purpose: "recover",
        before: await held.scene.moment(),
      });
      const [row] = await beside.withRestored(
        WORK(),
        async (access) =>
          await withSession(
            access,
            async ({ query }) =>
              await query<{ notes: string }>(
                "SELECT string_agg(name, ' ' ORDER BY id) AS notes FROM public.notes",
              ),
          ),
      );
      expect(row?.notes).to.equal(present);
      await engine.undo(WORK().clock);
      expect(psql("SELECT count(*) FROM endorsements")).to.equal("500");
    });

    it("brings back what was there at a place in the log, on the newest timeline", async () => {
      note("on the second timeline");
      const lsn = psql("SELECT pg_current_wal_insert_lsn()");
      const before = notes();
      note("too late");
      await held.scene.restore({ target: { kind: "lsn", lsn } });
      expect(notes()).to.equal(before);
      expect(held.scene.archived().filter(isHistory)).to.have.length(2);
    });

    it("starts from no backup of a branch that was left", async () => {
      const at = await held.scene.moment();
      const before = notes();
      note("on the branch that is left");
      const left = await backUp("incr");
      await held.scene.restore({ before: at });
      note("after it");
      const found = await held.scene.find();
      expect(found.name).to.not.include(left.label);
      await found.restore({ ...WORK(), keep: false });
      expect(notes()).to.equal(`${before} after it`);
    });

    it("brings back a server that is lost, with all that it had archived", async () => {
      note("archived");
      held.scene.cluster.psql("SELECT pg_switch_wal()");
      held.scene.pgbackrest("check");
      const before = notes();
      held.scene.pgCtl("stop", "--mode", "immediate");
      await rm(held.scene.dataFolder, { recursive: true });
      const restored = await held.scene.restore();
      expect(restored.aside).to.equal(undefined);
      expect(notes()).to.equal(before);
    });

    it("works with a restored server that nobody else can reach", async () => {
      const at = await held.scene.moment();
      const before = notes();
      psql("DELETE FROM notes");
      const archived = held.scene.archived();
      const found = await held.scene.find({ before: at, purpose: "recover" });
      const [row] = await found.withRestored(
        WORK(),
        async (access) =>
          await withSession(
            access,
            async ({ query }) =>
              await query<Record<string, string>>(
                `SELECT (SELECT string_agg(name, ' ' ORDER BY id) FROM public.notes) AS notes,
                        current_setting('listen_addresses') AS addresses,
                        current_setting('archive_command') AS archive`,
              ),
          ),
      );
      expect(row).to.deep.equal({
        notes: before,
        addresses: "",
        archive: "",
      });
      const histories = held.scene.archived().filter(isHistory);
      expect(histories).to.deep.equal(archived.filter(isHistory));
      expect(await held.scene.beside()).to.satisfy((names: string[]) =>
        names.every((name) => name.includes("_before_")),
      );
      await held.scene.restore({ before: at });
    });

    it("keeps a second restore out", async () => {
      const found = await held.scene.find();
      const work = { ...WORK(), keep: false };
      const ends = await Promise.allSettled([
        found.restore(work),
        found.restore(work),
      ]);
      expect(ends.map(({ status }) => status).toSorted()).to.deep.equal([
        "fulfilled",
        "rejected",
      ]);
      const refused = ends.find(({ status }) => status === "rejected");
      expect((refused as PromiseRejectedResult).reason).to.have.property(
        "code",
        "DATABASE_BUSY",
      );
    });
  });

  describe("killed", () => {
    for (const step of ["replayed", "set aside"] as const) {
      it(`after it is ${step}: the next run finishes it`, async () => {
        await expectFinished(held.scene, step);
      });
    }
  });
});
