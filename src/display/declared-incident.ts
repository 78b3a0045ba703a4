import Table from "cli-table3";

import type { Json } from "../core/canonical-json.js";
import { CHANNELS, ROLE_TITLES, type Contact } from "../core/contact.js";
import type { DrError } from "../core/errors.js";
import { formatDuration } from "../core/duration.js";
import type {
  IncidentStanding,
  RespondersTurn,
} from "../incident/declared/standing.js";
import { errorToJson } from "./error.js";
import { countEntries, printable, type Paint } from "./text.js";

/** An incident's journal that can't be read. */
export interface DamagedIncident {
  readonly id: string;
  readonly error: DrError;
}

/** What stands on the screen while somebody decides whom to call. */
export function formatStanding(
  standing: IncidentStanding,
  contacts: readonly Contact[],
  paint: Paint,
): string {
  const { incident, responders, clockBehindMs } = standing;
  const { id, title, severity, closed } = incident;
  return [
    `${paint("bold", id)}  ${paint(severity === "critical" ? "red" : "yellow", severity)}  ${printable(title)}`,
    formatState(standing, paint),
    ...(responders.length === 0
      ? []
      : [formatResponders(responders, contacts, paint)]),
    ...(closed === undefined ? [] : [formatPostMortem(standing, paint)]),
    ...(clockBehindMs > 0
      ? [
          paint(
            "yellow",
            `This machine's clock is ${formatMs(clockBehindMs)} behind the newest entry; deadlines are reckoned from that entry.`,
          ),
        ]
      : []),
    ...(incident.records.length === 0 ? [] : [formatHead(standing)]),
    "",
  ].join("\n");
}

function formatState(
  { incident, state }: IncidentStanding,
  paint: Paint,
): string {
  const { openedAt, openedBy, acknowledged, closed } = incident;
  const opened = `Opened ${formatTime(openedAt)} by ${openedBy}`;
  switch (state) {
    case "unacknowledged":
      return `${opened}; ${paint("red", "not acknowledged")}: npx hardhat dr:incident:ack`;
    case "acknowledged":
      return `${opened}; ${paint("green", "acknowledged")} by ${acknowledged?.by ?? ""}`;
    case "closed":
      return `${opened}; closed by ${closed?.by ?? ""}`;
  }
}

const TURNS: Readonly<Record<RespondersTurn["turn"], string>> = {
  missed: "not in time",
  now: "call now",
  later: "",
};

function formatResponders(
  responders: readonly RespondersTurn[],
  contacts: readonly Contact[],
  paint: Paint,
): string {
  const table = new Table({
    head: ["", "who", "how to reach", "to acknowledge by", ""],
    style: { head: [], border: [] },
  });
  for (const [index, responder] of responders.entries()) {
    const { role, respondBy, leftMs, turn } = responder;
    const contact = contacts.find((one) => one.role === role);
    table.push([
      String(index + 1),
      [
        ROLE_TITLES[role],
        ...(contact?.name === undefined ? [] : [contact.name]),
      ]
        .map(printable)
        .join("\n"),
      contact === undefined
        ? paint("yellow", "not in dr.contacts")
        : reachOf(contact).map(printable).join("\n"),
      `${formatTime(respondBy)}\n${formatLeft(leftMs)}`,
      paint(turn === "now" ? "bold" : "dim", TURNS[turn]),
    ]);
  }
  return table.toString();
}

/** `phone +1 555 0100`, the fastest first. */
function reachOf(contact: Contact): readonly string[] {
  return CHANNELS.flatMap((channel) => {
    const value = contact[channel];
    return value === undefined ? [] : [`${channel} ${value}`];
  });
}

function formatPostMortem({ postMortem }: IncidentStanding, paint: Paint) {
  if (postMortem === undefined) {
    return "";
  }
  const { status, dueAt, left } = postMortem;
  switch (status) {
    case "done":
      return paint("green", "Post-mortem done");
    case "due":
      return `Post-mortem due by ${formatTime(dueAt)}; left: ${left.map(printable).join(", ")}`;
    case "overdue":
      return paint(
        "red",
        `Post-mortem overdue since ${formatTime(dueAt)}; left: ${left.map(printable).join(", ")}`,
      );
  }
}

/** Whoever keeps the head can tell later whether entries were taken away. */
function formatHead({ incident: { records, head } }: IncidentStanding): string {
  return `Journal: ${countEntries(records.length)}, chain intact, head ${head}`;
}

/** What is late comes first. */
export function formatIncidentList(
  standings: readonly IncidentStanding[],
  damaged: readonly DamagedIncident[],
  contacts: readonly Contact[],
  folder: string,
  paint: Paint,
): string {
  if (standings.length + damaged.length === 0) {
    return `Nothing is open in ${folder}, and no post-mortem is due.\n`;
  }
  return [
    ...damaged.map(
      ({ id, error }) => `${paint("red", id)}  ${printable(error.message)}\n`,
    ),
    ...[...standings]
      .sort((a, b) => Number(b.isLate) - Number(a.isLate))
      .map((standing) => formatStanding(standing, contacts, paint)),
  ].join("\n");
}

/** For `--json`. How to reach people is in it, as on the screen. */
export function standingToJson(
  standing: IncidentStanding,
  contacts: readonly Contact[],
): Readonly<Record<string, Json>> {
  const { incident, state, isLate, responders, postMortem } = standing;
  const { id, title, severity, openedAt, openedBy, records, head } = incident;
  const { acknowledged, closed } = incident;
  return {
    incident: id,
    title,
    severity,
    state,
    late: isLate,
    openedAt: openedAt.toISOString(),
    openedBy,
    acknowledged: whenAndWho(acknowledged),
    closed: whenAndWho(closed),
    escalation: responders.map(({ role, respondBy, leftMs, turn }) => ({
      ...contacts.find((one) => one.role === role),
      role,
      respondBy: respondBy.toISOString(),
      leftSeconds: Math.round(leftMs / 1000),
      turn,
    })),
    postMortem:
      postMortem === undefined
        ? null
        : {
            status: postMortem.status,
            dueAt: postMortem.dueAt.toISOString(),
            left: postMortem.left,
          },
    entries: records.length,
    head,
  };
}

export function damagedToJson({
  id,
  error,
}: DamagedIncident): Readonly<Record<string, Json>> {
  return { incident: id, error: errorToJson(error) };
}

function whenAndWho(
  step: { readonly at: Date; readonly by: string } | undefined,
): Json {
  return step === undefined ? null : { at: step.at.toISOString(), by: step.by };
}

function formatLeft(leftMs: number): string {
  return leftMs >= 0 ? `in ${formatMs(leftMs)}` : `${formatMs(-leftMs)} ago`;
}

function formatMs(milliseconds: number): string {
  return formatDuration(BigInt(Math.round(milliseconds / 1000)));
}

/** `2026-11-20 03:15:00 UTC` */
function formatTime(time: Date): string {
  const iso = time.toISOString();
  return `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC`;
}
