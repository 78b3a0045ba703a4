import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { findArtifact } from "../../src/backup/find-artifact.js";
import { findDatabaseBackup } from "../../src/database/find-backup.js";
import { plain } from "../../src/display/text.js";
import type { DrilledTask } from "../../src/drill/copies.js";
import type { RecoveryTasks, TaskPlace } from "../../src/drill/ports.js";
import { chooseBackup } from "../../src/offsite/choose-backup.js";
import { takeInventory } from "../../src/offsite/inventory.js";
import { restoreBackup } from "./backup-restore.js";
import { restoreFromBackup } from "./db-restore.js";
import { findNamedSnapshot } from "./find-snapshot.js";
import { chooseTargets, openTarget } from "./offsite.js";
import { restoreFromOffsite } from "./offsite-restore.js";
import type { Output, TaskResult } from "./output.js";
import { restoreFrom } from "./snapshot-restore.js";

/** The tasks as they run in an incident, on what a drill puts in the place of the project. */
export function recoveryTasks(hre: HardhatRuntimeEnvironment): RecoveryTasks {
  return {
    run: async (task, place) => {
      const result = await runTask(task, inPlace(hre, place), place);
      return result.exitCode;
    },
  };
}

/** The same environment, but for its configuration: so Hardhat itself makes its hooks' contexts. */
function inPlace(
  hre: HardhatRuntimeEnvironment,
  { config, root, artifacts }: TaskPlace,
): HardhatRuntimeEnvironment {
  const paths = { ...hre.config.paths, root, artifacts };
  return Object.create(hre, {
    config: { value: { ...hre.config, dr: config, paths } },
  }) as HardhatRuntimeEnvironment;
}

const CONSENT = { dryRun: false, yes: true } as const;

async function runTask(
  drilled: DrilledTask,
  hre: HardhatRuntimeEnvironment,
  { progress, files: into }: TaskPlace,
): Promise<TaskResult> {
  const output = quietOutput(progress);
  const acceptUnauthenticated = false;
  const { dr } = hre.config;
  switch (drilled.task) {
    case "dr:db:restore": {
      return await restoreFromBackup(
        { what: await newestHere(hre), acceptUnauthenticated },
        {
          ...CONSENT,
          acceptUnauthenticated,
          into: undefined,
          jobs: undefined,
          noOwner: false,
          keep: false,
        },
        hre,
        output,
      );
    }
    case "dr:snapshot:restore":
      return await restoreFrom(
        await findNamedSnapshot(hre, ""),
        { ...CONSENT, recompile: false },
        hre,
        output,
      );
    case "dr:backup:restore":
      return await restoreBackup(
        await findArtifact(dr, "files"),
        { ...CONSENT, into },
        hre,
        output,
      );
    case "dr:offsite:restore":
      return await restoreFromOffsite(
        {
          ...CONSENT,
          what:
            drilled.what === "database"
              ? [drilled.what, await newestThere(hre, drilled.target)]
              : [drilled.what],
          target: drilled.target,
          region: "",
          before: undefined,
          into: drilled.what === "files" ? into : undefined,
          acceptUnauthenticated,
          json: true,
        },
        hre,
        output,
      );
  }
}

/** By its name: the copy that it is restored into is another database than the one that was backed up. */
async function newestHere({
  config: { dr, paths },
}: HardhatRuntimeEnvironment): Promise<string> {
  return await findDatabaseBackup(
    { config: dr, project: paths.root },
    { what: "latest", acceptUnauthenticated: false },
  );
}

async function newestThere(
  { config: { dr } }: HardhatRuntimeEnvironment,
  target: string,
): Promise<string> {
  const [chosen] = chooseTargets(dr, target);
  const storage = await openTarget(chosen);
  const inventory = await takeInventory(storage, dr.project);
  return chooseBackup(inventory, { kind: "database" }, storage.address).name;
}

/** What a task says goes into the drill's log, a line each. */
function quietOutput(progress: (line: string) => void): Output {
  const tell = (text: string) => {
    for (const line of text.split("\n").filter((one) => one.trim() !== "")) {
      progress(line);
    }
  };
  return {
    json: true,
    paint: plain,
    text: tell,
    progress: tell,
    // They all end before the drill does.
    afterwards: () => undefined,
  };
}
