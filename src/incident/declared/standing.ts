import {
  isPastResponse,
  isUnanswered,
  presentOf,
  type DeclaredIncident,
} from "./declared-incident.js";
import type { PostMortem } from "./post-mortem.js";
import type { Responder } from "./response.js";

/** An incident as it stands at a moment. */
export interface IncidentStanding {
  readonly incident: DeclaredIncident;
  readonly state: "unacknowledged" | "acknowledged" | "closed";
  /** Nobody acknowledged it in time, or its post-mortem is overdue. */
  readonly isLate: boolean;
  /** Those who are called or may be, while nobody has acknowledged it. */
  readonly responders: readonly RespondersTurn[];
  /** Of a closed one. */
  readonly postMortem?: PostMortem;
  /** How far the clock is behind the newest entry: deadlines are reckoned from the entry then. */
  readonly clockBehindMs: number;
}

export interface RespondersTurn extends Responder {
  /** Until it must be acknowledged; negative when that is over. */
  readonly leftMs: number;
  readonly turn: "missed" | "now" | "later";
}

export function standingOf(
  incident: DeclaredIncident,
  now: Date,
  postMortem?: PostMortem,
): IncidentStanding {
  const present = presentOf(incident, now);
  return {
    incident,
    state:
      incident.closed !== undefined
        ? "closed"
        : incident.acknowledged !== undefined
          ? "acknowledged"
          : "unacknowledged",
    isLate: isPastResponse(incident, now) || postMortem?.status === "overdue",
    responders: isUnanswered(incident) ? turnsOf(incident, present) : [],
    ...(postMortem === undefined ? {} : { postMortem }),
    clockBehindMs: present.getTime() - now.getTime(),
  };
}

function turnsOf(
  { responders, level }: DeclaredIncident,
  present: Date,
): readonly RespondersTurn[] {
  return responders.map((responder, index) => ({
    ...responder,
    leftMs: responder.respondBy.getTime() - present.getTime(),
    turn: index < level ? "missed" : index === level ? "now" : "later",
  }));
}
