import { recordLocalProof } from "../../backup/proof.js";
import { systemClock } from "../../core/clock.js";
import type { DrConfig } from "../../config/types.js";
import type { Engine, FoundBackup } from "../engine.js";
import { findAmongArtifacts } from "../find-among-artifacts.js";
import {
  backUpFolder,
  planFolderBackup,
  requirePlain,
} from "../pglite/backup.js";
import { requireOther } from "../other.js";
import { withCopy } from "../pglite/copy.js";
import { beside, locate, type Location } from "../pglite/location.js";
import { recoverInFolder } from "../pglite/recover.js";
import { requireLoadable, requirePlaceable } from "../pglite/requirements.js";
import {
  prepareFolderUndo,
  restoreFolder,
  undoFolder,
  verifyInFolder,
  withRestoredFolder,
} from "../pglite/restore.js";
import {
  applyFolderRollback,
  prepareFolderRollback,
} from "../pglite/rollback.js";
import { restoreRecordFile } from "../restore-record.js";
import type { Dump } from "../restore-source.js";

/** A folder that PGlite serves within a process: no server, no programs. */
export function openPGlite(config: DrConfig, project: string): Engine {
  const location = async () => await locate(config, project);
  return {
    describe: async () => (await location()).live,
    requireChoices: requirePlain,
    planBackup: async (context, choices) =>
      await planFolderBackup(await location(), context, choices),
    backUp: async (context, choices) =>
      await backUpFolder(await location(), context, choices),
    find: async (wanted, meter) => {
      const dump = await findAmongArtifacts({ config, project }, wanted, meter);
      return toFound(dump, config, location);
    },
    prepareUndo: async () => await prepareFolderUndo(await location()),
    undo: async (clock) => await undoFolder(await location(), clock),
    withOther: async (name, work) => {
      const here = await location();
      return await withCopy(
        here,
        requireOther(name, beside(here, name), here.live),
        async ({ access }) => await work(access),
      );
    },
    recover: async (old, request, ports) =>
      await recoverInFolder(await location(), old, request, ports, systemClock),
    prepareRollback: async (file, choices) =>
      await prepareFolderRollback(await location(), file, choices),
    applyRollback: async (prepared, choices, backUp) =>
      await applyFolderRollback(await location(), prepared, choices, backUp),
  };
}

function toFound(
  dump: Dump,
  config: DrConfig,
  location: () => Promise<Location>,
): FoundBackup {
  const criticalTables = config.database?.criticalTables ?? [];
  return {
    ...dump,
    prepareRestore: async (choices) => {
      const here = await location();
      const preparation = await requireLoadable(here, dump);
      await requirePlaceable(here, choices);
      return preparation;
    },
    restore: async (work) =>
      await restoreFolder(await location(), dump, {
        ...work,
        record: restoreRecordFile(config),
        criticalTables,
      }),
    verify: async (work) =>
      await verifyInFolder(await location(), dump, { ...work, criticalTables }),
    recordProof: async (at, how) => await recordLocalProof(dump.path, at, how),
    withRestored: async (work, use) =>
      await withRestoredFolder(await location(), dump, work, use),
  };
}
