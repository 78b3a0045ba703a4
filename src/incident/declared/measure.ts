import type { DeclaredIncident } from "./declared-incident.js";
import type { IncidentEvent, IncidentRecord } from "./event.js";
import type { RunAccount } from "./run-account.js";

type TaskEnded = Extract<IncidentEvent, { type: "task-ended" }>;

/** A moment, how long after the beginning it was, and what proves it. */
export interface Measured {
  readonly at: Date;
  /** Absent where clocks disagree: it lies before the beginning. */
  readonly afterMs?: number;
  /** `20261120-031500-pause-1f0c on mainnet` */
  readonly proof: string;
}

/** How fast it went, as far as it was entered. What isn't known is absent. */
export interface Measurements {
  readonly from: "first sign" | "opening";
  readonly begin: Date;
  readonly acknowledged?: Measured;
  /** The first pause that was verified. */
  readonly paused?: Measured;
  /** The last recovery that was verified. */
  readonly recovered?: Measured;
  readonly closed?: Measured;
}

/** Data and records that these bring back are compared before they say that they are done. */
const RECOVERING_TASKS = [
  "dr:backup:restore",
  "dr:db:recover",
  "dr:db:restore",
  "dr:db:rollback",
  "dr:offsite:restore",
  "dr:snapshot:restore",
];

/** From the first sign where it was told, else from the opening. */
export function measureIncident(incident: DeclaredIncident): Measurements {
  const { detectedAt, openedAt, acknowledged, closed, records } = incident;
  const begin = detectedAt ?? openedAt;
  const measure = (
    moment: { readonly at: string | Date; readonly proof: string } | undefined,
  ): Measured | undefined => {
    if (moment === undefined) {
      return undefined;
    }
    const at = new Date(moment.at);
    const afterMs = at.getTime() - begin.getTime();
    return { at, proof: moment.proof, ...(afterMs < 0 ? {} : { afterMs }) };
  };
  const runs = latestAccounts(records);
  const paused = measure(firstOf(runs.flatMap(pauseOf)));
  const recovered = measure(
    lastOf([...runs.flatMap(recoveryOf), ...records.flatMap(taskRecoveryOf)]),
  );
  const answered = measure(byWhom(acknowledged));
  const ended = measure(byWhom(closed));
  return {
    from: detectedAt === undefined ? "opening" : "first sign",
    begin,
    ...(answered === undefined ? {} : { acknowledged: answered }),
    ...(paused === undefined ? {} : { paused }),
    ...(recovered === undefined ? {} : { recovered }),
    ...(ended === undefined ? {} : { closed: ended }),
  };
}

/** Every run once, as it was last entered: a resumed one is entered again. */
export function latestAccounts(
  records: readonly IncidentRecord[],
): readonly RunAccount[] {
  const accounts = new Map<string, RunAccount>();
  for (const record of records) {
    if (
      (record.type === "task-ended" || record.type === "run-entered") &&
      record.run !== undefined
    ) {
      const { network, run } = record.run;
      accounts.set(`${network} ${run}`, record.run);
    }
  }
  return [...accounts.values()];
}

interface Moment {
  readonly at: string;
  readonly proof: string;
}

function pauseOf({ run, network, pausedAt }: RunAccount): readonly Moment[] {
  return pausedAt === undefined
    ? []
    : [{ at: pausedAt, proof: `${run} on ${network}` }];
}

function recoveryOf({
  run,
  network,
  recoveredAt,
}: RunAccount): readonly Moment[] {
  return recoveredAt === undefined
    ? []
    : [{ at: recoveredAt, proof: `${run} on ${network}` }];
}

function taskRecoveryOf(record: IncidentRecord): readonly Moment[] {
  return record.type === "task-ended" && hasRecovered(record)
    ? [{ at: record.at, proof: record.task }]
    : [];
}

/** What is restored beside the live things is no recovery yet. */
function hasRecovered({ task, exitCode, arguments: args }: TaskEnded): boolean {
  return (
    RECOVERING_TASKS.includes(task) &&
    exitCode === 0 &&
    args.dryRun === undefined &&
    args.into === undefined &&
    (task !== "dr:db:recover" || args.apply !== undefined)
  );
}

function byWhom(
  step: { readonly at: Date; readonly by: string } | undefined,
): { readonly at: Date; readonly proof: string } | undefined {
  return step === undefined ? undefined : { at: step.at, proof: step.by };
}

function firstOf(moments: readonly Moment[]): Moment | undefined {
  return [...moments].sort(byTime)[0];
}

function lastOf(moments: readonly Moment[]): Moment | undefined {
  return [...moments].sort(byTime).at(-1);
}

function byTime(a: Moment, b: Moment): number {
  return Date.parse(a.at) - Date.parse(b.at);
}

/** Entries that are older than what stands before them: somebody's clock is wrong. */
export function backwardSteps(
  records: readonly IncidentRecord[],
): readonly { readonly seq: number; readonly backMs: number }[] {
  return records.flatMap(({ seq, at }, index) => {
    const before = records[index - 1];
    const backMs =
      before === undefined ? 0 : Date.parse(before.at) - Date.parse(at);
    return backMs > 0 ? [{ seq, backMs }] : [];
  });
}
