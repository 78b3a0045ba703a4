import { randomUUID } from "node:crypto";
import { messageOf } from "../../core/errors.js";
import type { IncidentEvent, TaskCall } from "./event.js";
import {
  changeIncident,
  folderOf,
  listDeclared,
  type IncidentPlace,
} from "./incident-journal.js";
import { readAccount, type AccountFor } from "./run-account.js";

/** How a task ended. */
export interface TaskEnd {
  readonly exitCode: number;
  /** Of the error, when it ended with one of ours. */
  readonly code?: string;
  /** The run that it made or went on with. */
  readonly run?: string;
}

/** What entering tasks needs of its surroundings. */
export interface TaskRecorderPorts extends IncidentPlace {
  /** `deployments/<network>`: where the runs' journals are. */
  readonly deployments: string;
  /** Told what kept a task from being entered: the task goes on without. */
  readonly onFailure: (reason: string) => void;
  /** What a task waits at most for its end to be entered. */
  readonly limitMs?: number;
}

/** A task under way. */
export interface TaskRecording {
  /** Enters its end. Never throws, and takes a bounded time. */
  end(end: TaskEnd): Promise<void>;
}

const LIMIT_MS = 3_000;

/**
 * Enters a task into the timeline of every incident that is open, while it goes
 * on: nothing here makes it wait or fail.
 */
export function recordTask(
  ports: TaskRecorderPorts,
  call: TaskCall,
): TaskRecording {
  const id = randomUUID();
  const startedAt = ports.clock.now().toISOString();
  // What keeps it from being entered is told once, at the end.
  const quiet = { ...ports, onFailure: () => undefined };
  const started = enterInOpen(quiet, [], () => ({
    type: "task-started",
    call: id,
    ...call,
  })).catch(() => []);
  return {
    end: async (end) => {
      await withinLimit(ports, async (telling) => {
        const event = await endedEvent(ports, id, startedAt, call, end);
        await enterInOpen(telling, await started, event);
      });
    },
  };
}

/** Never throws. What goes wrong is told, and nothing more once it has taken too long. */
async function withinLimit(
  ports: TaskRecorderPorts,
  work: (telling: TaskRecorderPorts) => Promise<void>,
): Promise<void> {
  const { clock, limitMs = LIMIT_MS, onFailure } = ports;
  const over = new AbortController();
  const telling = {
    ...ports,
    onFailure: (reason: string) => {
      if (!over.signal.aborted) {
        onFailure(reason);
      }
    },
  };
  const late = async (): Promise<void> => {
    await clock.sleep(limitMs, over.signal);
    onFailure(`it takes longer than ${String(limitMs / 1000)} s`);
  };
  try {
    await Promise.race([work(telling), late()]);
  } catch (error) {
    onFailure(messageOf(error));
  } finally {
    over.abort();
  }
}

/**
 * Enters an event into each incident that is open, and into those it has been
 * entered into before: one may have been closed meanwhile.
 *
 * @returns the incidents' ids.
 */
async function enterInOpen(
  ports: TaskRecorderPorts,
  before: readonly string[],
  eventFor: (id: string) => IncidentEvent,
): Promise<readonly string[]> {
  const { incidents, limitMs = LIMIT_MS, onFailure } = ports;
  const found = await listDeclared(incidents);
  const ids = found.flatMap((one) =>
    "incident" in one &&
    (one.incident.closed === undefined || before.includes(one.id))
      ? [one.id]
      : [],
  );
  const ends = await Promise.allSettled(
    ids.map(async (id) =>
      // An end may have to wait for its own start first.
      changeIncident(ports, id, () => [eventFor(id)], limitMs / 4),
    ),
  );
  for (const end of ends) {
    if (end.status === "rejected") {
      onFailure(messageOf(end.reason));
    }
  }
  for (const one of found) {
    if ("error" in one) {
      onFailure(one.error.message);
    }
  }
  return ids;
}

async function endedEvent(
  { incidents, deployments }: TaskRecorderPorts,
  call: string,
  startedAt: string,
  task: TaskCall,
  { exitCode, code, run }: TaskEnd,
): Promise<(id: string) => IncidentEvent> {
  const account =
    run === undefined ? undefined : await accountIfWhole(deployments, run);
  return (id) => ({
    type: "task-ended",
    call,
    ...task,
    startedAt,
    exitCode,
    ...(code === undefined ? {} : { code }),
    ...(account === undefined ? {} : { run: account(folderOf(incidents, id)) }),
  });
}

/** undefined when there is no such journal, or a damaged one: then the task is entered without. */
async function accountIfWhole(
  deployments: string,
  run: string,
): Promise<AccountFor | undefined> {
  try {
    return await readAccount(deployments, run);
  } catch {
    return undefined;
  }
}
