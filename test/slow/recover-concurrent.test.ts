import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { expect } from "chai";
import fc from "fast-check";

import { inDatabase } from "../../src/database/access.js";
import { groupInOrder } from "../../src/database/recover/order.js";
import { withSession } from "../../src/database/session.js";
import { errorOf } from "../offsite/describe-storage.js";
import { usePostgres } from "../helpers/postgres.js";
import { RecoveryScene } from "../database/recover/scene.js";

const WORKER = join(import.meta.dirname, "../database/recover/worker.ts");

const TREE = `
  CREATE TABLE nodes (id int PRIMARY KEY, up int REFERENCES nodes ON DELETE CASCADE, name text);
  CREATE TABLE leaves (id int, node int REFERENCES nodes ON DELETE CASCADE, v numeric, PRIMARY KEY (node, id));
  INSERT INTO nodes SELECT n, nullif(n / 2, 0), 'n' || n FROM generate_series(1, 40) n;
  INSERT INTO leaves SELECT n, 1 + n % 40, n * 1.10 FROM generate_series(1, 100) n;
`;

describe("recovering rows while others are at work", () => {
  const postgres = usePostgres();
  const open = () => new RecoveryScene(postgres.cluster, TREE);
  /** Somebody does something after the plan was shown. */
  const after = (deed: () => void) => ({
    approve: async () => {
      deed();
      return await Promise.resolve(true);
    },
  });

  it("gets hold of tables that others write to in another order, and ends nobody's transaction", async () => {
    const scene = open();
    scene.sql("DELETE FROM nodes WHERE id = 9");
    const access = inDatabase(postgres.cluster.access(), scene.live);
    let other: Promise<void> | undefined;
    const request = { areChildrenIncluded: true };
    const { isWritten } = await scene.recover("nodes", request, {
      approve: async () => {
        const isBegun = Promise.withResolvers<undefined>();
        other = withSession(access, async ({ query }) => {
          await query("BEGIN");
          await query("UPDATE public.nodes SET name = 'x' WHERE id = 40");
          isBegun.resolve(undefined);
          await sleep(700);
          await query("UPDATE public.leaves SET v = 0 WHERE node = 40");
          await query("COMMIT");
        });
        await isBegun.promise;
        return true;
      },
    });
    await other;
    expect(isWritten).to.be.true;
    expect(scene.sql("SELECT count(*) FROM nodes WHERE id = 9")).to.equal("1");
    expect(scene.sql("SELECT name FROM nodes WHERE id = 40")).to.equal("x");
  });

  it("refuses what isn't what was shown any more", async () => {
    for (const deed of [
      "INSERT INTO leaves SELECT 1, 2, 5 WHERE NOT EXISTS (SELECT FROM leaves WHERE node = 2 AND id = 1)",
      "DELETE FROM nodes WHERE id = 2",
      "ALTER TABLE leaves ADD more int",
      "CREATE UNIQUE INDEX ON leaves (v); INSERT INTO leaves VALUES (77, 3, 1.10)",
    ]) {
      const scene = open();
      scene.sql("DELETE FROM leaves WHERE node = 2");
      const error = await errorOf(
        scene.recover(
          "leaves",
          {},
          after(() => scene.sql(deed)),
        ),
      );
      expect(error.code, deed).to.equal("RECOVER_PLAN_CHANGED");
      expect(
        Number(scene.sql("SELECT count(*) FROM leaves WHERE node = 2")),
        deed,
      ).to.be.lessThan(2);
    }
    const scene = open();
    scene.sql("UPDATE leaves SET v = 0 WHERE id < 9");
    const error = await errorOf(
      scene.recover(
        "leaves",
        { isChangedIncluded: true },
        after(() => scene.sql("UPDATE leaves SET v = 1 WHERE id = 5")),
      ),
    );
    expect(error.code).to.equal("RECOVER_PLAN_CHANGED");
    expect(scene.sql("SELECT v FROM leaves WHERE id = 4")).to.equal("0");
  });

  it("doesn't mind what has nothing to do with it", async () => {
    const scene = open();
    scene.sql("DELETE FROM leaves WHERE node = 2");
    await scene.recover(
      "leaves",
      {},
      after(() =>
        scene.sql(
          "DELETE FROM leaves WHERE node = 9; INSERT INTO nodes VALUES (99)",
        ),
      ),
    );
    expect(scene.sql("SELECT count(*) FROM leaves WHERE node = 2")).to.equal(
      "3",
    );
  });

  it("gives up where a table is in use for too long", async function () {
    this.timeout(40_000);
    const scene = open();
    scene.sql("DELETE FROM leaves WHERE node = 2");
    await withSession(
      inDatabase(scene.cluster.access(), scene.live),
      async ({ query }) => {
        await query("BEGIN; INSERT INTO public.leaves VALUES (500, 1, 1)");
        const error = await errorOf(scene.recover("leaves"));
        expect(error.code).to.equal("RECOVER_BUSY");
        await query("LOCK TABLE public.leaves");
        const looked = await errorOf(scene.plan("leaves"));
        expect(looked.code).to.equal("RECOVER_BUSY");
        await query("COMMIT");
      },
    );
    expect(scene.sql("SELECT count(*) FROM leaves WHERE node = 2")).to.equal(
      "0",
    );
  });

  it("writes nothing when it is killed in the middle, and everything the next time", async function () {
    this.timeout(60_000);
    const scene = open();
    // In the middle of what it inserts it waits for the test.
    scene.sql(`
      DELETE FROM nodes WHERE id = 2;
      CREATE FUNCTION pause() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN IF NEW.id = 43 THEN PERFORM pg_advisory_xact_lock(7); END IF; RETURN NEW; END $$;
      CREATE TRIGGER pause BEFORE INSERT ON leaves FOR EACH ROW EXECUTE FUNCTION pause();`);
    const before = [scene.content("nodes"), scene.content("leaves")];
    const waiting = "FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    const others = `FROM pg_stat_activity WHERE datname = '${scene.live}' AND pid <> pg_backend_pid()`;
    const { cluster, old, live } = scene;
    await withSession(cluster.access(), async ({ query }) => {
      const until = async (sql: string, n: string) => {
        for (;;) {
          const [row] = await query<{ n: string }>(
            `SELECT count(*)::text AS n ${sql}`,
          );
          if (row?.n === n) {
            return;
          }
          await sleep(20);
        }
      };
      await withSession(inDatabase(cluster.access(), live), async (holder) => {
        await holder.query("SELECT pg_advisory_lock(7)");
        const child = spawn(
          process.execPath,
          ["--import", "tsx", WORKER, cluster.url(old), cluster.url(live)],
          { stdio: "inherit" },
        );
        await until(waiting, "1");
        child.kill("SIGKILL");
        await once(child, "exit");
      });
      await until(others, "0");
    });
    expect([scene.content("nodes"), scene.content("leaves")]).to.deep.equal(
      before,
    );
    await scene.recover("nodes", { areChildrenIncluded: true });
    expect(scene.isAsBefore("nodes", "leaves")).to.be.true;
  });

  it("brings everything back, whatever was deleted and changed", async function () {
    this.timeout(120_000);
    const scene = open();
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 8 }),
        fc.uniqueArray(fc.integer({ min: 1, max: 100 }), { maxLength: 8 }),
        fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 8 }),
        async (nodes, leaves, changed) => {
          const list = (ids: readonly number[]) => [0, ...ids].join(",");
          scene.sql(`
            UPDATE nodes SET name = name || 'x', up = 1 WHERE id IN (${list(changed)});
            UPDATE leaves SET v = v + 1 WHERE id IN (${list(changed)});
            DELETE FROM leaves WHERE id IN (${list(leaves)}); DELETE FROM nodes WHERE id IN (${list(nodes)});`);
          await scene.recover("nodes", {
            areChildrenIncluded: true,
            isChangedIncluded: true,
          });
          await scene.recover("leaves", { isChangedIncluded: true });
          expect(scene.isAsBefore("nodes", "leaves")).to.be.true;
        },
      ),
      { numRuns: 15 },
    );
  });
});

describe("the order of what needs each other", () => {
  it("has everything once, after what it needs or together with it", () => {
    const some = fc.integer({ min: 0, max: 9 });
    fc.assert(
      fc.property(
        fc.uniqueArray(some),
        fc.array(fc.tuple(some, some)),
        (all, edges) => {
          const groups = groupInOrder(all, edges);
          expect([...groups.flat()].sort()).to.deep.equal([...all].sort());
          const at = (one: number) =>
            groups.findIndex((group) => group.includes(one));
          for (const [before, after] of edges) {
            if (all.includes(before) && all.includes(after)) {
              expect(at(before)).to.be.at.most(at(after));
            }
          }
        },
      ),
    );
  });
});
