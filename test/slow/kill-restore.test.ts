import { once } from "node:events";
import { join } from "node:path";

import { expect } from "chai";

import { withSession } from "../../src/database/session.js";
import { takeFingerprint } from "../../src/database/fingerprint.js";
import { RestoreScene } from "../database/restore-scene.js";
import { startWorker } from "../helpers/killed-worker.js";
import { seededNumbers } from "../helpers/seeded-numbers.js";

const ROUNDS = 25;
/** So many times what a restore takes here it is left alone at most. */
const LONGEST = 1.5;
const WORKER = join(import.meta.dirname, "../database/restore-worker.ts");

describe("restores that are killed at random moments, over and over", function () {
  this.timeout(300_000);
  const scene = new RestoreScene();

  /** The content of every table and sequence, and how all is defined. */
  const contents = async () => {
    const { tables, sequences, schema } = await withSession(
      scene.access,
      async (session) => await takeFingerprint(session),
    );
    return { tables, sequences, schema };
  };

  it("leave a whole database under the live name, and nothing else in the end", async () => {
    await scene.create(20_000);
    const path = await scene.backUp();
    const backedUp = await contents();
    const longestMs = LONGEST * (await restoreKilled(path));
    scene.harm();
    const harmed = await contents();
    const random = seededNumbers();
    let isRestored = false;
    let [restored, killed] = [0, 0];
    for (let round = 0; round < ROUNDS; round += 1) {
      if (isRestored) {
        scene.harm();
      }
      await restoreKilled(path, random() * longestMs);
      if (round % 8 === 7) {
        await scene.cluster.halt();
        await scene.cluster.resume();
      }
      const found = await contents();
      expect(found).to.be.deep.oneOf([harmed, backedUp]);
      isRestored = rowsOf(found) > 0n;
      restored += isRestored ? 1 : 0;
      killed += isRestored ? 0 : 1;
    }
    await scene.restore(path);
    expect(await contents()).to.deep.equal(backedUp);
    expect(scene.databases().filter((name) => name.includes("scratch"))).to.be
      .empty;
    expect(await scene.leftFiles()).to.deep.equal([]);
    // The live one, and what it took the place of each time.
    expect(scene.databases()).to.have.length(3 + restored);
    // Else it has tried nothing.
    expect(Math.min(restored, killed)).to.be.at.least(2);
  });

  /** @returns how long it was at it. */
  async function restoreKilled(
    path: string,
    afterMs?: number,
  ): Promise<number> {
    const child = startWorker(
      WORKER,
      [path, scene.cluster.url("takumi"), scene.record, scene.keyFile, "", "1"],
      ["ignore", "pipe", "inherit"],
    );
    const ended = once(child, "exit");
    await once(child.stdout!, "data");
    const startedAt = performance.now();
    const timer =
      afterMs === undefined
        ? undefined
        : setTimeout(() => child.kill("SIGKILL"), afterMs);
    await ended;
    clearTimeout(timer);
    return performance.now() - startedAt;
  }

  const rowsOf = ({ tables }: Awaited<ReturnType<typeof contents>>) =>
    tables.reduce((sum, { rows }) => sum + BigInt(rows), 0n);
});
