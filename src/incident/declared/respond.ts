import { ROLES, type Contact } from "../../core/contact.js";
import { DrError, messageOf } from "../../core/errors.js";
import type { Severity } from "../../core/severity.js";
import {
  announcementOf,
  isUntold,
  newsOf,
  type Announce,
} from "./announcements.js";
import {
  dueEscalations,
  presentOf,
  type DeclaredIncident,
} from "./declared-incident.js";
import {
  changeIncident,
  createIncident,
  draftIncident,
  folderOf,
  listDeclared,
  readDeclared,
  type ChangedIncident,
  type IncidentPlace,
  type OpeningRecord,
} from "./incident-journal.js";
import { POST_MORTEM_MS } from "./response.js";
import type { AccountFor } from "./run-account.js";

/** What responding to incidents needs of its surroundings. */
export interface ResponsePorts extends IncidentPlace {
  /** undefined where no channel is configured. */
  readonly announce: Announce | undefined;
  /** What needn't be waited for: channels are slow, and people are called meanwhile. */
  readonly afterwards: (work: Promise<void>) => Promise<void> | void;
  /** Told what kept an announcement from being made: an incident goes on without. */
  readonly onUnannounced: (reason: string) => void;
  readonly contacts: readonly Contact[];
  /** `user@host` */
  readonly by: string;
}

/** What is known when an incident is opened. */
export interface Opening {
  readonly title: string;
  readonly severity: Severity;
  /** Where it happened: `takumi on mainnet`. */
  readonly source: string;
  readonly toolVersion: string;
  readonly impact?: string;
  readonly detectedAt?: Date;
  readonly detection?: string;
}

/**
 * Opens an incident and announces it.
 *
 * @throws {DrError} NOT_WRITABLE, JOURNAL_NOT_WRITTEN.
 */
export async function openIncident(
  ports: ResponsePorts,
  opening: Opening,
): Promise<DeclaredIncident> {
  return await announce(
    ports,
    await createIncident(ports, openedBy(ports, opening)),
  );
}

/** The same incident as it would be; nothing is written, and nobody told. */
export function planOpening(
  ports: ResponsePorts,
  opening: Opening,
): DeclaredIncident {
  return draftIncident(ports.clock, openedBy(ports, opening));
}

function openedBy(
  { contacts, by }: ResponsePorts,
  { detectedAt, ...opening }: Opening,
): OpeningRecord {
  const reachable = ROLES.filter((role) =>
    contacts.some((contact) => contact.role === role),
  );
  return {
    ...opening,
    by,
    // Where nobody is configured, the roles still say who should be called.
    escalation: reachable.length > 0 ? reachable : ROLES,
    ...(detectedAt === undefined
      ? {}
      : { detectedAt: detectedAt.toISOString() }),
  };
}

/**
 * Enters what somebody has seen, found or decided; of a closed incident too.
 *
 * @param account - Of a run that belongs to it and wasn't entered by itself: it
 * paused the contracts before anybody opened an incident.
 * @throws {DrError} as {@link changeIncident} does.
 */
export async function noteIncident(
  ports: ResponsePorts,
  id: string,
  text: string,
  account?: AccountFor,
): Promise<DeclaredIncident> {
  const { by, incidents } = ports;
  const { incident } = await changeIncident(ports, id, () => [
    { type: "noted", by, text },
    ...(account === undefined
      ? []
      : [
          {
            type: "run-entered" as const,
            by,
            run: account(folderOf(incidents, id)),
          },
        ]),
  ]);
  return incident;
}

/**
 * Somebody is at it: nobody else is called. The second to say so changes nothing.
 *
 * @throws {DrError} INCIDENT_CLOSED, and as {@link changeIncident} does.
 */
export async function acknowledgeIncident(
  ports: ResponsePorts,
  id: string,
): Promise<{ readonly incident: DeclaredIncident; readonly already: boolean }> {
  const { incident, entered } = await changeIncident(ports, id, (found) => {
    requireOpen(found);
    return found.acknowledged === undefined
      ? [{ type: "acknowledged", by: ports.by }]
      : [];
  });
  return entered === 0
    ? { incident, already: true }
    : { incident: await announce(ports, incident), already: false };
}

/**
 * Closes an incident: runs are no longer entered, and its post-mortem is due.
 *
 * @throws {DrError} INCIDENT_CLOSED, and as {@link changeIncident} does.
 */
export async function closeIncident(
  ports: ResponsePorts,
  id: string,
  resolution?: string,
): Promise<DeclaredIncident> {
  const { by, clock } = ports;
  const { incident } = await changeIncident(ports, id, (found) => {
    requireOpen(found);
    const present = presentOf(found, clock.now());
    return [
      {
        type: "closed",
        by,
        ...(resolution === undefined ? {} : { resolution }),
        postMortemDueAt: new Date(
          present.getTime() + POST_MORTEM_MS,
        ).toISOString(),
      },
    ];
  });
  return await announce(ports, incident);
}

/**
 * Sees to every incident as whoever looks at one does. What nobody has
 * acknowledged in time is escalated: entered once, whoever looks, and announced
 * by the one who entered it. What people were never told is announced again.
 *
 * @returns those that were escalated now.
 * @throws {DrError} as {@link changeIncident} does.
 */
export async function lookAfterIncidents(
  ports: ResponsePorts,
): Promise<readonly DeclaredIncident[]> {
  const { incidents, clock } = ports;
  const escalated: DeclaredIncident[] = [];
  for (const found of await listDeclared(incidents)) {
    if ("error" in found) {
      continue;
    }
    const { incident, entered } = await escalate(ports, found.incident);
    if (entered > 0 || isUntold(incident, clock.now())) {
      await announce(ports, incident);
    }
    if (entered > 0) {
      escalated.push(incident);
    }
  }
  return escalated;
}

async function escalate(
  ports: ResponsePorts,
  incident: DeclaredIncident,
): Promise<ChangedIncident> {
  const due = (current: DeclaredIncident) =>
    dueEscalations(current, ports.clock.now());
  return due(incident).length === 0
    ? { incident, entered: 0 }
    : await changeIncident(ports, incident.id, due);
}

/**
 * The incident that is meant: the one named, or the only open one.
 *
 * @throws {DrError} INCIDENT_UNKNOWN, NO_OPEN_INCIDENT, INCIDENT_AMBIGUOUS,
 * INCIDENT_TAMPERED, INCIDENT_UNREADABLE.
 */
export async function chooseIncident(
  incidents: string,
  wanted: string | undefined,
): Promise<DeclaredIncident> {
  if (wanted !== undefined) {
    return await readDeclared(incidents, wanted);
  }
  const [only, ...others] = await openIncidents(incidents);
  if (only === undefined) {
    throw new DrError("NO_OPEN_INCIDENT", { folder: incidents });
  }
  if (others.length > 0) {
    throw new DrError("INCIDENT_AMBIGUOUS", {
      incidents: [only, ...others].map(({ id }) => id).join(", "),
    });
  }
  return only;
}

/**
 * All that are open, the newest first. A damaged one may be open as well, so
 * nobody may take another for the only one.
 *
 * @throws {DrError} INCIDENT_TAMPERED, INCIDENT_UNREADABLE.
 */
export async function openIncidents(
  incidents: string,
): Promise<readonly DeclaredIncident[]> {
  return (await listDeclared(incidents)).flatMap((found) => {
    if ("error" in found) {
      throw found.error;
    }
    return found.incident.closed === undefined ? [found.incident] : [];
  });
}

/** @throws {DrError} INCIDENT_CLOSED. */
export function requireOpen({ id, closed }: DeclaredIncident): void {
  if (closed !== undefined) {
    throw new DrError("INCIDENT_CLOSED", {
      incident: id,
      at: closed.at.toISOString(),
      by: closed.by,
    });
  }
}

/** Tells people of the newest. What was entered stands, whether it can be announced or not. */
async function announce(
  ports: ResponsePorts,
  incident: DeclaredIncident,
): Promise<DeclaredIncident> {
  if (ports.announce !== undefined) {
    await ports.afterwards(tell(ports, ports.announce, incident));
  }
  return incident;
}

/**
 * Enters that people were told: where that is missing, whoever looks next tells
 * them. Never throws.
 */
async function tell(
  ports: ResponsePorts,
  announceBy: Announce,
  incident: DeclaredIncident,
): Promise<void> {
  const { onUnannounced, contacts, clock } = ports;
  try {
    const news = announcementOf(incident, contacts, clock.now());
    if (await announceBy(news)) {
      const { type: what, seq } = newsOf(incident);
      await changeIncident(ports, incident.id, () => [
        { type: "announced", what, of: seq },
      ]);
    }
  } catch (error) {
    onUnannounced(messageOf(error));
  }
}
