import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import type { ServerRestoreStep } from "../../src/database/pgbackrest/restore-server.js";
import { runKilled } from "../helpers/killed-worker.js";
import type { PgbackrestScene } from "./pgbackrest-scene.js";

const WORKER = join(import.meta.dirname, "pgbackrest-worker.ts");

/** Kills a restore once a step is through: a whole server is there at once, and the next run finishes it. */
export async function expectFinished(
  scene: PgbackrestScene,
  step: ServerRestoreStep,
): Promise<void> {
  const rows = () => scene.psql("SELECT count(*) FROM profiles");
  const at = await scene.moment();
  const before = rows();
  scene.psql("INSERT INTO profiles SELECT max(id) + 1, 'lost' FROM profiles");
  await runKilled(WORKER, [
    scene.cluster.url("takumi"),
    scene.root,
    JSON.stringify(scene.section),
    at.toISOString(),
    step,
  ]);
  const aside = (await scene.beside())
    .filter((name) => name.includes("_before_"))
    .map((name) => join(scene.cluster.folder, name));
  const whole = [scene.dataFolder, ...aside].filter((folder) =>
    existsSync(join(folder, "PG_VERSION")),
  );
  expect(whole).to.not.deep.equal([]);
  await scene.restore({ target: { kind: "time", time: at } });
  expect(rows()).to.equal(before);
  for (const name of await scene.beside()) {
    expect(name).to.include("_before_");
    await rm(join(scene.cluster.folder, name), { recursive: true });
  }
}
