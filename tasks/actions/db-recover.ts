import { resolve } from "node:path";

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { systemClock } from "../../src/core/clock.js";
import { DrError } from "../../src/core/errors.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import type { Meter } from "../../src/core/meter.js";
import type { Access } from "../../src/database/access.js";
import type {
  Engine,
  FoundBackup,
  TrialWork,
} from "../../src/database/engine.js";

import { openEngine } from "../../src/database/open-engine.js";
import { requireWhole } from "../../src/database/recover/condition.js";
import { withCsv, type CsvFile } from "../../src/database/recover/csv.js";
import { readErased } from "../../src/database/recover/erased.js";
import type {
  Recovery,
  RecoveryRequest,
} from "../../src/database/recover/recover.js";
import {
  formatAside,
  tellRestored,
} from "../../src/display/database-restore.js";
import {
  formatRecovered,
  formatRecoveryPlan,
  recoveryToJson,
} from "../../src/display/database-recovery.js";
import { Interruption, requireConsentPossible, requireYes } from "./apply.js";
import { findBackup } from "./db-restore.js";
import { parseJobs } from "./jobs.js";
import { parseTime } from "./offsite.js";
import { runTask, type Output } from "./output.js";
import { withBar } from "./progress.js";

interface RecoverArguments {
  readonly table: string | undefined;
  readonly from: string | undefined;
  readonly before: string | undefined;
  readonly fromDatabase: string | undefined;
  readonly where: string | undefined;
  readonly changed: boolean;
  readonly children: boolean;
  readonly key: string | undefined;
  readonly csv: string | undefined;
  readonly apply: boolean;
  readonly yes: boolean;
  readonly jobs: string | undefined;
  readonly noOwner: boolean;
  readonly acceptUnauthenticated: boolean;
  readonly json: boolean;
}

const action: NewTaskActionFunction<RecoverArguments> = async (args, hre) =>
  await runTask({ ...args, dryRun: !args.apply }, async (output) => {
    const { yes, apply, csv } = args;
    requireConsentPossible({ yes, dryRun: !apply });
    const request = await toRequest(args, hre);
    const engine = await openEngine(hre.config.dr, hre.config.paths.root);
    await engine.prepareRecovery?.(request.table, apply);
    const work = async (file?: CsvFile) =>
      await withOldRows(engine, args, output, async (from) => {
        const csv = file === undefined ? {} : { csv: file };
        const given = { ...from, ...csv, engine, request };
        return await recover(given, args, hre, output);
      });
    // Before the restore, so that nobody waits for a file that can't be written.
    const recovery =
      csv === undefined
        ? await work()
        : await withCsv(resolve(hre.config.paths.root, csv), work);
    output.text(formatRecovered(recovery, output.paint));
    if (recovery.aside !== undefined) {
      output.text(formatAside(recovery.aside));
    }
    return { json: recoveryToJson(recovery), exitCode: EXIT_CODES.done };
  });

export default action;

async function toRequest(
  { table, where, changed, children, key }: RecoverArguments,
  { config: { dr } }: HardhatRuntimeEnvironment,
): Promise<RecoveryRequest> {
  if (table === undefined) {
    throw new DrError("OPTION_INVALID", {
      option: "--table",
      value: "missing",
      expected: "the table whose rows are to be brought back",
    });
  }
  if (where !== undefined) {
    requireWhole(where);
  }
  return {
    table,
    ...(where === undefined ? {} : { where }),
    ...(key === undefined ? {} : { key: key.split(",") }),
    isChangedIncluded: changed,
    areChildrenIncluded: children,
    erased: await readErased(dr),
    triggers: dr.database?.recover.triggers ?? "fire",
  };
}

/** In another database of the server, or in a backup that is restored for it. */
async function withOldRows(
  engine: Engine,
  args: RecoverArguments,
  output: Output,
  work: (from: Pick<Work, "old" | "signal">) => Promise<Recovery>,
): Promise<Recovery> {
  const { from, before, fromDatabase, noOwner, acceptUnauthenticated } = args;
  if (fromDatabase !== undefined) {
    if (from !== undefined || before !== undefined) {
      throw new DrError("OPTION_INVALID", {
        option: "--from-database",
        value: fromDatabase,
        expected: "taken together with --from or --before",
      });
    }
    return await engine.withOther(
      fromDatabase,
      async (old) => await work({ old }),
    );
  }
  const wanted = {
    what: from ?? "latest",
    purpose: "recover" as const,
    acceptUnauthenticated,
    ...(before === undefined ? {} : { before: parseTime("--before", before) }),
  };
  const backup = await findBackup(engine, wanted, output);
  const interruption = new Interruption("RESTORE_INTERRUPTED");
  const { signal } = interruption;
  const trial = {
    jobs: parseJobs(args.jobs ?? "1"),
    noOwner,
    acceptUnauthenticated,
    clock: systemClock,
    signal,
  };
  return await interruption.during(
    async () =>
      await withRestored({ backup, trial }, output, async (old) => {
        output.progress("… Compare");
        return await work({ old, signal });
      }),
  );
}

/** Shows how far the restore is; it is through when the work with it begins. */
async function withRestored<T>(
  {
    backup,
    trial,
  }: { readonly backup: FoundBackup; readonly trial: TrialWork },
  output: Output,
  work: (old: Access) => Promise<T>,
): Promise<T> {
  const restored = Promise.withResolvers<undefined>();
  const metered = Promise.withResolvers<Meter>();
  const bar = withBar(
    {
      title: "Restore beside",
      work: async (meter) => {
        metered.resolve(meter);
        await restored.promise;
      },
      tell: () => tellRestored(backup, backup.name),
    },
    output,
  );
  try {
    return await backup.withRestored(
      { ...trial, meter: await metered.promise },
      async (old) => {
        restored.resolve(undefined);
        await bar;
        return await work(old);
      },
    );
  } catch (error) {
    restored.reject(error);
    await bar.catch(() => undefined);
    throw error;
  }
}

interface Work {
  readonly engine: Engine;
  readonly old: Access;
  readonly request: RecoveryRequest;
  readonly csv?: CsvFile;
  readonly signal?: AbortSignal;
}

async function recover(
  { engine, old, request, csv, signal }: Work,
  { apply, yes }: RecoverArguments,
  hre: HardhatRuntimeEnvironment,
  output: Output,
): Promise<Recovery> {
  return await engine.recover(old, request, {
    ...(csv === undefined ? {} : { onRows: csv.write }),
    onPlan: async (plan) => {
      await csv?.finish();
      output.text(formatRecoveryPlan(plan, output.paint));
    },
    ...(apply
      ? {
          approve: async () => {
            await requireYes("bring these rows back", { yes }, hre);
            return true;
          },
        }
      : {}),
    ...(signal === undefined ? {} : { signal }),
  });
}
