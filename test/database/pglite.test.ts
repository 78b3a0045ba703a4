import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { takeFingerprint } from "../../src/database/fingerprint.js";
import { withOpen } from "../../src/database/pglite/open.js";
import { withSession } from "../../src/database/session.js";
import { PGliteScene } from "./pglite-scene.js";

const EVERYTHING = join(
  import.meta.dirname,
  "../fixtures/database/everything.sql",
);

describe("the engine pglite", function () {
  this.timeout(60_000);
  const scene = new PGliteScene();

  it("brings back what was there, and keeps what is there now", async () => {
    const path = await scene.backUp();
    await scene.harm();
    const backup = await scene.find(path);
    const { aside, database, examination } = await backup.restore(scene.work());
    expect(database).to.equal(scene.live);
    expect(await scene.rows()).to.equal(1000);
    const [, before = ""] = await scene.databases();
    expect(aside).to.equal(join(scene.data, before));
    expect(before).to.match(/^takumi_before_\d{8}_\d{6}$/);
    expect(await scene.rows(before)).to.equal(0);
    expect(examination).to.deep.equal({
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
});
