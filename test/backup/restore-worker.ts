/** A process that restores files, and is killed while it opens or compares. */
import { artifactKeys } from "../../src/backup/place.js";
import { restoreFiles } from "../../src/backup/restore-files.js";
import type { DrUserConfig } from "../../src/config/types.js";
import { FileScene } from "./file-scene.js";

const [root = "", section = "", name = "", deadly = ""] = process.argv.slice(2);
const scene = new FileScene(root, JSON.parse(section) as DrUserConfig);
let pass = "";

await restoreFiles(await scene.prepare(name), {
  keys: artifactKeys(scene.config),
  clock: scene.context.clock,
  record: scene.record,
  signal: new AbortController().signal,
  meter: {
    begin: (what) => {
      pass = what;
    },
    reach: () => {
      if (pass.startsWith(deadly)) {
        process.kill(process.pid, "SIGKILL");
      }
    },
  },
});
