/** A process that puts files in the place of others, and is killed after so many renames. */
import { rename } from "node:fs/promises";

import { replaceAll, type Replacement } from "../../src/backup/swap.js";

const [replacements = "", now = "", record = "", survived = ""] =
  process.argv.slice(2);
let renames = 0;

function dieIfItIsTime(): void {
  if (renames === Number(survived)) {
    process.kill(process.pid, "SIGKILL");
  }
}

await replaceAll(JSON.parse(replacements) as Replacement[], {
  now: new Date(now),
  record,
  rename: async (from, to) => {
    dieIfItIsTime();
    await rename(from, to);
    renames += 1;
    dieIfItIsTime();
  },
});
