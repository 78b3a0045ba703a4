import { onDatabase, TEXT, type DatabaseScene } from "./database-scene.js";
import {
  atMost,
  formatMegabytes,
  formatSeconds,
  type Measurement,
} from "./measurement.js";
import type { Project, Watched } from "./project.js";

/** Of pgbench: with text for blanks a tenth, one and five gigabytes on the server's disk. */
const SCALES = [7, 70, 350] as const;
/** How much longer a gigabyte may take where there are five. */
const TARGET_GROWTH = 1.25;

interface Sized {
  readonly sizeBytes: number;
  readonly backup: Watched;
  readonly restore: Watched;
}

/** How time and memory of a backup and a restore grow with the database. */
export async function* measureGrowth(
  project: Project,
): AsyncGenerator<Measurement> {
  yield* onDatabase(project, measure);
}

async function* measure(scene: DatabaseScene): AsyncGenerator<Measurement> {
  const measured: Sized[] = [];
  for (const scale of SCALES) {
    const sized = await measureSize(scene, String(scale));
    measured.push(sized);
    yield* tell(sized);
  }
  yield* compare(measured);
}

async function measureSize(
  scene: DatabaseScene,
  scale: string,
): Promise<Sized> {
  await scene.fill(scale);
  scene.cluster.psql(TEXT, "bench");
  const size = scene.cluster.psql("SELECT pg_database_size('bench')");
  const backup = await scene.backUp();
  return { sizeBytes: Number(size), backup, restore: await scene.restore() };
}

function* tell({ sizeBytes, backup, restore }: Sized): Generator<Measurement> {
  for (const [what, { milliseconds, peakBytes }] of [
    ["backed up, hashed", backup],
    ["restored, verified", restore],
  ] as const) {
    yield {
      what: `${formatMegabytes(sizeBytes)} ${what}`,
      ours: formatSeconds(milliseconds),
      peer: "",
      ratio: peakBytes === undefined ? "" : formatMegabytes(peakBytes),
      target: "",
      isMet: undefined,
    };
  }
}

/** The first is left out: starting is most of it. */
function* compare(measured: readonly Sized[]): Generator<Measurement> {
  const [, middle, large] = measured;
  if (middle === undefined || large === undefined) {
    return;
  }
  for (const what of ["backup", "restore"] as const) {
    const perGigabyte = (one: Sized) =>
      (one[what].milliseconds / one.sizeBytes) * 1e9;
    yield atMost(
      `a GB of ${formatMegabytes(large.sizeBytes)} to ${what} (of ${formatMegabytes(middle.sizeBytes)})`,
      { ours: perGigabyte(large), peer: perGigabyte(middle) },
      TARGET_GROWTH,
      formatSeconds,
    );
  }
}
