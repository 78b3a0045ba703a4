import { join } from "node:path";

import type { Announcement } from "../../src/core/announcement.js";
import type { Clock } from "../../src/core/clock.js";
import type { Contact } from "../../src/core/contact.js";
import type {
  Opening,
  ResponsePorts,
} from "../../src/incident/declared/respond.js";

export const START = Date.parse("2026-11-20T03:15:00.000Z");
export const MINUTE = 60_000;

export const CONTACTS: readonly Contact[] = [
  { role: "onCallEngineer", name: "Ada", phone: "+1 555 0101" },
  { role: "devopsLead", name: "Edsger", email: "edsger@example.org" },
  { role: "cto", slack: "@grace" },
];

export const OPENING: Opening = {
  title: "Reputation overflow",
  severity: "critical",
  source: "takumi on mainnet",
  toolVersion: "0.1.0",
};

/** A time that goes where it is told to, and on while somebody sleeps. */
export class ManualClock implements Clock {
  time = START;

  now(): Date {
    return new Date(this.time);
  }

  async sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    // A real moment too, so that what it waits for can happen.
    await new Promise((resolve) => setTimeout(resolve, 1));
    signal?.throwIfAborted();
    this.time += milliseconds;
  }
}

/** Responding in a folder, with all that was announced. */
export interface ResponseScene {
  readonly clock: ManualClock;
  readonly ports: ResponsePorts;
  readonly announced: Announcement[];
  readonly unannounced: string[];
}

export function responseScene(
  folder: string,
  changes: Partial<ResponsePorts> = {},
): ResponseScene {
  const clock = new ManualClock();
  const announced: Announcement[] = [];
  const unannounced: string[] = [];
  return {
    clock,
    announced,
    unannounced,
    ports: {
      incidents: join(folder, "docs/incidents"),
      clock,
      contacts: CONTACTS,
      by: "ops@bastion",
      announce: (announcement) => {
        announced.push(announcement);
        return Promise.resolve(true);
      },
      afterwards: async (work) => {
        await work;
      },
      onUnannounced: (reason) => {
        unannounced.push(reason);
      },
      ...changes,
    },
  };
}
