import { readdirSync, readFileSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import type { HardhatUserConfig } from "hardhat/config";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { breakPlatform, deployPlatform } from "../helpers/deploy-platform.js";
import { platformProxies } from "../helpers/recovery-session.js";
import { messageOf } from "../../src/core/errors.js";
import {
  closeIncident,
  lookAfterIncidents,
  openIncident,
} from "../../src/incident/declared/respond.js";
import { recordedRun } from "../../tasks/actions/recorded-run.js";
import { watchedRun } from "../../tasks/actions/watched-run.js";
import { until } from "../helpers/until.js";
import { HttpRecorder } from "../notify/http-recorder.js";
import { OPENING, responseScene } from "../incident/response-scene.js";
import { openProject } from "./project.js";

interface TaskJson {
  readonly [key: string]: unknown;
  readonly incident: string;
  readonly status: string;
  readonly head: string;
  readonly entries: number;
  readonly path: string;
  readonly error?: { readonly code: string };
}

const CONTACTS = {
  cto: { name: "Grace", phone: "+1 555 0104" },
  onCallEngineer: { name: "Ada", phone: "+1 555 0101", slack: "@ada" },
};

/** What a task fails with, in words. */
async function errorOf(work: () => Promise<unknown>): Promise<string> {
  return await work().then(
    () => "nothing",
    (error: unknown) => messageOf(error),
  );
}

describe("dr:incident:open, note, ack, close, list and report", () => {
  const folder = useTemporaryFolder();

  afterEach(() => {
    process.exitCode = undefined;
  });

  const incidents = (): string => join(folder.path, "docs/incidents");

  async function open(
    dr: HardhatUserConfig["dr"] = {},
  ): Promise<HardhatRuntimeEnvironment> {
    return await openProject(folder.path, { dr: { project: "takumi", ...dr } });
  }

  /** With contracts on its embedded chain. */
  async function openPlatform(): Promise<HardhatRuntimeEnvironment> {
    const hre = await open();
    const connection = await hre.network.getOrCreate();
    const platform = await deployPlatform(connection);
    await breakPlatform(connection, platform);
    await connection.dr.init(platformProxies(platform));
    return hre;
  }

  async function run(
    hre: HardhatRuntimeEnvironment,
    task: string,
    args: Readonly<Record<string, unknown>> = {},
  ): Promise<TaskJson> {
    const json = { json: true, ...args };
    return (await hre.tasks.getTask(task).run(json)) as TaskJson;
  }

  async function entries(id: string): Promise<Record<string, unknown>[]> {
    const path = join(incidents(), id, "journal.ndjson");
    const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  it("says whom to call, how and until when", async () => {
    const hre = await open({ contacts: CONTACTS });
    const opened = await run(hre, "dr:incident:open", {
      title: "Profiles are\nbeing drained",
      severity: "high",
    });
    expect(process.exitCode).to.equal(0);
    expect(opened).to.include({
      status: "opened",
      state: "unacknowledged",
      title: "Profiles are being drained",
      entries: 1,
      late: false,
    });
    expect(opened.incident).to.match(/^INC-\d{8}-\d{6}-[0-9a-f]{4}$/);
    expect(opened.head).to.match(/^[0-9a-f]{64}$/);
    const [first, second, ...others] = opened.escalation as {
      role: string;
      name: string;
      phone: string;
      respondBy: string;
      leftSeconds: number;
      turn: string;
    }[];
    expect(first).to.include({
      ...CONTACTS.onCallEngineer,
      role: "onCallEngineer",
      turn: "now",
    });
    expect(second).to.include({ ...CONTACTS.cto, role: "cto", turn: "later" });
    expect(others).to.deep.equal([]);
    const openedAt = Date.parse(opened.openedAt as string);
    expect(Date.parse(first!.respondBy) - openedAt).to.equal(3_600_000);
    expect(Date.parse(second!.respondBy) - openedAt).to.equal(7_200_000);
    // How to reach people is on the screen and in no file.
    const [entry] = await entries(opened.incident);
    expect(JSON.stringify(entry)).to.not.include("555");
    expect(entry!.escalation).to.deep.equal(["onCallEngineer", "cto"]);
  });

  it("names all four roles where nobody is configured, and writes nothing in a dry run", async () => {
    const hre = await open();
    const planned = await run(hre, "dr:incident:open", {
      title: "Drill",
      dryRun: true,
    });
    expect(planned).to.include({ status: "planned", incident: null });
    const roles = (planned.escalation as { role: string }[]).map(
      ({ role }) => role,
    );
    expect(roles).to.deep.equal([
      "onCallEngineer",
      "devopsLead",
      "securityLead",
      "cto",
    ]);
    expect(await readdir(folder.path)).to.not.include("docs");
  });

  it("refuses what isn't an incident before it writes anything", async () => {
    const hre = await open();
    for (const args of [
      { title: "  " },
      { title: "x", severity: "terrible" },
      { title: "x", detectedAt: "yesterday" },
      { title: "x", detectedAt: "2999-01-01T00:00:00Z" },
    ]) {
      const { error } = await run(hre, "dr:incident:open", args);
      expect(error?.code, JSON.stringify(args)).to.equal("OPTION_INVALID");
      expect(process.exitCode).to.equal(3);
    }
    expect(await readdir(folder.path)).to.not.include("docs");
  });

  it("enters a pause by itself, with its run and its transactions", async () => {
    const hre = await openPlatform();
    const { incident } = await run(hre, "dr:incident:open", {
      title: "Reputation overflow",
    });
    await run(hre, "dr:status");
    const paused = await run(hre, "dr:pause", { all: true, yes: true });
    const all = await entries(incident);
    expect(all.map(({ type }) => type)).to.deep.equal([
      "opened",
      "task-started",
      "task-ended",
    ]);
    const ended = all[2] as unknown as {
      task: string;
      arguments: object;
      network: string;
      exitCode: number;
      run: {
        run: string;
        pausedAt: string;
        status: string;
        journal: string;
        transactions: { hash: string; subject: string }[];
      };
    };
    expect(ended).to.include({
      task: "dr:pause",
      network: "default",
      exitCode: 0,
    });
    expect(ended.arguments).to.deep.equal({ all: "yes" });
    expect(ended.run).to.include({ run: paused.run, status: "done" });
    const told = (paused.contracts as { tx: string }[]).map(({ tx }) => tx);
    expect(ended.run.transactions.map(({ hash }) => hash)).to.have.members([
      ...new Set(told),
    ]);
    const journal = join(incidents(), incident, ended.run.journal);
    expect(await readFile(journal, "utf8")).to.include(ended.run.pausedAt);

    await run(hre, "dr:rollback", { all: true, yes: true });
    const report = await run(hre, "dr:incident:report");
    expect(report).to.include({ status: "created", incident });
    const text = await readFile(report.path, "utf8");
    for (const hash of told) {
      expect(text).to.include(`\`${hash}\``);
    }
    expect(text).to.match(
      /\| Time to pause \| .+ after the opening \(.+-pause-.+ on default\) \|/,
    );
    expect(text).to.match(
      /\| Time to recover \| .+ after the opening \(.+-rollback-.+ on default\) \|/,
    );
    expect(text).to.include("as entered");
    expect(text).to.not.include("dr:status");
    const html = await readFile(report.html as string, "utf8");
    for (const hash of told) {
      expect(html).to.include(`<code>${hash}</code>`);
    }
  });

  it("takes in a run from before it was opened, and doesn't measure from what came later", async () => {
    const hre = await openPlatform();
    const paused = await run(hre, "dr:pause", { all: true, yes: true });
    await run(hre, "dr:incident:open", { title: "Paused already" });
    const args = { text: ["paused", "first"], run: paused.run };
    const noted = await run(hre, "dr:incident:note", args);
    expect(
      (await entries(noted.incident)).map(({ type }) => type),
    ).to.deep.equal(["opened", "noted", "run-entered"]);
    const { path } = await run(hre, "dr:incident:report");
    const text = await readFile(path, "utf8");
    for (const { tx } of paused.contracts as { tx: string }[]) {
      expect(text).to.include(`\`${tx}\``);
    }
    expect(text).to.include(
      "| Time to pause | ______ _not measurable: it lies before the opening_",
    );
    const unknown = await run(hre, "dr:incident:note", { ...args, run: "x" });
    expect(unknown.error?.code).to.equal("RUN_UNKNOWN");
  });

  it("enters what was refused, with its code", async () => {
    const hre = await open();
    const { incident } = await run(hre, "dr:incident:open", { title: "x" });
    const refused = await run(hre, "dr:pause", { all: true, yes: true });
    const ended = (await entries(incident)).at(-1);
    expect(ended).to.include({
      type: "task-ended",
      exitCode: process.exitCode,
      code: refused.error?.code,
    });
    expect(ended).to.not.have.property("run");
  });

  it("keeps secrets out of the timeline", async () => {
    const hre = await open();
    const { incident } = await run(hre, "dr:incident:open", { title: "x" });
    const key = "ab".repeat(32);
    await run(hre, "dr:pause", {
      all: true,
      yes: true,
      privateRpc: "https://rpc.example/5ecre7",
      from: `0x${key}`,
    });
    const path = join(incidents(), incident, "journal.ndjson");
    const text = await readFile(path, "utf8");
    expect(text).to.include('"task-ended"');
    expect(text).to.not.include("5ecre7");
    expect(text).to.not.include(key);
  });

  it("enters a run into all that are open, and asks which is meant elsewhere", async () => {
    const hre = await open();
    const first = await run(hre, "dr:incident:open", { title: "one" });
    const second = await run(hre, "dr:incident:open", { title: "two" });
    await run(hre, "dr:backup", {});
    for (const { incident } of [first, second]) {
      expect((await entries(incident)).at(-1)).to.include({
        type: "task-ended",
        task: "dr:backup",
      });
    }
    const unclear = await run(hre, "dr:incident:note", { text: ["x"] });
    expect(unclear.error?.code).to.equal("INCIDENT_AMBIGUOUS");
    expect(process.exitCode).to.equal(3);
    const { incident } = second;
    await run(hre, "dr:incident:note", { text: ["meant"], incident });
    await run(hre, "dr:incident:close", { incident: first.incident });
    const only = await run(hre, "dr:incident:note", { text: ["only"] });
    expect(only.incident).to.equal(second.incident);
    await run(hre, "dr:backup", {});
    expect((await entries(first.incident)).at(-1)).to.include({
      type: "closed",
    });
  });

  it("goes from opening to the post-mortem", async () => {
    const hre = await open({ contacts: CONTACTS });
    const { incident } = await run(hre, "dr:incident:open", {
      title: "<b>Profiles</b> | drained",
      impact: "Nobody can claim",
      detectedAt: "2024-01-15T14:00:00Z",
    });
    const noted = await run(hre, "dr:incident:note", {
      text: ["It", "is", "the", "<script>alert(1)</script>", "upgrade"],
    });
    expect(noted.entries).to.equal(2);
    const acknowledged = await run(hre, "dr:incident:ack");
    expect(acknowledged).to.include({
      status: "acknowledged",
      state: "acknowledged",
    });
    expect(acknowledged.escalation).to.deep.equal([]);
    const again = await run(hre, "dr:incident:ack");
    expect(again).to.include({ status: "already", entries: 3 });
    const planned = await run(hre, "dr:incident:close", { dryRun: true });
    expect(planned).to.include({ status: "planned", entries: 3 });
    const closed = await run(hre, "dr:incident:close", {
      resolution: "Rolled back",
    });
    expect(closed).to.include({ status: "closed", state: "closed" });
    const report = await readFile(closed.report as string, "utf8");
    expect(report).to.include("- **Impact**: Nobody can claim");
    expect(report).to.include("&lt;script&gt;alert");
    expect(report).to.include("Rolled back");
    expect(report).to.include(closed.head);
    const html = await readFile(closed.html as string, "utf8");
    expect(html).to.not.include("<script");
    expect(html).to.include("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(html).to.not.match(/(src|href)="http/);
    const due = (closed.postMortem as { dueAt: string; status: string }).dueAt;
    const { at } = closed.closed as { at: string };
    expect(Date.parse(due) - Date.parse(at)).to.be.closeTo(86_400_000, 1000);

    const listed = await run(hre, "dr:incident:list");
    expect(process.exitCode).to.equal(0);
    expect(listed.incidents).to.have.length(1);
    const twice = await run(hre, "dr:incident:close", { incident });
    expect(twice.error?.code).to.equal("INCIDENT_CLOSED");
    const none = await run(hre, "dr:incident:ack");
    expect(none.error?.code).to.equal("NO_OPEN_INCIDENT");

    const document = closed.postMortemPath as string;
    const text = await readFile(document, "utf8");
    await writeFile(document, text.replaceAll("- [ ]", "- [x]"));
    const through = await run(hre, "dr:incident:list");
    expect(through.incidents).to.deep.equal([]);
    const all = await run(hre, "dr:incident:list", { all: true });
    expect(all.incidents).to.have.length(1);
  });

  it("enters what somebody asked for, and nothing that it runs by itself", async () => {
    const hre = await open();
    const { incident } = await run(hre, "dr:incident:open", { title: "x" });
    const outer = recordedRun(
      "dr:drill",
      async () => await run(hre, "dr:backup"),
    );
    await outer({}, hre);
    const tasks = (await entries(incident)).flatMap(({ type, task }) =>
      type === "task-ended" ? [task] : [],
    );
    expect(tasks).to.deep.equal(["dr:drill"]);
  });

  it("enters that a task threw, and lets it throw", async () => {
    const hre = await open();
    const { incident } = await run(hre, "dr:incident:open", { title: "x" });
    const broken = recordedRun("dr:drill", () => {
      throw new RangeError("broken");
    });
    let thrown: unknown;
    try {
      await broken({}, hre);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).to.be.instanceOf(RangeError);
    expect((await entries(incident)).at(-1)).to.include({
      type: "task-ended",
      exitCode: 1,
    });
  });

  it("exits with 4 while something is late, and escalates what nobody acknowledged", async () => {
    const hre = await open({ contacts: CONTACTS });
    const { ports, clock } = responseScene(folder.path, {
      announce: undefined,
    });
    const { id: unanswered } = await openIncident(ports, OPENING);
    const { id: over } = await openIncident(ports, OPENING);
    await closeIncident(ports, over);
    expect(clock.time).to.be.below(Date.now() - 86_400_000);
    const listed = await run(hre, "dr:incident:list");
    expect(process.exitCode).to.equal(4);
    expect(listed.late).to.equal(true);
    const found = listed.incidents as Record<string, unknown>[];
    const byId = new Map(found.map((one) => [one.incident, one]));
    expect(byId.get(unanswered)).to.include({
      state: "unacknowledged",
      late: true,
    });
    expect(byId.get(over)).to.have.nested.property(
      "postMortem.status",
      "overdue",
    );
    const escalated = (await entries(unanswered)).map(({ role }) => role);
    expect(escalated).to.deep.equal([undefined, "devopsLead", "cto"]);
    await run(hre, "dr:incident:list");
    expect(await entries(unanswered)).to.have.length(3);
    await run(hre, "dr:incident:ack", { incident: unanswered });
    await run(hre, "dr:incident:list");
    // The post-mortem is still overdue.
    expect(process.exitCode).to.equal(4);
  });

  it("tells people by the channels, again where none took it, and enters that it did", async () => {
    const webhook = await HttpRecorder.start({ status: 400 });
    try {
      const hre = await open({
        contacts: CONTACTS,
        notify: {
          webhook: {
            url: webhook.url,
            secret: `whsec_${Buffer.alloc(32, 7).toString("base64")}`,
          },
        },
      });
      const { ports, clock } = responseScene(folder.path, {
        announce: undefined,
      });
      const { id } = await openIncident(ports, OPENING);
      clock.time += 86_400_000;
      await lookAfterIncidents(ports);
      const announced = async (): Promise<unknown[]> =>
        (await entries(id)).flatMap(({ type, what }) =>
          type === "announced" ? [what] : [],
        );
      await run(hre, "dr:incident:list");
      expect(webhook.requests).to.have.length(1);
      expect(await announced()).to.deep.equal([]);
      webhook.otherwise = { status: 204 };
      await run(hre, "dr:incident:list");
      await run(hre, "dr:incident:list");
      expect(webhook.requests).to.have.length(2);
      expect(await announced()).to.deep.equal(["escalated"]);
      await run(hre, "dr:incident:ack");
      await run(hre, "dr:incident:close");
      expect(await announced()).to.deep.equal([
        "escalated",
        "acknowledged",
        "closed",
      ]);
      expect(webhook.requests).to.have.length(4);
      for (const { body } of webhook.requests) {
        expect(body).to.include(id);
        expect(body).to.not.include("555");
      }
    } finally {
      await webhook.stop();
    }
  });

  describe("while any other task runs", () => {
    let webhook: HttpRecorder;
    let hre: HardhatRuntimeEnvironment;
    let id: string;

    beforeEach(async () => {
      webhook = await HttpRecorder.start({ status: 204 });
      hre = await open({
        contacts: CONTACTS,
        notify: {
          webhook: {
            url: webhook.url,
            secret: `whsec_${Buffer.alloc(32, 7).toString("base64")}`,
          },
        },
      });
      const { ports } = responseScene(folder.path, { announce: undefined });
      ({ id } = await openIncident(ports, OPENING));
    });

    afterEach(async () => {
      await webhook.stop();
    });

    const typesOf = async () =>
      (await entries(id)).map(({ type }) => type as string);

    it("escalate and announce each step once, whoever looks", async () => {
      await run(hre, "dr:runs");
      expect(process.exitCode).to.equal(0);
      expect(await typesOf()).to.deep.equal([
        "opened",
        "escalated",
        "escalated",
        "announced",
      ]);
      await run(hre, "dr:runs");
      await run(hre, "dr:readiness", { maxAge: "90d" });
      expect(webhook.requests).to.have.length(1);
    });

    it("escalate beside what the task enters itself", async () => {
      await run(hre, "dr:backup");
      expect((await typesOf()).toSorted()).to.deep.equal([
        "announced",
        "escalated",
        "escalated",
        "opened",
        "task-ended",
        "task-started",
      ]);
      expect(webhook.requests).to.have.length(1);
    });

    it("call nobody else while somebody answers", async () => {
      await run(hre, "dr:incident:ack");
      await run(hre, "dr:runs");
      expect(await typesOf()).to.not.include("escalated");
    });

    it("neither wait for a channel that is silent nor fail for it", async () => {
      webhook.otherwise = "silence";
      const watched = watchedRun(
        async () => await webhook.received(1).then(() => "done"),
        0,
      );
      expect(await watched({}, hre)).to.equal("done");
      const failing = watchedRun(
        async () => await Promise.reject(new Error("its own")),
        0,
      );
      expect(
        await errorOf(async () => {
          await failing({}, hre);
        }),
      ).to.equal("its own");
      expect(await typesOf()).to.not.include("announced");
      webhook.release({ status: 204 });
      const kept = join(incidents(), id);
      await until(
        () =>
          readFileSync(join(kept, "journal.ndjson"), "utf8").includes(
            '"type":"announced"',
          ) && !readdirSync(kept).includes(".lock"),
      );
    });

    it("look once, whatever a task runs by itself", async () => {
      const outer = watchedRun(async () => (await run(hre, "dr:runs")).status);
      await outer({}, hre);
      expect(webhook.requests).to.have.length(1);
    });

    it("go on where incidents can't be read", async () => {
      await rm(incidents(), { recursive: true });
      await writeFile(incidents(), "no folder");
      const { error } = await run(hre, "dr:runs");
      expect(error).to.equal(undefined);
      expect(process.exitCode).to.equal(0);
    });
  });

  it("refuses an incident it doesn't know, and a damaged one everywhere", async () => {
    const hre = await open();
    const id = "INC-20240115-140000-0000";
    const unknown = await run(hre, "dr:incident:note", {
      incident: id,
      text: ["x"],
    });
    expect(unknown.error?.code).to.equal("INCIDENT_UNKNOWN");
    const outside = await run(hre, "dr:incident:note", {
      incident: "../../deployments",
      text: ["x"],
    });
    expect(outside.error?.code).to.equal("INCIDENT_UNKNOWN");
    const { incident } = await run(hre, "dr:incident:open", { title: "one" });
    const path = join(incidents(), incident, "journal.ndjson");
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace('"one"', '"two"'));
    for (const task of ["note", "ack", "close", "report"]) {
      const args = task === "note" ? { text: ["x"] } : {};
      const { error } = await run(hre, `dr:incident:${task}`, args);
      expect(error?.code, task).to.equal("INCIDENT_TAMPERED");
      expect(process.exitCode, task).to.equal(3);
    }
    const listed = await run(hre, "dr:incident:list");
    expect(process.exitCode).to.equal(1);
    expect(listed.damaged).to.have.length(1);
    // A task goes on all the same.
    const backup = await run(hre, "dr:backup");
    expect(backup.error?.code).to.not.match(/^INCIDENT/);
    expect(await readFile(path, "utf8")).to.equal(
      text.replace('"one"', '"two"'),
    );
  });

  it("says that its folder can't be written, and lets tasks go on", async function () {
    const hre = await open();
    await mkdir(join(folder.path, "docs"));
    await writeFile(incidents(), "a file");
    const { error } = await run(hre, "dr:incident:open", { title: "x" });
    expect(error?.code).to.equal("NOT_WRITABLE");
    expect(process.exitCode).to.equal(3);
    const listed = await run(hre, "dr:incident:list");
    expect(listed.error?.code).to.equal("INCIDENT_UNREADABLE");
    const backup = await run(hre, "dr:backup");
    expect(backup.error?.code).to.not.match(/^INCIDENT/);
  });
});
