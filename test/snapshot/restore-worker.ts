/** A process that restores a snapshot, and is killed right before its n-th rename. */
import { rename } from "node:fs/promises";

import { systemClock } from "../../src/core/clock.js";
import {
  openSnapshot,
  withSnapshot,
} from "../../src/snapshot/open-snapshot.js";
import { planRestore } from "../../src/snapshot/restore-plan.js";
import { restoreSnapshot } from "../../src/snapshot/restore.js";
import { placesIn } from "./scene.js";

const [path = "", root = "", deadly = ""] = process.argv.slice(2);
let renames = 0;

await withSnapshot(openSnapshot(path, { trusted: [] }), async (opened) => {
  const places = placesIn(root);
  await restoreSnapshot(opened, places, await planRestore(opened, places), {
    clock: systemClock,
    rename: async (from, to) => {
      if (renames === Number(deadly)) {
        process.kill(process.pid, "SIGKILL");
      }
      renames += 1;
      await rename(from, to);
    },
  });
});
