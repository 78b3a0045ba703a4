import type { Role } from "../../core/contact.js";
import type { Severity } from "../../core/severity.js";
import type { Chained } from "../../run/journal.js";
import type { RunAccount } from "./run-account.js";

/** What happened in an incident, in the order it was entered. The first says what it is. */
export type IncidentEvent =
  | {
      readonly type: "opened";
      readonly incident: string;
      readonly title: string;
      readonly severity: Severity;
      /** Where it happened: `takumi on mainnet`. */
      readonly source: string;
      /** `user@host`, here and below. */
      readonly by: string;
      readonly toolVersion: string;
      /** Who is to acknowledge it: the first in time, else the next. */
      readonly escalation: readonly Role[];
      readonly impact?: string;
      /** When the first sign was seen: ISO 8601, UTC. */
      readonly detectedAt?: string;
      /** What it was, and who saw it. */
      readonly detection?: string;
    }
  | { readonly type: "noted"; readonly by: string; readonly text: string }
  | { readonly type: "acknowledged"; readonly by: string }
  | {
      readonly type: "escalated";
      /** Of {@link IncidentEvent}'s `escalation`, from 1: the first is told by opening. */
      readonly level: number;
      readonly role: Role;
      /** The moment by which the one before should have acknowledged: ISO 8601, UTC. */
      readonly missed: string;
    }
  /** People were told of an event. */
  | {
      readonly type: "announced";
      readonly what: News;
      /** `seq` of its record. */
      readonly of: number;
    }
  /** A task began: all that is left of it where its process is killed. */
  | ({ readonly type: "task-started"; readonly call: string } & TaskCall)
  | ({
      readonly type: "task-ended";
      readonly call: string;
      /** ISO 8601, UTC. */
      readonly startedAt: string;
      readonly exitCode: number;
      /** Of the error, when it ended with one of ours. */
      readonly code?: string;
      readonly run?: RunAccount;
    } & TaskCall)
  /** A run from before it was opened, or of another machine. */
  | {
      readonly type: "run-entered";
      readonly by: string;
      readonly run: RunAccount;
    }
  | {
      readonly type: "closed";
      readonly by: string;
      readonly resolution?: string;
      /** ISO 8601, UTC. */
      readonly postMortemDueAt: string;
    };

/** What people are told of. */
export type News = (typeof NEWS)[number];

export const NEWS = ["opened", "acknowledged", "escalated", "closed"] as const;

/** A task as it was called; `call` is the same at its start and at its end, and at no other's. */
export interface TaskCall {
  /** `dr:pause` */
  readonly task: string;
  /** By name; without secrets. */
  readonly arguments: Readonly<Record<string, string>>;
  readonly network: string;
  readonly by: string;
}

export type IncidentRecord = Chained<IncidentEvent>;
