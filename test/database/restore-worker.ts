/** A process that restores a database, and is killed once a step is through, or when it is told to. */
import { writeSync } from "node:fs";

import { systemClock } from "../../src/core/clock.js";
import { parseDatabaseUrl } from "../../src/database/access.js";
import { restoreDatabase } from "../../src/database/restore.js";
import { findDump } from "../../src/database/restore-source.js";

const [path = "", url = "", record = "", keyFile = "", last = "", jobs = "1"] =
  process.argv.slice(2);

const dump = await findDump(path, {
  keys: {
    encryption: {
      format: "aes-256-gcm",
      keyFile,
      oldKeyFiles: [],
      recipients: [],
    },
    trusted: [],
  },
  acceptUnauthenticated: false,
});
writeSync(1, "begins\n");
await restoreDatabase(dump, {
  access: parseDatabaseUrl(url),
  record,
  criticalTables: [],
  jobs: Number(jobs),
  noOwner: false,
  acceptUnauthenticated: false,
  keep: false,
  clock: systemClock,
  signal: new AbortController().signal,
  onStep: (step) => {
    if (step === last) {
      process.kill(process.pid, "SIGKILL");
    }
  },
});
