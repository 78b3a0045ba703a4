import type { DrConfig } from "../config/types.js";
import type { Clock } from "../core/clock.js";
import type { CreateSimulation } from "../rehearsal/fork.js";
import type { SessionSource } from "../session/open-session.js";
import type { DrilledTask } from "./copies.js";

/** What a drill is given of the world. */
export interface DrillPorts {
  /** The network that the contracts live on, and the project. */
  readonly source: SessionSource;
  readonly createSimulation: CreateSimulation;
  readonly tasks: RecoveryTasks;
  /** For what is told of times of day. It may be set while the drill lasts. */
  readonly clock: Clock;
  /** Milliseconds of a clock that nobody sets: `performance.now`. */
  readonly monotonicMs: () => number;
  readonly toolVersion: string;
  /** Of the project, as git has it. */
  readonly commit: string | null;
  readonly signal: AbortSignal;
  /** How it goes, a line each, for people and for the log. */
  readonly progress: (line: string) => void;
}

/** Where a task works instead of on what is real. */
export interface TaskPlace {
  readonly config: DrConfig;
  /** The project's folder, absolute. */
  readonly root: string;
  /** Hardhat's, absolute. */
  readonly artifacts: string;
  /** Where files are restored into, absolute, wherever they come from. */
  readonly files: string;
  /** What it says, a line each. */
  readonly progress: (line: string) => void;
}

/** The tasks of an incident, their own code, on other data. */
export interface RecoveryTasks {
  /** @returns its exit code. @throws what it fails with. */
  run(task: DrilledTask, place: TaskPlace): Promise<number>;
}
