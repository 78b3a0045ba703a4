import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { once } from "node:events";

import { expect } from "chai";

import type { Announcement } from "../../src/core/announcement.js";
import { DrError } from "../../src/core/errors.js";
import type { Severity } from "../../src/core/severity.js";
import {
  isPastResponse,
  type DeclaredIncident,
} from "../../src/incident/declared/declared-incident.js";
import {
  changeIncident,
  listDeclared,
  readDeclared,
} from "../../src/incident/declared/incident-journal.js";
import {
  acknowledgeIncident,
  chooseIncident,
  closeIncident,
  lookAfterIncidents,
  noteIncident,
  openIncident,
} from "../../src/incident/declared/respond.js";
import { respondersOf } from "../../src/incident/declared/response.js";
import { standingOf } from "../../src/incident/declared/standing.js";
import { acquireLock } from "../../src/run/lock.js";
import { codeOf, refusalOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { runKilled, startWorker } from "../helpers/killed-worker.js";
import { MINUTE, OPENING, responseScene, START } from "./response-scene.js";

const WORKER = join(import.meta.dirname, "incident-worker.ts");

describe("response times", () => {
  const deadlines = (severity: Severity, from: string): readonly string[] =>
    respondersOf(severity, new Date(from), ["onCallEngineer", "cto"]).map(
      ({ respondBy }) => respondBy.toISOString(),
    );

  it("are the platform's, for everybody in turn", () => {
    const from = "2026-11-20T03:15:00.000Z";
    expect(deadlines("critical", from)).to.deep.equal([
      "2026-11-20T03:30:00.000Z",
      "2026-11-20T03:45:00.000Z",
    ]);
    expect(deadlines("high", from)).to.deep.equal([
      "2026-11-20T04:15:00.000Z",
      "2026-11-20T05:15:00.000Z",
    ]);
    expect(deadlines("medium", from)).to.deep.equal([
      "2026-11-20T07:15:00.000Z",
      "2026-11-20T11:15:00.000Z",
    ]);
  });

  it("end with the next business day where it is low, over weekends and months", () => {
    for (const [from, until] of [
      ["2026-11-18T12:00:00.000Z", "2026-11-20T00:00:00.000Z"],
      ["2026-11-19T23:59:59.999Z", "2026-11-21T00:00:00.000Z"],
      ["2026-11-20T00:00:00.000Z", "2026-11-24T00:00:00.000Z"],
      ["2026-11-21T12:00:00.000Z", "2026-11-24T00:00:00.000Z"],
      ["2026-11-22T12:00:00.000Z", "2026-11-24T00:00:00.000Z"],
      ["2027-12-31T12:00:00.000Z", "2028-01-04T00:00:00.000Z"],
    ] as const) {
      expect(deadlines("low", from)[0], from).to.equal(until);
    }
  });
});

describe("an open incident", () => {
  const folder = useTemporaryFolder();

  /** What was entered, besides that people were told of it. */
  const types = ({ records }: DeclaredIncident): readonly string[] =>
    records.map(({ type }) => type).filter((type) => type !== "announced");

  it("is announced from its opening to its end under one key", async () => {
    const { ports, announced, clock } = responseScene(folder.path);
    const { id } = await openIncident(ports, OPENING);
    await noteIncident(ports, id, "It is the upgrade");
    clock.time += 16 * MINUTE;
    await lookAfterIncidents(ports);
    await acknowledgeIncident(ports, id);
    await acknowledgeIncident(ports, id);
    await closeIncident(ports, id, "Rolled back");
    expect(announced.map(({ action }) => action)).to.deep.equal([
      "trigger",
      "trigger",
      "acknowledge",
      "resolve",
    ]);
    expect(new Set(announced.map(({ key }) => key))).to.deep.equal(
      new Set([id]),
    );
    for (const announcement of announced) {
      expect(announcement).to.include({
        severity: "critical",
        source: "takumi on mainnet",
      });
      expect(announcement.title).to.not.include("\n");
      // Whoever reads a channel needn't be told somebody's number.
      expect(JSON.stringify(announcement)).to.not.match(/555|example/);
    }
    expect(announced[0]!.text).to.include("on-call engineer Ada");
    expect(announced[1]!.title).to.include("DevOps lead Edsger");
    expect(announced[3]!.text).to.include("2026-11-21 03:31 UTC");
  });

  it("is escalated to the next, once, whoever looks", async () => {
    const { ports, announced, clock } = responseScene(folder.path);
    const { id } = await openIncident(ports, OPENING);
    clock.time = START + 15 * MINUTE - 1;
    expect(await lookAfterIncidents(ports)).to.deep.equal([]);
    clock.time = START + 15 * MINUTE;
    const both = await Promise.all([
      lookAfterIncidents(ports),
      lookAfterIncidents(ports),
    ]);
    expect(both.flat()).to.have.length(1);
    expect(await lookAfterIncidents(ports)).to.deep.equal([]);
    expect(announced).to.have.length(2);
    const incident = await readDeclared(ports.incidents, id);
    expect(types(incident)).to.deep.equal(["opened", "escalated"]);
    expect(
      incident.records.find(({ type }) => type === "escalated"),
    ).to.include({
      level: 1,
      role: "devopsLead",
      missed: "2026-11-20T03:30:00.000Z",
    });
  });

  it("is escalated past all who were missed while nobody looked, and no further than the last", async () => {
    const { ports, announced, clock } = responseScene(folder.path);
    const { id } = await openIncident(ports, OPENING);
    clock.time += 300 * MINUTE;
    await lookAfterIncidents(ports);
    const incident = await readDeclared(ports.incidents, id);
    expect(types(incident)).to.deep.equal(["opened", "escalated", "escalated"]);
    expect(announced).to.have.length(2);
    expect(announced[1]!.title).to.include("CTO, please");
    clock.time += 300 * MINUTE;
    expect(await lookAfterIncidents(ports)).to.deep.equal([]);
    expect(isPastResponse(incident, clock.now())).to.equal(true);
  });

  it("isn't escalated once somebody is at it, or it is closed", async () => {
    const { ports, clock } = responseScene(folder.path);
    const first = await openIncident(ports, OPENING);
    const second = await openIncident(ports, OPENING);
    await acknowledgeIncident(ports, first.id);
    await closeIncident(ports, second.id);
    clock.time += 300 * MINUTE;
    expect(await lookAfterIncidents(ports)).to.deep.equal([]);
    expect(
      await codeOf(async () => await acknowledgeIncident(ports, second.id)),
    ).to.equal("INCIDENT_CLOSED");
    expect(
      await codeOf(async () => await closeIncident(ports, second.id)),
    ).to.equal("INCIDENT_CLOSED");
  });

  it("goes on where nothing can be announced", async () => {
    const { ports, unannounced } = responseScene(folder.path, {
      announce: () =>
        Promise.reject(new DrError("NOT_CONFIRMED", {}, { cause: "dead" })),
    });
    const { id } = await openIncident(ports, OPENING);
    await acknowledgeIncident(ports, id);
    await closeIncident(ports, id);
    expect(unannounced).to.have.length(3);
    const incident = await readDeclared(ports.incidents, id);
    expect(types(incident)).to.deep.equal(["opened", "acknowledged", "closed"]);
  });

  it("is announced by whoever looks next where its announcer died, or no channel took it", async () => {
    let isDead = true;
    const answers: boolean[] = [];
    const scene = responseScene(folder.path);
    const { clock, announced } = scene;
    const ports = {
      ...scene.ports,
      announce: async (announcement: Announcement) => {
        if (isDead) {
          throw new DrError("NOT_CONFIRMED", {});
        }
        await scene.ports.announce!(announcement);
        return answers.shift() ?? true;
      },
    };
    const { id } = await openIncident(ports, OPENING);
    isDead = false;
    clock.time += MINUTE - 1;
    // Whoever opened it may be at it still.
    await lookAfterIncidents(ports);
    expect(announced).to.deep.equal([]);
    clock.time += 1;
    answers.push(false, true);
    // Nobody is reached at first.
    await lookAfterIncidents(ports);
    await lookAfterIncidents(ports);
    await lookAfterIncidents(ports);
    expect(announced.map(({ action }) => action)).to.deep.equal([
      "trigger",
      "trigger",
    ]);
    isDead = true;
    await closeIncident(ports, id);
    isDead = false;
    clock.time += MINUTE;
    await lookAfterIncidents(ports);
    await lookAfterIncidents(ports);
    expect(announced.map(({ action }) => action)).to.deep.equal([
      "trigger",
      "trigger",
      "resolve",
    ]);
  });

  it("isn't announced where there is no channel, nor when it is long over", async () => {
    const scene = responseScene(folder.path, { announce: undefined });
    const { ports, clock } = scene;
    const { id } = await openIncident(ports, OPENING);
    const closed = await closeIncident(ports, id);
    expect(closed.records.map(({ type }) => type)).to.deep.equal([
      "opened",
      "closed",
    ]);
    clock.time += 25 * 60 * MINUTE;
    const { announce } = responseScene(folder.path).ports;
    await lookAfterIncidents({ ...ports, announce });
    const { records } = await readDeclared(ports.incidents, id);
    expect(records).to.have.length(2);
  });

  it("takes a clock that goes back for what it is", async () => {
    const { ports, clock } = responseScene(folder.path);
    const { id } = await openIncident(ports, OPENING);
    clock.time += 14 * MINUTE;
    await noteIncident(ports, id, "still there");
    clock.time = START - 600 * MINUTE;
    const incident = await noteIncident(ports, id, "what time is it?");
    const standing = standingOf(incident, clock.now());
    // It was 03:29 already, whatever the clock says now.
    expect(standing.responders[0]!.leftMs).to.equal(MINUTE);
    expect(standing.clockBehindMs).to.equal(614 * MINUTE);
    expect(await lookAfterIncidents(ports)).to.deep.equal([]);
    const closed = await closeIncident(ports, id);
    expect(closed.closed!.postMortemDueAt.toISOString()).to.equal(
      "2026-11-21T03:29:00.000Z",
    );
  });

  it("is the one that is meant where it is the only one", async () => {
    const { ports } = responseScene(folder.path);
    const { incidents } = ports;
    const choose = async (wanted?: string): Promise<string> =>
      await codeOf(async () => await chooseIncident(incidents, wanted));
    expect(await choose()).to.equal("NO_OPEN_INCIDENT");
    const { id } = await openIncident(ports, OPENING);
    expect((await chooseIncident(incidents, undefined)).id).to.equal(id);
    const other = await openIncident(ports, OPENING);
    expect(await choose()).to.equal("INCIDENT_AMBIGUOUS");
    await closeIncident(ports, other.id);
    expect((await chooseIncident(incidents, undefined)).id).to.equal(id);
    expect((await chooseIncident(incidents, other.id)).id).to.equal(other.id);
    expect(await choose("INC-20260101-000000-0000")).to.equal(
      "INCIDENT_UNKNOWN",
    );
    expect(await choose(`../incidents/${id}`)).to.equal("INCIDENT_UNKNOWN");
  });
});

describe("an incident's journal", () => {
  const folder = useTemporaryFolder();

  it("survives a kill in the middle of an append, and the lock that it leaves", async () => {
    const { ports } = responseScene(folder.path, { announce: undefined });
    const { id } = await openIncident(ports, OPENING);
    const path = join(ports.incidents, id, "journal.ndjson");
    const before = await readFile(path, "utf8");
    await runKilled(WORKER, ["torn", ports.incidents, id]);
    expect(await readFile(path, "utf8")).to.not.equal(before);
    expect((await readDeclared(ports.incidents, id)).records).to.have.length(1);
    const incident = await noteIncident(ports, id, "after it");
    expect(incident.records).to.have.length(2);
    expect(incident.records[1]!.prev).to.equal(incident.records[0]!.hash);
    expect((await readFile(path, "utf8")).startsWith(before)).to.equal(true);
  });

  it("keeps every entry of several who write at once", async () => {
    const { ports } = responseScene(folder.path, { announce: undefined });
    const { id } = await openIncident(ports, OPENING);
    const args = ["notes", ports.incidents, id, "10"];
    const workers = ["ada", "grace"].map((by) =>
      startWorker(WORKER, [...args, by]),
    );
    const ends = await Promise.all(
      workers.map(async (worker) => {
        const [code] = (await once(worker, "exit")) as unknown[];
        return code;
      }),
    );
    expect(ends).to.deep.equal([0, 0]);
    const { records } = await readDeclared(ports.incidents, id);
    for (const name of ["ada", "grace"]) {
      const texts = records.flatMap((record) =>
        record.type === "noted" && record.by === name ? [record.text] : [],
      );
      expect(texts).to.deep.equal(Array.from({ length: 10 }, (_, n) => `${n}`));
    }
  });

  it("is whole from its first moment, or isn't there", async () => {
    const { ports } = responseScene(folder.path, { announce: undefined });
    const { id } = await openIncident(ports, OPENING);
    await rm(join(ports.incidents, id, "journal.ndjson"));
    await mkdir(join(ports.incidents, id, "journal.ndjson"));
    expect(
      await codeOf(async () => await readDeclared(ports.incidents, id)),
    ).to.equal("INCIDENT_UNREADABLE");
    await rm(join(ports.incidents, id, "journal.ndjson"), { recursive: true });
    const [found] = await listDeclared(ports.incidents);
    expect(found).to.have.nested.property("error.code", "INCIDENT_UNREADABLE");
  });

  it("isn't looked for in what else lies in the folder", async () => {
    const { ports } = responseScene(folder.path, { announce: undefined });
    const { id } = await openIncident(ports, OPENING);
    await writeFile(join(ports.incidents, "2026-11-20-rollback.md"), "# Run");
    await mkdir(join(ports.incidents, `${id}-old`));
    const found = await listDeclared(ports.incidents);
    expect(found.map((one) => one.id)).to.deep.equal([id]);
  });

  it("is refused when anything in it was changed, or all of it taken away", async () => {
    const { ports } = responseScene(folder.path, { announce: undefined });
    const { id } = await openIncident(ports, OPENING);
    await noteIncident(ports, id, "one");
    await noteIncident(ports, id, "two");
    const path = join(ports.incidents, id, "journal.ndjson");
    const text = await readFile(path, "utf8");
    const lines = text.split("\n");
    for (const [damaged, line] of [
      [text.replace('"one"', '"won"'), 2],
      [text.replace("critical", "low"), 1],
      [[lines[0], lines[2], ""].join("\n"), 2],
      [lines.slice(1).join("\n"), 1],
      ["", 1],
    ] as const) {
      await writeFile(path, damaged);
      const error = await refusalOf(
        async () => await noteIncident(ports, id, "three"),
      );
      expect(error.code).to.equal("INCIDENT_TAMPERED");
      expect(error.values.line).to.equal(line);
      expect(await readFile(path, "utf8")).to.equal(damaged);
    }
  });

  it("shows by its head that the newest entries were taken away", async () => {
    const { ports } = responseScene(folder.path, { announce: undefined });
    const { id } = await openIncident(ports, OPENING);
    const { head } = await noteIncident(ports, id, "one");
    const path = join(ports.incidents, id, "journal.ndjson");
    const [first] = (await readFile(path, "utf8")).split("\n");
    await writeFile(path, `${first!}\n`);
    const { head: now } = await readDeclared(ports.incidents, id);
    expect(now).to.not.equal(head);
  });

  it("waits for whoever writes it, and says who keeps it too long", async () => {
    const { ports, clock } = responseScene(folder.path, {
      announce: undefined,
    });
    const { id } = await openIncident(ports, OPENING);
    const lock = await acquireLock(join(ports.incidents, id), clock);
    const error = await refusalOf(
      async () => await noteIncident(ports, id, "one"),
    );
    expect(error.code).to.equal("INCIDENT_BUSY");
    expect(error.values.pid).to.equal(process.pid);
    const waiting = changeIncident(
      ports,
      id,
      () => [{ type: "noted", by: "ada", text: "late" }],
      Infinity,
    );
    await lock.release();
    expect((await waiting).incident.records).to.have.length(2);
  });
});
