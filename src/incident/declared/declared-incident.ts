import type { Severity } from "../../core/severity.js";
import type { IncidentEvent, IncidentRecord } from "./event.js";
import { respondersOf, type Responder } from "./response.js";

type Entered<T extends IncidentEvent["type"]> = Extract<
  IncidentRecord,
  { readonly type: T }
>;

/** An incident that somebody has opened, as its journal tells it. */
export interface DeclaredIncident {
  readonly id: string;
  readonly title: string;
  readonly severity: Severity;
  readonly source: string;
  readonly openedAt: Date;
  readonly openedBy: string;
  readonly impact?: string;
  readonly detectedAt?: Date;
  readonly detection?: string;
  /** In the order of escalation. */
  readonly responders: readonly Responder[];
  /** How far it has been escalated: an index into `responders`. */
  readonly level: number;
  readonly acknowledged?: { readonly at: Date; readonly by: string };
  readonly closed?: {
    readonly at: Date;
    readonly by: string;
    readonly resolution?: string;
    readonly postMortemDueAt: Date;
  };
  readonly records: readonly IncidentRecord[];
  /** `hash` of the last record: who has kept it can tell whether any was taken away. */
  readonly head: string;
}

/** @returns undefined when the first record isn't an opening. */
export function describeDeclared(
  records: readonly IncidentRecord[],
): DeclaredIncident | undefined {
  const [first] = records;
  if (first?.type !== "opened") {
    return undefined;
  }
  const { incident: id, title, severity, source, by, escalation } = first;
  const openedAt = new Date(first.at);
  const acknowledged = find(records, "acknowledged");
  const closed = find(records, "closed");
  return {
    id,
    title,
    severity,
    source,
    openedAt,
    openedBy: by,
    ...(first.impact === undefined ? {} : { impact: first.impact }),
    ...(first.detectedAt === undefined
      ? {}
      : { detectedAt: new Date(first.detectedAt) }),
    ...(first.detection === undefined ? {} : { detection: first.detection }),
    responders: respondersOf(severity, openedAt, escalation),
    level: records.reduce(
      (level, record) =>
        record.type === "escalated" ? Math.max(level, record.level) : level,
      0,
    ),
    ...(acknowledged === undefined
      ? {}
      : {
          acknowledged: {
            at: new Date(acknowledged.at),
            by: acknowledged.by,
          },
        }),
    ...(closed === undefined ? {} : { closed: describeEnd(closed) }),
    records,
    head: records.at(-1)?.hash ?? "",
  };
}

function describeEnd({
  at,
  by,
  resolution,
  postMortemDueAt,
}: Entered<"closed">): NonNullable<DeclaredIncident["closed"]> {
  return {
    at: new Date(at),
    by,
    ...(resolution === undefined ? {} : { resolution }),
    postMortemDueAt: new Date(postMortemDueAt),
  };
}

function find<T extends IncidentEvent["type"]>(
  records: readonly IncidentRecord[],
  type: T,
): Entered<T> | undefined {
  return records.find((record): record is Entered<T> => record.type === type);
}

/** Where time stands for an incident: never before its last record, wherever the clock has gone. */
export function presentOf(
  { records }: Pick<DeclaredIncident, "records">,
  now: Date,
): Date {
  const entered = records.map(({ at }) => Date.parse(at));
  return new Date(Math.max(now.getTime(), ...entered));
}

/** Whether somebody still has to acknowledge it. */
export function isUnanswered({
  acknowledged,
  closed,
}: DeclaredIncident): boolean {
  return acknowledged === undefined && closed === undefined;
}

/** Those who must be told now, since nobody before them has acknowledged it in time. */
export function dueEscalations(
  incident: DeclaredIncident,
  now: Date,
): readonly Extract<IncidentEvent, { type: "escalated" }>[] {
  if (!isUnanswered(incident)) {
    return [];
  }
  const { responders, level: reached } = incident;
  const present = presentOf(incident, now);
  return responders.flatMap(({ role }, level) => {
    const before = responders[level - 1]?.respondBy;
    return level > reached && before !== undefined && before <= present
      ? [
          {
            type: "escalated" as const,
            level,
            role,
            missed: before.toISOString(),
          },
        ]
      : [];
  });
}

/** Nobody has acknowledged it by the first deadline. */
export function isPastResponse(incident: DeclaredIncident, now: Date): boolean {
  const [first] = incident.responders;
  return (
    isUnanswered(incident) &&
    first !== undefined &&
    first.respondBy <= presentOf(incident, now)
  );
}

/** Whose turn it is to acknowledge it. */
export function currentResponder({
  responders,
  level,
}: DeclaredIncident): Responder | undefined {
  return responders[level];
}
