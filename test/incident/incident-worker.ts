/**
 * A process that enters things into an incident: `notes` so many, one after the
 * other; `torn` is
 * killed in the middle of one, while nobody else may write.
 */
import { appendFileSync } from "node:fs";
import { join } from "node:path";

import { systemClock } from "../../src/core/clock.js";
import { changeIncident } from "../../src/incident/declared/incident-journal.js";

const [what = "", incidents = "", id = "", count = "1", by = ""] =
  process.argv.slice(2);
const place = { incidents, clock: systemClock };

for (let number = 0; number < Number(count); number += 1) {
  await changeIncident(place, id, () => {
    if (what === "torn") {
      const half = '{"seq":1,"at":"2026-11-20T03:16:00.000Z","prev":"ab';
      appendFileSync(join(incidents, id, "journal.ndjson"), half);
      process.kill(process.pid, "SIGKILL");
    }
    return [{ type: "noted", by, text: String(number) }];
  });
}
