import type { ArtifactKind } from "../artifact/name.js";
import type { Clock } from "../core/clock.js";
import { DrError, isDrError } from "../core/errors.js";
import { EXIT_CODES, type ExitCode } from "../core/exit-codes.js";
import type { BackupPart, PartKind, PartResult } from "./part.js";
import type { Pruned } from "./prune.js";

/** How a part went. */
export type PartOutcome = { readonly kind: PartKind } & (
  | ({ readonly status: "done"; readonly seconds: number } & PartResult)
  | {
      readonly status: "failed";
      readonly seconds: number;
      readonly error: unknown;
    }
  | { readonly status: "not-configured" }
  | { readonly status: "not-asked-for" }
);

/** How pruning went; absent where a backup failed that should come first. */
export type PruneOutcome =
  | ({ readonly status: "done" } & Pruned)
  | { readonly status: "failed"; readonly error: unknown };

export interface BackupReport {
  readonly startedAt: Date;
  readonly endedAt: Date;
  /** In the order in which they ran. */
  readonly parts: readonly PartOutcome[];
  readonly pruned?: PruneOutcome;
}

export interface BackupRun {
  /** What makes backups. */
  readonly parts: readonly BackupPart[];
  /** What is done with them then, whichever were made. */
  readonly after: readonly BackupPart[];
  /** Only these of the parts; absent: all that are configured. */
  readonly only?: readonly PartKind[];
  readonly clock: Clock;
  /** Once it is aborted no other part is begun. */
  readonly signal?: AbortSignal;
  /** Removes what is too old of these kinds. */
  readonly prune: (kinds: readonly ArtifactKind[]) => Promise<Pruned>;
  readonly onStart: (kind: PartKind) => void;
  /** Keeps others from making backups here at the same time. */
  readonly whileLocked: <T>(work: () => Promise<T>) => Promise<T>;
}

/**
 * Makes backups, one part after the other: one that fails keeps none of the
 * others from being made. What is too old is then removed of the kinds whose
 * backup was made, unless what comes after them failed: it may have been the
 * last copy.
 *
 * @throws {DrError} BACKUP_NOTHING_CONFIGURED and what the lock throws, before
 * anything is done.
 */
export async function runBackup(run: BackupRun): Promise<BackupReport> {
  requireSomething(run);
  return await run.whileLocked(async () => await runLocked(run));
}

async function runLocked(run: BackupRun): Promise<BackupReport> {
  const startedAt = run.clock.now();
  const parts: PartOutcome[] = [];
  for (const part of run.parts) {
    parts.push(
      run.only?.includes(part.kind) === false
        ? { kind: part.kind, status: "not-asked-for" }
        : await runPart(part, run),
    );
  }
  const made = parts.filter(({ status }) => status === "done");
  for (const part of run.after) {
    parts.push(await runPart(part, run));
  }
  const isSafe = parts
    .slice(run.parts.length)
    .every(({ status }) => status !== "failed");
  const kinds = made.map(({ kind }) => kind).filter(isArtifactKind);
  const pruned =
    isSafe && kinds.length > 0 ? await tryPrune(run, kinds) : undefined;
  return {
    startedAt,
    endedAt: run.clock.now(),
    parts,
    ...(pruned === undefined ? {} : { pruned }),
  };
}

function isArtifactKind(kind: PartKind): kind is ArtifactKind {
  return kind !== "offsite";
}

/** What each part would make, or why it can't. */
export interface PartPlan {
  readonly kind: PartKind;
  readonly lines: readonly string[];
  readonly error?: unknown;
}

/**
 * What {@link runBackup} would do, which is seen without changing anything.
 *
 * @throws {DrError} BACKUP_NOTHING_CONFIGURED.
 */
export async function planBackup(
  run: Pick<BackupRun, "parts" | "after" | "only">,
): Promise<readonly PartPlan[]> {
  requireSomething(run);
  const wanted = run.parts.filter(
    ({ kind }) => run.only?.includes(kind) !== false,
  );
  const plans: PartPlan[] = [];
  for (const { kind, isConfigured, plan } of [...wanted, ...run.after]) {
    if (isConfigured) {
      plans.push(await planPart(kind, plan));
    }
  }
  return plans;
}

async function planPart(
  kind: PartKind,
  plan: BackupPart["plan"],
): Promise<PartPlan> {
  try {
    return { kind, lines: await plan() };
  } catch (error) {
    return { kind, lines: [], error };
  }
}

function requireSomething({
  parts,
  only,
}: Pick<BackupRun, "parts" | "only">): void {
  const missing = parts.filter(({ isConfigured }) => !isConfigured);
  const wanted = missing.filter(({ kind }) => only?.includes(kind) === true);
  if (wanted.length > 0 || missing.length === parts.length) {
    const kinds = (wanted.length > 0 ? wanted : missing).map(
      ({ kind }) => kind,
    );
    throw new DrError("BACKUP_NOTHING_CONFIGURED", {
      what: `${kinds.join(", ")} ${kinds.length === 1 ? "isn't" : "aren't"} configured`,
    });
  }
}

async function runPart(
  { kind, isConfigured, run }: BackupPart,
  { clock, onStart, signal }: BackupRun,
): Promise<PartOutcome> {
  if (!isConfigured) {
    return { kind, status: "not-configured" };
  }
  if (signal?.aborted) {
    return { kind, status: "failed", seconds: 0, error: signal.reason };
  }
  onStart(kind);
  const start = clock.now().getTime();
  const seconds = () => (clock.now().getTime() - start) / 1000;
  try {
    const result = await run();
    return { kind, status: "done", seconds: seconds(), ...result };
  } catch (error) {
    return { kind, status: "failed", seconds: seconds(), error };
  }
}

async function tryPrune(
  { prune }: BackupRun,
  kinds: readonly ArtifactKind[],
): Promise<PruneOutcome> {
  try {
    return { status: "done", ...(await prune(kinds)) };
  } catch (error) {
    return { status: "failed", error };
  }
}

/** What went wrong, in order; once, where it kept several parts from being made. */
export function failuresOf({
  parts,
  pruned,
}: BackupReport): readonly unknown[] {
  const all = [...parts, ...(pruned === undefined ? [] : [pruned])];
  const failures = all.flatMap((one) =>
    one.status === "failed" ? [one.error] : [],
  );
  return [...new Set(failures)];
}

/** Part-way when some backups were made; where none was, as the first failure has it. */
export function exitCodeOf(report: BackupReport): ExitCode {
  const [first] = failuresOf(report);
  if (first === undefined) {
    return EXIT_CODES.done;
  }
  if (report.parts.some(({ status }) => status === "done")) {
    return EXIT_CODES.partial;
  }
  return isDrError(first) ? first.exitCode : EXIT_CODES.error;
}
