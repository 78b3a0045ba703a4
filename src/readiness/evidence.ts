import { basename } from "node:path";

import { parseArtifactName, parseTimestamp } from "../artifact/name.js";
import { sameAddress } from "../core/hex.js";
import type {
  ContractFacts,
  DrillFacts,
  RehearsalFacts,
  Reports,
  RestoreTestFacts,
} from "./reports.js";

/** What can be proven of a project as a whole. */
export type Procedure =
  | "pause"
  | "rollback"
  | "emergency"
  | "database-restore"
  | "deployments-restore"
  | "files-restore"
  | "complete-loss"
  /** Followed by the target's name. */
  | `offsite-test:${string}`;

/** That something was tried, and what came of it. */
export interface Evidence {
  readonly procedure: Procedure;
  readonly at: Date;
  /** The task: `dr:drill`. */
  readonly by: string;
  readonly isPassed: boolean;
  /** What went wrong, or what people should know: without a full stop. */
  readonly notes: readonly string[];
  /** Until it was done; null where it wasn't measured. */
  readonly seconds: number | null;
  readonly commit: string | null;
  /** The backup that it was done with; null where there is none, or many. */
  readonly artifact: string | null;
  /** The report's. */
  readonly file: string;
  /** What it was done to, as it was then. */
  readonly contracts: readonly ContractFacts[];
  /** SHA-256 of the database's definitions then; null where nobody wrote it down. */
  readonly schema: string | null;
}

/** Whose evidence counts. */
export interface Whose {
  readonly project: string;
  readonly network: string;
  /** Undefined when the chain can't be asked. */
  readonly chainId: number | undefined;
  readonly now: Date;
}

export interface FoundEvidence {
  /** The oldest first. */
  readonly evidence: readonly Evidence[];
  /** What was left out, and why: sentences. */
  readonly problems: readonly string[];
}

const BY_BACKUP = {
  database: "database-restore",
  contracts: "deployments-restore",
  files: "files-restore",
} as const;

/**
 * What reports prove. Those that can't be read, are of another project,
 * network or chain, or come from the future prove nothing.
 *
 * @param schemaOf - Of a backup that is still here: its database's definitions.
 */
export async function findEvidence(
  reports: Reports,
  whose: Whose,
  schemaOf: (backup: string) => Promise<string | null>,
): Promise<FoundEvidence> {
  const { drills, rehearsals, restoreTests, databaseRestores } = reports;
  const problems = Object.values(reports).flatMap(
    ({ damaged }: { readonly damaged: readonly string[] }) =>
      damaged.map((file) => `${file} can't be read as a report.`),
  );
  const found: Evidence[] = [];
  for (const { file, report } of drills.reports) {
    const { project, network } = report;
    if (project === whose.project && network === whose.network) {
      found.push(...fromDrill(file, report, whose));
    } else {
      problems.push(`${file} is of ${project} on ${network}.`);
    }
  }
  for (const { file, report } of rehearsals.reports) {
    const { network, chainId } = report;
    if (
      network === whose.network &&
      (whose.chainId === undefined || chainId === whose.chainId)
    ) {
      found.push(...fromRehearsal(file, report));
    } else {
      problems.push(
        `${file} is of ${network} with the chainId ${String(chainId)}.`,
      );
    }
  }
  for (const { file, report } of restoreTests.reports) {
    if (isOwn(report, whose.project)) {
      found.push(...fromRestoreTest(file, report));
    } else {
      problems.push(`${file} is of another project.`);
    }
  }
  for (const { file, report } of databaseRestores.reports) {
    const { name, status, measures, schema } = report;
    if ((parseArtifactName(name)?.project ?? whose.project) !== whose.project) {
      problems.push(`${file} is of another project.`);
      continue;
    }
    const [, stamp = ""] = /_(\d{8}_\d{6})\.json$/.exec(basename(file)) ?? [];
    found.push({
      ...NOTHING,
      procedure: "database-restore",
      at: parseTimestamp(stamp),
      by: status === "done" ? "dr:db:restore" : "dr:db:verify",
      isPassed: true,
      seconds: measures.seconds,
      artifact: name,
      file,
      schema: schema ?? (await schemaOf(name)),
    });
  }
  const future = found.filter(({ at }) => !(at <= whose.now));
  problems.push(
    ...new Set(
      future.map(({ file }) => `${file} is dated later than it is now.`),
    ),
  );
  return {
    evidence: found
      .filter(({ at }) => at <= whose.now)
      .toSorted((a, b) => a.at.getTime() - b.at.getTime()),
    problems,
  };
}

const NOTHING = {
  notes: [],
  seconds: null,
  commit: null,
  artifact: null,
  contracts: [],
  schema: null,
} as const;

/**
 * A scenario that passed proves nothing when its drill failed as a whole: what
 * it was measured with may be what failed.
 */
function fromDrill(
  file: string,
  { scenarios, status, commit, startedAt, ...drill }: DrillFacts,
  { chainId }: Whose,
): Evidence[] {
  const contracts = drill.contracts.filter(
    (one) =>
      one.chainId === undefined ||
      chainId === undefined ||
      one.chainId === chainId,
  );
  return scenarios.flatMap((scenario) => {
    const isPassed = scenario.status === "passed" && status === "PASSED";
    if (!isPassed && scenario.status !== "failed") {
      return [];
    }
    const { recoveries, reason, title, rto } = scenario;
    const reached = new Map<Procedure, string | null>();
    for (const { task, from } of recoveries) {
      for (const procedure of proceduresOf(task, from)) {
        reached.set(procedure, from);
      }
    }
    return [...reached].map(([procedure, from]) => ({
      procedure,
      at: new Date(startedAt),
      by: "dr:drill",
      isPassed,
      notes: isPassed
        ? []
        : [`${title}: ${reason ?? "what came out isn't what there was"}`],
      seconds: rto.measuredSeconds,
      commit,
      artifact: procedure === "complete-loss" ? null : from,
      file,
      contracts,
      schema: drill.databaseSchema,
    }));
  });
}

function proceduresOf(task: string, from: string | null): Procedure[] {
  switch (task) {
    case "dr:rollback":
      return ["rollback"];
    case "dr:db:restore":
      return ["database-restore"];
    case "dr:snapshot:restore":
      return ["deployments-restore"];
    case "dr:backup:restore":
      return ["files-restore"];
    case "dr:offsite:restore": {
      const kind = from === null ? undefined : parseArtifactName(from)?.kind;
      return kind === undefined || kind === "configuration"
        ? ["complete-loss"]
        : ["complete-loss", BY_BACKUP[kind]];
    }
    default:
      return [];
  }
}

/** Whatever pauses on its way has rehearsed the pause too. */
function fromRehearsal(
  file: string,
  { procedure, outcome, verdict, findings, time, ...rehearsal }: RehearsalFacts,
): Evidence[] {
  const isPassed = outcome.status === "done" && verdict !== "failed";
  const common = {
    at: new Date(rehearsal.startedAt),
    by: "dr:rehearse",
    commit: rehearsal.commit ?? null,
    artifact: null,
    file,
    contracts: rehearsal.contracts.map((one) => ({
      ...one,
      chainId: rehearsal.chainId,
    })),
    schema: null,
  };
  const notes = isPassed
    ? findings
    : [`the rehearsal's outcome was ${outcome.status}`];
  const pause: Evidence = {
    ...common,
    procedure: "pause",
    isPassed: isPassed && time.paused !== null,
    notes,
    seconds: time.paused?.onChainSeconds ?? null,
  };
  switch (procedure) {
    case "pause":
      return [pause];
    case "rollback":
    case "emergency":
      return [
        ...(pause.isPassed ? [{ ...pause, notes: [] }] : []),
        {
          ...common,
          procedure,
          isPassed,
          notes,
          seconds: time.recovered?.onChainSeconds ?? null,
        },
      ];
    default:
      return [];
  }
}

function isOwn({ project, targets }: RestoreTestFacts, own: string): boolean {
  const named = targets.flatMap(({ tests }) => {
    const { backup_file: file } = tests.database_restore;
    return file === null ? [] : [parseArtifactName(file)?.project ?? own];
  });
  return (project ?? own) === own && named.every((one) => one === own);
}

/** One that left something out proves that much of the backups, and not the test. */
function fromRestoreTest(
  file: string,
  { test_date: date, commit, targets }: RestoreTestFacts,
): Evidence[] {
  return targets.flatMap(({ target, status, tests, details }) => {
    const isPassed = status === "SUCCESS";
    const parts = Object.entries(tests);
    if (isPassed && parts.some(([, part]) => part.status === "skipped")) {
      return [];
    }
    const failed = parts.filter(([, part]) => part.status === "failed");
    const evidence: Evidence = {
      procedure: `offsite-test:${target}`,
      at: new Date(date),
      by: "dr:offsite:test",
      isPassed,
      notes: failed.map(([name]) => `${name} failed`),
      seconds:
        (details.database_restore?.seconds ?? 0) +
        (details.contract_restore?.seconds ?? 0),
      commit: commit ?? null,
      artifact: tests.database_restore.backup_file,
      file,
      contracts: [],
      schema: null,
    };
    return [evidence];
  });
}

/** What restore tests found of the backups of a kind in a target; the oldest first. */
export function findBackupTests(
  { restoreTests }: Reports,
  { project, now }: Whose,
  target: string,
  kind: "database" | "contracts",
): Evidence[] {
  const word = kind === "database" ? "database_restore" : "contract_restore";
  return restoreTests.reports
    .filter(({ report }) => isOwn(report, project))
    .flatMap(({ file, report }) =>
      report.targets
        .filter((one) => one.target === target)
        .filter(({ tests }) => tests[word].status !== "skipped")
        .map(({ tests, details }): Evidence => {
          const isPassed = tests[word].status === "passed";
          return {
            ...NOTHING,
            procedure: `offsite-test:${target}`,
            at: new Date(report.test_date),
            by: "dr:offsite:test",
            isPassed,
            notes: isPassed ? [] : [`${word} failed: ${report.summary}`],
            seconds: details[word]?.seconds ?? null,
            commit: report.commit ?? null,
            artifact:
              kind === "database"
                ? tests.database_restore.backup_file
                : tests.contract_restore.snapshot_file,
            file,
          };
        }),
    )
    .filter(({ at }) => at <= now)
    .toSorted((a, b) => a.at.getTime() - b.at.getTime());
}

/** What of a piece of evidence is about a contract; undefined when it isn't in it. */
export function factsOf(
  { contracts }: Evidence,
  proxy: string,
): ContractFacts | undefined {
  return contracts.find((one) => sameAddress(one.proxy, proxy));
}
