/** A process that tests a target, and is killed while it examines the restored database. */
import { join } from "node:path";

import { artifactKeys } from "../../src/backup/place.js";
import { systemClock } from "../../src/core/clock.js";
import { openEngine } from "../../src/database/open-engine.js";
import { FsStorage } from "../../src/offsite/drivers/fs.js";
import { testTarget } from "../../src/restore-test/test-target.js";
import { configOf } from "../database/config-of.js";

const [folder = "", url = "", keyFile = ""] = process.argv.slice(2);

const config = configOf(url, folder, { encryption: { keyFile } });

await testTarget(
  { name: "disk-a", kind: "fs" },
  () =>
    Promise.resolve(
      new FsStorage({
        prefix: "",
        directory: join(folder, "disk-a"),
      }),
    ),
  {
    project: "takumi",
    parts: ["database"],
    keys: artifactKeys(config),
    folder: join(folder, "backups"),
    keep: false,
    keepAs: "takumi_restore_test",
    clock: systemClock,
    now: () => new Date(),
    signal: new AbortController().signal,
    tell: () => undefined,
    openTrial: async () => ({
      engine: await openEngine(config, folder),
      criticalTables: [],
      jobs: 1,
      noOwner: false,
    }),
    meter: {
      begin: (what) => {
        if (what === "examining it") {
          process.kill(process.pid, "SIGKILL");
        }
      },
      reach: () => undefined,
    },
  },
);
