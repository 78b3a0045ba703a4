import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";

import { expect } from "chai";
import { format } from "prettier";

import { systemClock } from "../../src/core/clock.js";
import { toHtmlPage } from "../../src/display/html-document.js";
import {
  formatIncidentReport,
  formatPostMortem,
} from "../../src/display/incident-report.js";
import { readDeclared } from "../../src/incident/declared/incident-journal.js";
import { readPostMortem } from "../../src/incident/declared/post-mortem.js";
import { recordTask } from "../../src/incident/declared/record-task.js";
import {
  acknowledgeIncident,
  closeIncident,
  lookAfterIncidents,
  noteIncident,
  openIncident,
} from "../../src/incident/declared/respond.js";
import {
  writeReport,
  type ReportPorts,
  type WrittenReport,
} from "../../src/incident/declared/write-report.js";
import { codeOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { MINUTE, OPENING, responseScene, START } from "./response-scene.js";
import { recordsOf, RUN, wholeRun, writeJournal } from "./sample-run.js";

const EXPLORER = "https://explorer.example/tx/";

describe("the report of an incident", () => {
  const folder = useTemporaryFolder();

  function open(incidents: string): ReportPorts {
    return {
      incidents,
      clock: systemClock,
      formatReport: (report) =>
        formatIncidentReport(report, (chainId, hash) =>
          chainId === 1 ? `${EXPLORER}${hash}` : undefined,
        ),
      formatPostMortem,
      toHtml: toHtmlPage,
    };
  }

  /** From the opening to the end, with an escalation and a rollback. */
  async function live(chainId = 1) {
    const { ports, clock } = responseScene(folder.path);
    const { id } = await openIncident(ports, OPENING);
    clock.time = START + 16 * MINUTE;
    await lookAfterIncidents(ports);
    await acknowledgeIncident(ports, id);
    const deployments = join(folder.path, "deployments/mainnet");
    const records = recordsOf(
      wholeRun().map(([seconds, event]) => [
        seconds,
        event.type === "run-started" ? { ...event, chainId } : event,
      ]),
    );
    const journal = await writeJournal(deployments, records);
    await recordTask(
      {
        incidents: ports.incidents,
        clock: { now: () => clock.now(), sleep: systemClock.sleep },
        deployments,
        onFailure: (reason) => expect.fail(reason),
      },
      {
        task: "dr:rollback",
        arguments: { all: "yes" },
        network: "mainnet",
        by: "ops@bastion",
      },
    ).end({ exitCode: 0, run: RUN });
    clock.time += 5 * MINUTE;
    return { ports, clock, id, journal, reports: open(ports.incidents) };
  }

  const read = async ({ report }: WrittenReport): Promise<string> =>
    await readFile(report.path, "utf8");

  it("tells what was entered, measures it, and leaves blank what nobody knows", async () => {
    const { ports, id, reports } = await live();
    await closeIncident(ports, id);
    const written = await writeReport(reports, id);
    expect(basename(written.report.path)).to.equal("report.md");
    const text = await read(written);
    for (const line of [
      `# Incident Report: ${id}`,
      "| Date/Time | 2026-11-20 03:15:00 UTC |",
      "| Duration | 21 minutes after the opening (2026-11-20 03:36:00 UTC, ops@bastion) |",
      "| Severity | Critical |",
      `| Time to pause | 16 seconds after the opening (2026-11-20 03:15:16 UTC, ${RUN} on mainnet) |`,
      "- **Impact**: ______ _who",
      "**Escalated** to the DevOps lead: not acknowledged by 2026-11-20 03:30:00 UTC",
      "______ _What failed, and why could it?",
      "______ _What ended it?_",
      "## Prevention",
      "- [ ] Update monitoring: ______",
    ]) {
      expect(text).to.include(line);
    }
    const hash = `0x${"1".repeat(64)}`;
    expect(text).to.include(`[\`${hash}\`](${EXPLORER}${hash})`);
    expect(text).to.include(written.incident.head);
  });

  it("shows a transaction's hash where no explorer of its chain is known", async () => {
    const { id, reports } = await live(31337);
    const text = await read(await writeReport(reports, id));
    expect(text).to.include(`| \`0x${"1".repeat(64)}\` |`);
    expect(text).to.not.include(EXPLORER);
  });

  it("keeps what people wrote, after a formatter too, while it tells more", async () => {
    const { ports, id, reports } = await live();
    const { report, html } = await writeReport(reports, id);
    const own = "The reviewer & I <missed> the overflow.";
    const edited = (await readFile(report.path, "utf8")).replace(
      /______ _What failed.*_/,
      own,
    );
    await writeFile(
      report.path,
      await format(edited, { parser: "markdown", filepath: report.path }),
    );
    await noteIncident(ports, id, "It is the upgrade");
    await closeIncident(ports, id);
    const again = await writeReport(reports, id);
    expect(again.report).to.include({ path: report.path, status: "updated" });
    const text = await read(again);
    expect(text).to.include(own);
    expect(text).to.include("It is the upgrade");
    const page = await readFile(html, "utf8");
    expect(page).to.include(
      "The reviewer &amp; I &lt;missed&gt; the overflow.",
    );
    const third = await writeReport(reports, id);
    expect(third.report.status).to.equal("unchanged");
    expect(third.postMortem!.status).to.equal("unchanged");
  });

  it("leaves alone what was changed where it writes itself", async () => {
    const { id, reports } = await live();
    const { report } = await writeReport(reports, id);
    const text = await readFile(report.path, "utf8");
    await writeFile(report.path, text.replace("Critical", "Low"));
    const again = await writeReport(reports, id);
    expect(again.report.leftAlone).to.equal(report.path);
    expect(basename(again.report.path)).to.equal("report-2.md");
    expect(await readFile(report.path, "utf8")).to.include("| Low |");
  });

  it("says when a run's journal has gone on, is gone, or isn't what was entered", async () => {
    const { id, journal, reports } = await live();
    const whole = await readFile(journal, "utf8");
    const state = async (): Promise<string> => {
      const text = await read(await writeReport(reports, id));
      return /\| rollback \| .*? \| done \| (.*?) \|/.exec(text)![1]!;
    };
    expect(await state()).to.equal("as entered");
    const [records, more] = [wholeRun(), { type: "run-done" } as const];
    await writeFile(
      journal,
      recordsOf([...records, [1, more]])
        .map((record) => `${JSON.stringify(record)}\n`)
        .join(""),
    );
    expect(await state()).to.equal("gone on since");
    await writeFile(journal, whole.replace("SkillProfile", "SkillProfil3"));
    expect(await state()).to.equal("**isn't what was entered**");
    const short = whole.split("\n").slice(0, -2).join("\n");
    await writeFile(journal, `${short}\n`);
    expect(await state()).to.equal("**isn't what was entered**");
    await rm(journal);
    expect(await state()).to.equal("gone");
  });

  it("says that the clock went back", async () => {
    const { ports, clock, id, reports } = await live();
    clock.time -= 60 * MINUTE;
    await noteIncident(ports, id, "what time is it?");
    await closeIncident(ports, id);
    const text = await read(await writeReport(reports, id));
    expect(text).to.include("**The clock went back** by 55 minutes");
    expect(text).to.include(
      "| Duration | ______ _not measurable: it lies before the opening_",
    );
  });

  it("is written by two at once as by one", async () => {
    const { ports, id, reports } = await live();
    await closeIncident(ports, id);
    const [one, two] = await Promise.all([
      writeReport(reports, id),
      writeReport(reports, id),
    ]);
    expect([one.report.status, two.report.status]).to.have.members([
      "created",
      "unchanged",
    ]);
    expect(await readdir(join(ports.incidents, id))).to.have.members([
      "journal.ndjson",
      "post-mortem.md",
      "report.html",
      "report.md",
    ]);
  });

  it("isn't written of a journal that isn't what was written", async () => {
    const { ports, id, reports } = await live();
    const path = join(ports.incidents, id, "journal.ndjson");
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace("ops@bastion", "eve@bastion"));
    expect(await codeOf(async () => await writeReport(reports, id))).to.equal(
      "INCIDENT_TAMPERED",
    );
    expect(await readdir(join(ports.incidents, id))).to.deep.equal([
      "journal.ndjson",
    ]);
  });

  it("has a post-mortem that is due, overdue, and done when its agenda is ticked", async () => {
    const { ports, clock, id, reports } = await live();
    const standing = async () => {
      const incident = await readDeclared(ports.incidents, id);
      return await readPostMortem(ports.incidents, incident, clock.now());
    };
    expect(await standing()).to.equal(undefined);
    await closeIncident(ports, id);
    // A document that isn't there is none that is done.
    expect(await standing()).to.include({ status: "due" });
    const { postMortem } = await writeReport(reports, id);
    clock.time += 24 * 60 * MINUTE - 1;
    expect(await standing()).to.include({ status: "due" });
    clock.time += 1;
    expect(await standing()).to.include({ status: "overdue" });
    const { path } = postMortem!;
    const text = await readFile(path, "utf8");
    const ticked = text.replace(
      /(## Agenda)([^]*?)(## )/,
      (_, begin: string, agenda: string, end: string) =>
        `${begin}${agenda.replaceAll("[ ]", "[x]")}${end}`,
    );
    await writeFile(path, ticked.replace("[x] Update", "[ ] Update"));
    expect(await standing()).to.deep.include({
      status: "overdue",
      left: ["Update the runbooks"],
    });
    await writeFile(path, ticked);
    // What is to be done is still open; the post-mortem isn't.
    expect(ticked).to.include("- [ ] ______ (who, until when)");
    expect(await standing()).to.include({ status: "done" });
    await writeFile(path, text.replace("## Agenda", "## Talk"));
    expect(await standing()).to.include({ status: "overdue" });
  });
});
