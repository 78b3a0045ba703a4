/** A process that tests a target, and is killed while it examines the restored database. */
import { join } from "node:path";

import { systemClock } from "../../src/core/clock.js";
import { parseDatabaseUrl } from "../../src/database/access.js";
import { FsStorage } from "../../src/offsite/drivers/fs.js";
import { testTarget } from "../../src/restore-test/test-target.js";

const [folder = "", url = "", keyFile = ""] = process.argv.slice(2);

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
    keys: {
      encryption: {
        format: "aes-256-gcm",
        keyFile,
        oldKeyFiles: [],
        recipients: [],
      },
      trusted: [],
    },
    folder: join(folder, "backups"),
    keep: false,
    keepAs: "takumi_restore_test",
    clock: systemClock,
    now: () => new Date(),
    signal: new AbortController().signal,
    tell: () => undefined,
    openTrial: () =>
      Promise.resolve({
        access: parseDatabaseUrl(url),
        record: join(folder, "backups/.database-restore.json"),
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
