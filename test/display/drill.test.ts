import { spawnSync } from "node:child_process";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { formatDrill } from "../../src/display/drill.js";
import { formatDrillHtml } from "../../src/display/drill-html.js";
import { formatDrillJunit } from "../../src/display/drill-junit.js";
import { escapeMarkup } from "../../src/display/escape-markup.js";
import { plain } from "../../src/display/text.js";
import type { DrillReport } from "../../src/drill/report.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { sampleCheck, sampleReport } from "../drill/sample-report.js";

const HOSTILE = `"><script>alert('x')</script><img src=//evil.example>&\u0000\ud800`;

/** Everything in it that somebody else may have written is hostile. */
function hostileReport(): DrillReport {
  const report = sampleReport({
    status: "FAILED",
    project: HOSTILE,
    network: HOSTILE,
    drillId: HOSTILE,
    commit: HOSTILE,
    logFile: HOSTILE,
    absent: { kind: "offsite", name: HOSTILE },
    issues: [
      { severity: "warning", text: HOSTILE, check: null },
      { severity: "failure", text: HOSTILE, check: HOSTILE },
    ],
  });
  const texts = {
    id: HOSTILE,
    title: HOSTILE,
    measured: HOSTILE,
    expected: HOSTILE,
    reason: HOSTILE,
    scenario: HOSTILE,
  };
  return {
    ...report,
    checks: (["passed", "failed", "skipped"] as const).map((status) =>
      sampleCheck({ ...texts, status }),
    ),
    scenarios: report.scenarios.map((scenario) => ({
      ...scenario,
      name: HOSTILE,
      title: HOSTILE,
      reason: HOSTILE,
      injections: [HOSTILE],
      recoveries: [
        { task: HOSTILE, status: "failed", seconds: 1, from: HOSTILE },
      ],
    })),
    phases: report.phases.map((phase) => ({
      ...phase,
      title: HOSTILE,
      parts: [{ scenario: HOSTILE, startSeconds: 0, seconds: 1 }],
    })),
    backups: report.backups.map((one) => ({
      ...one,
      name: HOSTILE,
      sha256: HOSTILE,
    })),
    contracts: [
      {
        name: HOSTILE,
        proxy: HOSTILE as `0x${string}`,
        chainId: 1,
        implementation: "0x",
        codeHash: "0x",
        pauseAuthority: null,
        upgradeAuthority: null,
      },
    ],
  };
}

/** A drill of a large project, with long answers, after many others. */
function largeReport(): DrillReport {
  const long = "The table public.profiles holds something else. ".repeat(200);
  const [scenario] = sampleReport().scenarios;
  return sampleReport({
    scenarios: Array.from({ length: 60 }, (_, index) => ({
      ...scenario!,
      name: `scenario-${String(index)}`,
      title: long,
      reason: long,
      injections: Array.from({ length: 60 }, () => long),
    })),
    checks: Array.from({ length: 3000 }, (_, index) =>
      sampleCheck({
        id: `database-corruption/${String(index)}`,
        measured: long,
        status: index % 2 === 0 ? "failed" : "passed",
      }),
    ),
    issues: Array.from({ length: 3000 }, () => ({
      severity: "warning" as const,
      text: long,
      check: null,
    })),
  });
}

describe("a drill's report", function () {
  this.timeout(60_000);
  const folder = useTemporaryFolder();

  it("escapes all that somebody else may have written", () => {
    for (const text of [
      formatDrillHtml(hostileReport(), [hostileReport()]),
      formatDrillJunit(hostileReport()),
    ]) {
      expect(text).not.to.match(/<script|<img|alert\('x'\)/);
      expect(text).to.include("&lt;script&gt;");
      expect(text).not.to.include("\u0000");
      expect(text.isWellFormed()).to.equal(true);
    }
    expect(escapeMarkup(`<&>"'`)).to.equal("&lt;&amp;&gt;&quot;&#39;");
  });

  it("needs nothing but itself: no script, no link, nothing from elsewhere", () => {
    const html = formatDrillHtml(sampleReport(), [sampleReport()]);
    expect(html).to.include(`content="default-src 'none'; style-src`);
    expect(html).not.to.match(/<(script|link|img|iframe|a)\b/);
    expect(html).not.to.match(/https?:|url\(|@import|src=/);
  });

  it("shows what failed first", () => {
    const failed = sampleCheck({
      id: "x/worst",
      status: "failed",
      title: "The worst",
    });
    const mild = sampleCheck({
      id: "x/mild",
      status: "failed",
      title: "A mild one",
      critical: false,
    });
    const report = sampleReport({
      status: "FAILED",
      checks: [sampleCheck(), mild, failed],
    });
    const html = formatDrillHtml(report, [report]);
    const places = ["The worst", "A mild one", "Scenarios</h2>"].map((text) =>
      html.indexOf(text),
    );
    expect(places).to.deep.equal(places.toSorted((a, b) => a - b));
    expect(places[0]).to.be.greaterThan(0);
    const table = html.slice(html.indexOf("All checks"));
    expect(table.indexOf("x/mild")).to.be.below(
      table.indexOf("database-corruption/same-database"),
    );
  });

  it("draws the last drills against their objectives, misses too", () => {
    const [scenario] = sampleReport().scenarios;
    const drillOf = (day: number, measuredSeconds: number | null) =>
      sampleReport({
        startedAt: `2024-01-0${String(day)}T14:00:00.000Z`,
        scenarios: [
          {
            ...scenario!,
            rto: {
              measuredSeconds,
              objectiveSeconds: 1800,
              isMet: measuredSeconds === null ? null : measuredSeconds <= 1800,
            },
          },
        ],
      });
    const drills = [drillOf(1, 10), drillOf(2, 4000), drillOf(3, null)];
    const html = formatDrillHtml(drills[2]!, drills);
    expect(html).to.include("over 3 drills");
    expect(html).to.include("2024-01-01 14:00: 10.0 s of 30 min");
    expect(html).to.match(
      /class="missed"[^>]*><title>2024-01-02 14:00: 1\.1 h of 30 min/,
    );
    expect(html).to.include("2024-01-03 14:00: not recovered");
  });

  it("stays small, however much there is to tell", () => {
    const html = formatDrillHtml(
      largeReport(),
      Array.from({ length: 12 }, () => largeReport()),
    );
    expect(Buffer.byteLength(html)).to.be.below(300_000);
    expect(html).to.include("more in the JSON");
  });

  it("is XML that a parser reads, with counts that are right", async function () {
    const report = sampleReport({
      checks: [
        sampleCheck(),
        sampleCheck({ id: "a", status: "failed", reason: HOSTILE }),
        sampleCheck({ id: "b", status: "skipped", reason: "No <database>." }),
        sampleCheck({ id: "c", scenario: null, phase: "baseline" }),
      ],
    });
    const xml = formatDrillJunit(report);
    expect(xml).to.match(
      /<testsuites [^>]*tests="4" failures="1" errors="0" skipped="1" time="20.000"/,
    );
    expect(xml).to.match(
      /<testsuite name="database-corruption" tests="3" failures="1"/,
    );
    expect(xml).to.match(/<testsuite name="baseline" tests="1" failures="0"/);
    const path = join(folder.path, "report.xml");
    await writeFile(path, xml);
    const { status, error, stderr } = spawnSync(
      "python3",
      ["-c", "import sys,xml.dom.minidom as m; m.parse(sys.argv[1])", path],
      { encoding: "utf8" },
    );
    if (error !== undefined) {
      this.skip();
    }
    expect(status, stderr).to.equal(0);
  });

  it("is drawn by a browser, from the disk and with no network", async function () {
    const html = join(folder.path, "report.html");
    const picture = join(folder.path, "report.png");
    await writeFile(html, formatDrillHtml(hostileReport(), [sampleReport()]));
    const { error } = spawnSync("chromium", [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--window-size=1100,2400",
      `--user-data-dir=${join(folder.path, "profile")}`,
      `--screenshot=${picture}`,
      `file://${html}`,
    ]);
    if (error !== undefined) {
      this.skip();
    }
    expect((await stat(picture)).size).to.be.greaterThan(20_000);
    expect((await readFile(picture)).subarray(1, 4).toString()).to.equal("PNG");
  });

  it("says in the terminal what came of it, and where the rest is", () => {
    const files = { json: "/r.json", junit: "/r.xml", html: "/r.html" };
    const text = formatDrill(
      sampleReport({
        issues: [{ severity: "failure", text: "It burns.", check: null }],
        absent: { kind: "signer", name: "0x1" },
      }),
      files,
      plain,
    );
    for (const told of [
      "DR_DRILL_20240115_140000  PASSED  100.0 % of 1 check, 0 skipped  20.0 s",
      "4  Recovery                   passed",
      "recovery time 8.0 s of 30 min, lost 5.0 s of 24.0 h",
      "by dr:db:restore",
      "✘ It burns.",
      "absent: signer 0x1",
      "Next drill due 2024-04-14",
      "/r.html",
    ]) {
      expect(text).to.include(told);
    }
  });

  it("names no task in the terminal where nothing was recovered with", () => {
    const report = sampleReport();
    const scenarios = report.scenarios.map((one) => ({
      ...one,
      recoveries: [],
    }));
    const files = { json: "/r.json", junit: "/r.xml", html: "/r.html" };
    const text = formatDrill({ ...report, scenarios }, files, plain);
    expect(text).to.include("recovery time 8.0 s");
    expect(text).not.to.match(/^ +by/m);
  });
});
