import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import type { DrUserConfig } from "../../src/config/types.js";
import { PGliteScene } from "../database/pglite-scene.js";
import { RestoreScene } from "../database/restore-scene.js";
import { runKilled } from "../helpers/killed-worker.js";
import { codeOf } from "../offsite/describe-storage.js";

const EVERYTHING = join(
  import.meta.dirname,
  "../fixtures/database/everything.sql",
);

const WORKER = join(import.meta.dirname, "../database/pglite-worker.ts");

describe("the engine pglite, for long", function () {
  this.timeout(120_000);
  const scene = new PGliteScene();

  describe("killed", () => {
    for (const [step, rows, isDone] of [
      ["loaded", 0, false],
      ["ready", 0, false],
      ["aside", undefined, true],
      ["placed", 1000, true],
    ] as const) {
      it(`in a restore, ${step}: the next one finishes it`, async () => {
        const path = await scene.backUp();
        await scene.harm();
        await runKilled(WORKER, [
          "restore",
          scene.live,
          step,
          path,
          scene.record,
          scene.keyFile,
        ]);
        if (rows !== undefined) {
          expect(await scene.rows()).to.equal(rows);
        }
        const restored = await (
          await scene.find(path)
        ).restore(scene.work({ isResumed: true }));
        expect(restored.examination === undefined).to.equal(isDone);
        expect(await scene.rows()).to.equal(1000);
        const [, before = ""] = await scene.databases();
        expect(restored.aside).to.equal(join(scene.data, before));
        expect(await scene.databases()).to.have.length(2);
        expect(await scene.leftFiles()).to.deep.equal([]);
      });
    }

    it("while it copies: the next run clears it away", async () => {
      await runKilled(WORKER, ["copy", scene.live, "now"]);
      await scene.backUp();
      expect(await scene.leftFiles()).to.deep.equal([]);
    });
  });

  describe("with dumps of PostgreSQL's own", () => {
    const postgres = new RestoreScene();

    afterEach(() => {
      postgres.drop();
    });

    it("brings back all that was in a server", async () => {
      await postgres.create(0);
      postgres.psql("DROP TABLE endorsements, profiles");
      postgres.psql(await readFile(EVERYTHING, "utf8"));
      // It is computed anew, and `\\W` means another thing in another locale.
      postgres.psql("ALTER TABLE profiles DROP COLUMN slug");
      const path = await postgres.backUp("plain", {
        encryption: { keyFile: scene.keyFile },
      });
      const section = { database: { engine: "pglite", url: "data/takumi" } };
      const backup = await scene.find(path, false, section as DrUserConfig);
      const { examination } = await backup.restore(scene.work());
      expect(examination?.problems).to.deep.equal([]);
      expect(examination?.tables).to.be.greaterThan(10);
    });

    it("takes an old script's, and leaves owners out when asked to", async () => {
      await postgres.create(2000);
      postgres.psql(
        "CREATE ROLE somebody; ALTER TABLE profiles OWNER TO somebody; GRANT SELECT ON endorsements TO somebody",
      );
      const path = await postgres.dumpByHand(
        "pg_dump takumi | gzip",
        "takumi_db_20240115_140000.sql.gz",
      );
      const backup = await scene.find(path, true);
      expect(await codeOf(backup.restore(scene.work()))).to.equal(
        "DATABASE_FAILED",
      );
      await backup.restore(scene.work({ noOwner: true }));
      expect(await scene.rows()).to.equal(2000);
    });

    it("refuses what only pg_restore reads, or holds what isn't SQL", async () => {
      await postgres.create(1);
      const custom = await postgres.backUp("custom", {
        encryption: { keyFile: scene.keyFile },
      });
      expect(
        await codeOf((await scene.find(custom)).prepareRestore(scene.work())),
      ).to.equal("DATABASE_UNFIT");
      for (const [end, code] of [
        ["echo '\\! touch here'", "DATABASE_DUMP_FOREIGN"],
        ["echo \"SET client_encoding = 'LATIN1';\"", "DATABASE_DUMP_FOREIGN"],
        ["printf '%s\\xff%s' \"SELECT '\" \"';\"", "DATABASE_DUMP_FOREIGN"],
        ["pg_dump takumi | head -n -20", "DATABASE_DUMP_CUT"],
      ] as const) {
        const name = "takumi_db_20240115_140000.sql";
        const path = await postgres.dumpByHand(end, name);
        const backup = await scene.find(path, true);
        expect(await codeOf(backup.restore(scene.work())), end).to.equal(code);
      }
      expect(await scene.databases()).to.deep.equal(["takumi"]);
    });
  });
});
