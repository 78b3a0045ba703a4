import { expect } from "chai";

import { isPgbackrestThere, PgbackrestScene } from "./pgbackrest-scene.js";
import { PostgresCluster } from "../helpers/postgres.js";

describe("database/pgbackrest", function () {
  this.timeout(120_000);
  let scene: PgbackrestScene;

  before(async function () {
    if (!PostgresCluster.isPossible() || !isPgbackrestThere()) {
      console.error("pgbackrest isn't installed: apt-get install pgbackrest");
      this.skip();
    }
    scene = await PgbackrestScene.open();
  });

  after(async () => {
    await (scene as PgbackrestScene | undefined)?.close();
  });

  it("backs up all, then what has changed, and writes down what it holds", async () => {
    const full = await scene.backUp({ type: "full" });
    console.log(JSON.stringify(full, null, 1).slice(0, 3000));
    expect(full.fingerprint?.tables.length).to.equal(2);
  });

  it("brings back rows that were deleted", async () => {
    const before = new Date();
    await new Promise((r) => setTimeout(r, 1500));
    scene.psql("DELETE FROM endorsements");
    const r = await scene.restore({
      target: { kind: "time", time: new Date(before.getTime() + 1200) },
    });
    console.log(r, await scene.beside());
    expect(scene.psql("SELECT count(*) FROM endorsements")).to.equal("500");
  });
});
