import { join } from "node:path";

import * as z from "zod";

import { readReports, type FoundReports } from "../core/read-reports.js";

const time = z.iso.datetime();
const nonNegative = z.number().nonnegative();

const objective = z.object({
  measuredSeconds: nonNegative.nullable(),
  objectiveSeconds: z.number().positive(),
  isMet: z.boolean().nullable(),
});

/** Of what a contract was when something was proven of it; older reports don't say all of it. */
const contract = z.object({
  name: z.string(),
  proxy: z.string(),
  chainId: z.number().optional(),
  codeHash: z.string().nullish(),
  pauseAuthority: z.json().optional(),
  upgradeAuthority: z.json().optional(),
});

/** What is needed of a drill's report. */
const drill = z.object({
  schemaVersion: z.literal(1),
  drillId: z.string(),
  project: z.string(),
  network: z.string(),
  commit: z.string().nullable(),
  startedAt: time,
  durationSeconds: nonNegative,
  status: z.enum(["PASSED", "FAILED"]),
  tests: z.object({
    passed: nonNegative,
    failed: nonNegative,
    successRate: nonNegative,
  }),
  scenarios: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      status: z.enum(["passed", "failed", "skipped"]),
      reason: z.string().nullable(),
      rto: objective,
      rpo: objective,
      recoveries: z.array(
        z.object({ task: z.string(), from: z.string().nullable() }),
      ),
    }),
  ),
  contracts: z.array(contract),
  databaseSchema: z.string().nullable(),
});

const moment = z.object({ onChainSeconds: nonNegative }).nullable();

/** What is needed of a rehearsal's report. */
const rehearsal = z.object({
  schemaVersion: z.union([z.literal(1), z.literal(2)]),
  procedure: z.string(),
  network: z.string(),
  chainId: z.number(),
  commit: z.string().nullish(),
  startedAt: time,
  verdict: z.enum(["clean", "attention", "failed"]),
  findings: z.array(z.string()),
  outcome: z.object({ status: z.enum(["done", "waiting", "failed"]) }),
  contracts: z.array(contract),
  time: z.object({ paused: moment, recovered: moment }),
});

const part = z.object({ status: z.enum(["passed", "failed", "skipped"]) });
const details = z.object({ seconds: nonNegative }).nullish();

/** What is needed of a restore test's report. */
const restoreTest = z.object({
  test_date: time,
  status: z.enum(["SUCCESS", "FAILED"]),
  summary: z.string(),
  project: z.string().optional(),
  commit: z.string().nullish(),
  targets: z.array(
    z.object({
      target: z.string(),
      status: z.enum(["SUCCESS", "FAILED"]),
      tests: z.object({
        database_restore: part.extend({ backup_file: z.string().nullable() }),
        contract_restore: part.extend({ snapshot_file: z.string().nullable() }),
      }),
      details: z.object({
        database_restore: details,
        contract_restore: details,
      }),
    }),
  ),
});

/** What is needed of the report of a database's restore, for real or on trial. */
const databaseRestore = z.object({
  status: z.enum(["done", "proven"]),
  name: z.string(),
  /** Absent in older ones. */
  schema: z.string().nullish(),
  measures: z.object({ seconds: nonNegative }),
});

export type DrillFacts = z.infer<typeof drill>;
export type RehearsalFacts = z.infer<typeof rehearsal>;
export type RestoreTestFacts = z.infer<typeof restoreTest>;
export type DatabaseRestoreFacts = z.infer<typeof databaseRestore>;
export type ContractFacts = z.infer<typeof contract>;

/** Where reports lie. */
export interface ReportFolders {
  readonly logs: string;
  readonly backups: string;
  /** `deployments/<network>` */
  readonly network: string;
}

/** All that was exercised, as its reports have it. */
export interface Reports {
  readonly drills: FoundReports<DrillFacts>;
  readonly rehearsals: FoundReports<RehearsalFacts>;
  readonly restoreTests: FoundReports<RestoreTestFacts>;
  readonly databaseRestores: FoundReports<DatabaseRestoreFacts>;
}

/** @param most - Only the newest so many of each kind. */
export async function readAllReports(
  { logs, backups, network }: ReportFolders,
  most = Infinity,
): Promise<Reports> {
  const [drills, rehearsals, restoreTests, databaseRestores] =
    await Promise.all([
      readDrills(logs, most),
      readRehearsals(network, most),
      readRestoreTests(backups, most),
      readReports(join(backups, "reports"), {
        name: /^database_(restore|verification)_\d{8}_\d{6}\.json$/,
        parse: (value) => databaseRestore.safeParse(value).data,
        most,
      }),
    ]);
  return { drills, rehearsals, restoreTests, databaseRestores };
}

export async function readDrills(
  logs: string,
  most = Infinity,
): Promise<FoundReports<DrillFacts>> {
  return await readReports(join(logs, "dr-drills"), {
    name: /^dr_drill_report_\d{8}_\d{6}\.json$/,
    parse: (value) => drill.safeParse(value).data,
    most,
  });
}

/** @param network - `deployments/<network>` */
export async function readRehearsals(
  network: string,
  most = Infinity,
): Promise<FoundReports<RehearsalFacts>> {
  return await readReports(join(network, "rehearsals"), {
    name: /^\d{8}T\d{6}-\d{3}Z-[\w-]+\.json$/,
    parse: (value) => rehearsal.safeParse(value).data,
    most,
  });
}

export async function readRestoreTests(
  backups: string,
  most = Infinity,
): Promise<FoundReports<RestoreTestFacts>> {
  return await readReports(join(backups, "reports"), {
    name: /^offsite_restore_test_\d{8}_\d{6}\.json$/,
    parse: (value) => restoreTest.safeParse(value).data,
    most,
  });
}
