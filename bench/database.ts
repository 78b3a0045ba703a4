import { onDatabase, TEXT, type DatabaseScene } from "./database-scene.js";
import {
  aboveBare,
  alternate,
  atMost,
  formatSeconds,
  timesFaster,
  type Measurement,
} from "./measurement.js";
import type { Project } from "./project.js";

/** Of pgbench. */
const SCALE = process.env.BENCH_SCALE ?? "100";
const TARGET_COUNTED = 2.5;
const TARGET_HASHED = 2;
const TARGET_HASHING = 1.25;
const TARGET_ABOVE_BYTES = 150e6;
const RUNS = 3;

const TARGET_RESTORED = 1.2;

/** As the old scripts have it. */
const SCRIPT_BACKS_UP = `
pg_dump | gzip -c | openssl enc -aes-256-cbc -pbkdf2 -salt -pass "file:$KEY" > "$OLD"`;
const SCRIPT_RESTORES = `
openssl enc -d -aes-256-cbc -pbkdf2 -pass "file:$KEY" -in "$OLD" | gunzip |
  psql -q -X -v ON_ERROR_STOP=1 -o /dev/null -d back`;

/** A backup of a database beside the pipe that the scripts make one with. */
export async function* measureDatabase(
  project: Project,
): AsyncGenerator<Measurement> {
  yield* onDatabase(project, measure);
}

async function* measure(scene: DatabaseScene): AsyncGenerator<Measurement> {
  await scene.fill(SCALE);
  const what = `pgbench ${SCALE} to artifact`;
  const blank = await compare(scene, `${what} (pg_dump | gzip | openssl)`);
  yield* blank.measurements;
  scene.cluster.psql(TEXT, "bench");
  const text = await compare(scene, "the same with text where it has blanks");
  yield* text.measurements;
  const restored = await measureRestore(scene);
  yield restored.measurement;
  // Of our process, without PostgreSQL's.
  yield* aboveBare(
    await scene.project.barePeak(),
    [blank, text, restored].map(({ peakBytes }) => peakBytes),
    TARGET_ABOVE_BYTES,
  );
}

async function compare(scene: DatabaseScene, name: string) {
  const peer = async () => await scene.shell(SCRIPT_BACKS_UP);
  const counted = await alternate(RUNS, {
    ours: async () => await scene.backUp("--no-hashes"),
    peer,
  });
  let peakBytes = 0;
  const hashed = await alternate(RUNS, {
    ours: async () => {
      const watched = await scene.backUp();
      peakBytes = Math.max(peakBytes, watched.peakBytes ?? 0);
      return watched;
    },
    peer,
  });
  const added = { ours: hashed.ours, peer: counted.ours };
  return {
    peakBytes,
    measurements: [
      timesFaster(name, counted, TARGET_COUNTED),
      timesFaster("  and all rows hashed", hashed, TARGET_HASHED),
      atMost(
        "  time with hashes (without)",
        added,
        TARGET_HASHING,
        formatSeconds,
      ),
    ],
  };
}

async function measureRestore(scene: DatabaseScene) {
  await scene.backUp();
  await scene.shell(SCRIPT_BACKS_UP);
  let peakBytes = 0;
  const restored = await alternate(RUNS, {
    ours: async () => {
      const watched = await scene.restore();
      peakBytes = Math.max(peakBytes, watched.peakBytes ?? 0);
      return watched;
    },
    peer: async () => {
      scene.cluster.psql("DROP DATABASE IF EXISTS back; CREATE DATABASE back;");
      return await scene.shell(SCRIPT_RESTORES);
    },
  });
  const measurement = timesFaster(
    "restored, and every row verified (openssl | gunzip | psql)",
    restored,
    TARGET_RESTORED,
  );
  return { peakBytes, measurement };
}
