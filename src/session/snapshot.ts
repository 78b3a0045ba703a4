import { join, relative } from "node:path";

import { placeFolder } from "../backup/folder.js";
import type { DrConfig } from "../config/types.js";
import type { Json } from "../core/canonical-json.js";
import { isDrError } from "../core/errors.js";
import type { Meter } from "../core/meter.js";
import type { RecoveryPorts } from "../recovery/ports.js";
import type { JournalRecord } from "../run/journal.js";
import { entriesOf } from "../run/runner.js";
import type { Step, StepState } from "../run/step.js";
import type { TakenSnapshot } from "../snapshot/take-snapshot.js";
import { TOOL_VERSION } from "./tool-version.js";

type SessionPorts = Pick<
  RecoveryPorts,
  "network" | "rpc" | "folder" | "root" | "artifacts" | "clock"
>;

const STEP = "snapshot";

/** Who is told what while a snapshot is taken. */
interface Watchers {
  /** What it will be called, before it is taken. */
  readonly onName?: (name: string) => Promise<void>;
  readonly meter?: Meter;
}

/**
 * Takes a snapshot, as the configuration says where and how.
 *
 * @throws {DrError} those of `takeSnapshot`, and whatever is wrong with the keys.
 */
export async function snapshotContracts(
  ports: SessionPorts,
  config: DrConfig,
  { onName, meter }: Watchers = {},
): Promise<TakenSnapshot> {
  // Its code is loaded when a snapshot is taken: a pause needs none of it.
  const [{ openPlace }, { reserveName }, { takeSnapshot }] = await Promise.all([
    import("../backup/place.js"),
    import("../snapshot/reserve-name.js"),
    import("../snapshot/take-snapshot.js"),
  ]);
  const tool = `hardhat-dr ${TOOL_VERSION}`;
  const open = await openPlace(config, "contracts", ports.clock, tool);
  const { name, place } = await reserveName(open);
  await onName?.(name);
  const { views } = config.snapshot;
  return await takeSnapshot({ ...ports, views }, place, meter);
}

/**
 * The snapshot before an upgrade. Its name is journaled before it is taken: a
 * run that goes on takes no other one where that is whole.
 */
export function snapshotStep(ports: SessionPorts, config: DrConfig): Step {
  const folder = placeFolder(config, "contracts");
  const shown = shownFrom(ports.root, folder);
  let name = "";
  return {
    id: STEP,
    title: `Snapshot the contracts before the upgrade, into ${shown}`,
    reversibility: "reversible",
    changesNothing: true,
    approval: { folder: shown },
    check: async ({ entries }): Promise<StepState> => {
      name = announcedIn(entries) ?? "";
      const isThere = name !== "" && (await isWhole(join(folder, name)));
      return { status: isThere ? "done" : "ready" };
    },
    run: async (log) => {
      await snapshotContracts(ports, config, {
        onName: async (reserved) => {
          name = reserved;
          await log.append({ artifact: reserved });
        },
      });
    },
    verify: async () => {
      await requireWhole(join(folder, name));
    },
  };
}

/** The same on every machine, as long as it is in the project. */
function shownFrom(root: string, folder: string): string {
  const path = relative(root, folder);
  return path.startsWith("..") ? folder : path;
}

/** The name of the snapshot that a run took; undefined when it took none. */
export function snapshotOf(
  records: readonly JournalRecord[],
): string | undefined {
  return announcedIn(entriesOf(STEP, { records }));
}

function announcedIn(entries: readonly Json[]): string | undefined {
  const last = entries.at(-1) as { readonly artifact?: string } | undefined;
  return last?.artifact;
}

async function isWhole(path: string): Promise<boolean> {
  try {
    await requireWhole(path);
    return true;
  } catch (error) {
    if (isDrError(error)) {
      return false;
    }
    throw error;
  }
}

/** It was made here: whose signatures others must bear doesn't matter. */
async function requireWhole(path: string): Promise<void> {
  const { checkArtifact } = await import("../artifact/read-artifact.js");
  await checkArtifact(path, { trusted: [] });
}
