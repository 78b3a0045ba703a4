/** A process that works on a database of PGlite's, and is killed once a step is through. */
import { writeSync } from "node:fs";

import { systemClock } from "../../src/core/clock.js";
import { withCopy } from "../../src/database/pglite/copy.js";
import { locate } from "../../src/database/pglite/location.js";
import { withOpen } from "../../src/database/pglite/open.js";
import {
  restoreFolder,
  undoFolder,
} from "../../src/database/pglite/restore.js";
import { findDump } from "../../src/database/restore-source.js";
import { configOf } from "./config-of.js";

const [what = "", live = "", last = "", path = "", record = "", keyFile = ""] =
  process.argv.slice(2);

const location = await locate(configOf(live, "/"), "/");
const onStep = (step: string) => {
  if (step === last) {
    process.kill(process.pid, "SIGKILL");
  }
};
switch (what) {
  case "restore":
    await restoreFolder(
      location,
      await findDump(path, {
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
      }),
      {
        record,
        criticalTables: [],
        jobs: 1,
        noOwner: false,
        acceptUnauthenticated: false,
        keep: false,
        clock: systemClock,
        signal: new AbortController().signal,
        onStep,
      },
    );
    break;
  case "undo":
    await undoFolder(location, systemClock, onStep);
    break;
  case "copy":
    await withCopy(location, live, async () => {
      onStep(last);
      await Promise.resolve();
    });
    break;
  case "hold":
    await withOpen(live, live, async () => {
      writeSync(1, "open\n");
      await new Promise((resolve) => process.stdin.once("data", resolve));
    });
    break;
}
