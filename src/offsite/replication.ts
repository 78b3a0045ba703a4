import type { OffsiteTarget } from "../config/types.js";
import type { Clock } from "../core/clock.js";
import { isDrError, type DrError } from "../core/errors.js";
import { DryRunStorage } from "./dry-run.js";
import type { LocalArtifact } from "./local-artifacts.js";
import { pruneStorage, type Pruning } from "./prune.js";
import {
  replicate,
  type Replicated,
  type ReplicateOptions,
} from "./replicate.js";
import type { Storage } from "./storage.js";

/** What became of all backups in one target. */
export interface TargetReplication {
  readonly target: string;
  /** `s3`, `gcs`, … */
  readonly provider: OffsiteTarget["kind"];
  /** Absent when the storage couldn't be opened. */
  readonly address?: string;
  readonly backups: readonly Replicated[];
  /** Absent when it didn't come to it. */
  readonly pruning?: Pruning;
  /** Why it ended early. */
  readonly error?: DrError;
  /** All that should be there is, and nothing failed. */
  readonly isDone: boolean;
  readonly seconds: number;
}

export interface ReplicationOptions extends Pick<
  ReplicateOptions,
  "trusted" | "slow" | "meter" | "signal"
> {
  readonly project: string;
  readonly retentionDays: number;
  readonly clock: Clock;
  /** Reads and writes nothing. */
  readonly isDryRun: boolean;
  /** Told as it goes, a line each. */
  readonly tell: (line: string) => void;
}

/**
 * Replicates backups to one target, then lets go there of what is too old.
 * Other targets don't depend on it: what fails is in the result.
 *
 * @param open - The target's storage.
 */
export async function replicateToTarget(
  { name: target, kind: provider }: OffsiteTarget,
  open: () => Promise<Storage>,
  artifacts: readonly LocalArtifact[],
  options: ReplicationOptions,
): Promise<TargetReplication> {
  const { clock, isDryRun, tell, signal } = options;
  const started = clock.now().getTime();
  const backups: Replicated[] = [];
  let [address, pruning, failure]: [string?, Pruning?, DrError?] = [];
  try {
    const opened = await open();
    const storage = isDryRun ? new DryRunStorage(opened) : opened;
    address = storage.address;
    await replicate(storage, artifacts, {
      ...options,
      onReplicated: (one) => {
        backups.push(one);
        tell(`${target}: ${describe(one)}`);
      },
    });
    pruning = await pruneStorage(storage, {
      project: options.project,
      days: options.retentionDays,
      now: clock.now(),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (!isDrError(error)) {
      throw error;
    }
    failure = error;
    tell(`${target}: ${error.code} ${error.message}`);
  }
  return {
    target,
    provider,
    ...(address === undefined ? {} : { address }),
    backups,
    ...(pruning === undefined ? {} : { pruning }),
    ...(failure === undefined ? {} : { error: failure }),
    isDone:
      failure === undefined &&
      backups.every(({ status }) => status !== "failed") &&
      pruning?.failed.length === 0,
    seconds: (clock.now().getTime() - started) / 1000,
  };
}

function describe({ name, status, error }: Replicated): string {
  const why = error === undefined ? "" : ` (${error.code}: ${error.message})`;
  return `${name} ${status}${why}`;
}
