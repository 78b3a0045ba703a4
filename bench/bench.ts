/**
 * Measures what is promised about speed and size, each beside a peer in the
 * same run. Writes nothing but the table; exits 1 when a target is missed.
 *
 * `BENCH=status,start-up` in the environment measures only those; the database's
 * size is `BENCH_SCALE=100`, as pgbench counts; rows are recovered out of
 * `BENCH_ROWS=10000000`.
 */
import { measureBackup } from "./backup.js";
import { measureDatabase } from "./database.js";
import { measureDrill } from "./drill.js";
import { measureEmergency } from "./emergency.js";
import { measureGrowth } from "./growth.js";
import { formatMeasurement, HEADING } from "./measurement.js";
import { measureOffsite } from "./offsite.js";
import { measurePause } from "./pause.js";
import { Project } from "./project.js";
import { measureRecover } from "./recover.js";
import { measureStartUp } from "./start-up.js";
import { measureStatus } from "./status.js";

const BENCHES = {
  "start-up": measureStartUp,
  status: measureStatus,
  pause: measurePause,
  emergency: measureEmergency,
  backup: measureBackup,
  database: measureDatabase,
  growth: measureGrowth,
  recover: measureRecover,
  drill: measureDrill,
  offsite: measureOffsite,
};

const only = (process.env.BENCH ?? "").split(",").filter((name) => name !== "");
const project = await Project.create();
try {
  print(HEADING);
  for (const [name, measure] of Object.entries(BENCHES)) {
    if (only.length > 0 && !only.includes(name)) {
      continue;
    }
    for await (const measurement of measure(project)) {
      print(formatMeasurement(measurement));
      if (measurement.isMet === false) {
        process.exitCode = 1;
      }
    }
  }
} finally {
  await project.remove();
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
