/** A process that restores a server, and is killed once a step is through. */
import { systemClock } from "../../src/core/clock.js";
import { configuredAccess } from "../../src/database/configured.js";
import { openRecovery } from "../../src/database/pgbackrest/open-recovery.js";
import { restoreServer } from "../../src/database/pgbackrest/restore-server.js";
import { configOf } from "./config-of.js";

const [url = "", root = "", section = "", time = "", last = ""] =
  process.argv.slice(2);

const config = configOf(url, root, {
  database: {
    url,
    engine: "pgbackrest",
    pgbackrest: JSON.parse(section) as never,
  },
});
const opened = await openRecovery(
  {
    what: "latest",
    acceptUnauthenticated: false,
    target: { kind: "time", time: new Date(time) },
  },
  config,
  root,
);
await restoreServer({
  settings: opened.settings,
  access: await configuredAccess(config),
  jobs: 1,
  clock: systemClock,
  signal: new AbortController().signal,
  what: opened.request,
  address: { what: "latest", time },
  isRepeatable: opened.isRepeatable,
  recovery: async () => await opened.reachNow(),
  onStep: (step) => {
    if (step === last) {
      process.kill(process.pid, "SIGKILL");
    }
  },
});
