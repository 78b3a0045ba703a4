import type {
  CheckReport,
  DrillReport,
  ScenarioReport,
} from "../drill/report.js";
import { drawTimeline, drawTrend, formatSeconds } from "./drill-charts.js";
import { escapeMarkup } from "./escape-markup.js";
import { count, formatBytes } from "./text.js";

/** Characters of one text: a page shall stay small, whatever is in it. */
const LONGEST_TEXT = 300;

/** Rows of one table. */
const MOST_ROWS = 90;

/** Of all drilled: cards and pictures take more room. */
const MOST_SCENARIOS = 12;

/**
 * A drill as a page of its own: it opens from the disk, loads nothing and runs
 * nothing. What failed comes first.
 *
 * @param drills - The last ones, the oldest first, this one among them.
 */
export function formatDrillHtml(
  report: DrillReport,
  drills: readonly DrillReport[],
): string {
  const { drillId, project, status } = report;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escape(`${status === "PASSED" ? "✔" : "✘"} ${drillId}, ${project}`)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${formatHeader(report)}
${formatIssues(report)}
${formatScenarios(report)}
<section><h2>Phases</h2>
<div class="card">${drawTimeline(report)}
${formatLegend(report)}</div></section>
${formatTrends(report, drills)}
${formatChecks(report)}
${formatBaseline(report)}
</main>
</body>
</html>
`;
}

function escape(text: string): string {
  return escapeMarkup(
    text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text,
  );
}

function formatHeader(report: DrillReport): string {
  const { drillId, project, network, status, tests, startedAt } = report;
  const { durationSeconds, nextDue, seed, absent, commit } = report;
  const isPassed = status === "PASSED";
  const facts: readonly (readonly [string, string])[] = [
    ["Success rate", `${tests.successRate.toFixed(1)} %`],
    ["Passed", String(tests.passed)],
    ["Failed", String(tests.failed)],
    ["Skipped", String(tests.skipped)],
    ["Duration", formatSeconds(durationSeconds)],
    ["Next due", nextDue.slice(0, 10)],
  ];
  const where = [
    `${project} on ${network}`,
    startedAt.slice(0, 19).replace("T", " ").concat(" UTC"),
    ...(commit === null ? [] : [`commit ${commit.slice(0, 10)}`]),
    `seed ${String(seed)}`,
    absent === null ? "nobody absent" : `absent: ${absent.kind} ${absent.name}`,
  ];
  return `<header class="${isPassed ? "passed" : "failed"}">
<p class="verdict">${isPassed ? "✔ Passed" : "✘ Failed"}</p>
<h1>Disaster recovery drill</h1>
<p class="id">${escape(drillId)}</p>
<p class="where">${where.map(escape).join(" · ")}</p>
<dl>${facts.map(([name, value]) => `<div><dt>${escape(name)}</dt><dd>${escape(value)}</dd></div>`).join("")}</dl>
</header>`;
}

function formatIssues({ issues, checks }: DrillReport): string {
  const failed = checks
    .filter(({ status }) => status === "failed")
    .toSorted((a, b) => Number(b.critical) - Number(a.critical))
    .slice(0, MOST_ROWS);
  const warnings = issues
    .filter(({ severity }) => severity === "warning")
    .slice(0, MOST_ROWS);
  const failures =
    failed.length === 0
      ? ""
      : `<section><h2>${count(failed.length, "failed check")}</h2>${failed.map(formatFailure).join("")}</section>`;
  return warnings.length === 0
    ? failures
    : `${failures}<section><h2>To know</h2><ul class="card notes">${warnings.map(({ text }) => `<li>${escape(text)}</li>`).join("")}</ul></section>`;
}

function formatFailure({
  id,
  title,
  critical,
  measured,
  expected,
  reason,
}: CheckReport): string {
  const rows = [
    ["Found", measured],
    ["Expected", expected],
    ["Why", reason],
  ] as const;
  return `<article class="card failure"><h3>${escape(title)}${critical ? ' <span class="tag">critical</span>' : ""}</h3>
<p class="id">${escape(id)}</p>
<dl class="pairs">${rows.map(([name, value]) => (value === null ? "" : `<dt>${name}</dt><dd>${escape(value)}</dd>`)).join("")}</dl></article>`;
}

function formatScenarios({ scenarios }: DrillReport): string {
  return `<section><h2>Scenarios</h2><div class="cards">${scenarios.slice(0, MOST_SCENARIOS).map(formatScenario).join("")}</div></section>`;
}

function formatScenario(scenario: ScenarioReport): string {
  const { title, name, status, reason, injections, recoveries } = scenario;
  const body =
    status === "skipped"
      ? `<p>${escape(reason ?? "")}</p>`
      : `${formatObjective("Recovery time", scenario.rto)}${formatObjective("Lost", scenario.rpo)}
<h4>Broken</h4><ul>${injections
          .slice(0, MOST_SCENARIOS)
          .map((one) => `<li>${escape(one)}</li>`)
          .join("")}</ul>
<h4>Recovered with</h4><ul>${recoveries.map(({ task, seconds, from, status: how }) => `<li class="${how}"><code>${escape(task)}</code> ${how === "done" ? formatSeconds(seconds) : "failed"}${from === null ? "" : ` <span class="from">from ${escape(from)}</span>`}</li>`).join("")}</ul>`;
  return `<article class="card scenario ${status}"><h3>${escape(title)} <span class="tag ${status}">${status}</span></h3><p class="id">${escape(name)}</p>${body}</article>`;
}

function formatObjective(
  name: string,
  { measuredSeconds, objectiveSeconds, isMet }: ScenarioReport["rto"],
): string {
  const share =
    measuredSeconds === null
      ? 0
      : Math.min(100, (measuredSeconds / objectiveSeconds) * 100);
  const width = measuredSeconds === null ? 0 : Math.max(1, share);
  const found =
    measuredSeconds === null ? "not recovered" : formatSeconds(measuredSeconds);
  return `<div class="objective-row"><span>${name}</span><span class="meter ${isMet === true ? "met" : "missed"}"><i style="width:${width.toFixed(1)}%"></i></span><span><b>${found}</b> of ${formatSeconds(objectiveSeconds)}</span></div>`;
}

function formatLegend({ scenarios }: DrillReport): string {
  const entries = [
    ["s0", "all scenarios"],
    ...scenarios
      .slice(0, MOST_SCENARIOS)
      .map(
        ({ title }, index) => [`s${String((index % 5) + 1)}`, title] as const,
      ),
  ];
  return `<p class="legend">${entries.map(([kind = "", title = ""]) => `<span><i class="${kind}"></i>${escape(title)}</span>`).join("")}</p>`;
}

function formatTrends(
  { scenarios }: DrillReport,
  drills: readonly DrillReport[],
): string {
  const charts = scenarios
    .filter(({ status }) => status !== "skipped")
    .slice(0, MOST_SCENARIOS)
    .map(({ name, title }) => {
      const found = drills.flatMap((drill) =>
        drill.scenarios
          .filter((one) => one.name === name && one.status !== "skipped")
          .map(({ rto, rpo }) => ({ at: drill.startedAt, rto, rpo })),
      );
      const time = found.map(({ at, rto }) => ({ at, objective: rto }));
      const point = found.map(({ at, rpo }) => ({ at, objective: rpo }));
      return `<article class="card"><h3>${escape(title)}</h3><div class="trends"><figure><figcaption>Recovery time</figcaption>${drawTrend("Recovery time, drill by drill", time)}</figure><figure><figcaption>Lost, up to the recovery point</figcaption>${drawTrend("Recovery point, drill by drill", point)}</figure></div></article>`;
    });
  return charts.length === 0
    ? ""
    : `<section><h2>Against the objectives, over ${count(drills.length, "drill")}</h2>${charts.join("")}</section>`;
}

const ORDER = { failed: 0, skipped: 1, passed: 2 } as const;
const SIGNS = { failed: "✘", skipped: "–", passed: "✔" } as const;

function formatChecks({ checks }: DrillReport): string {
  const shown = checks
    .toSorted((a, b) => ORDER[a.status] - ORDER[b.status])
    .slice(0, MOST_ROWS);
  const left = checks.length - shown.length;
  const rows = shown.map(
    ({ id, title, status, measured, reason, seconds }) =>
      `<tr class="${status}"><td>${SIGNS[status]}</td><td>${escape(title)}<span class="id">${escape(id)}</span></td><td>${escape(reason ?? measured ?? "")}</td><td class="number">${status === "skipped" ? "" : formatSeconds(seconds)}</td></tr>`,
  );
  const more =
    left > 0 ? `<p class="more">${String(left)} more in the JSON.</p>` : "";
  return `<section><h2>All checks</h2><div class="card scroll"><table class="checks"><thead><tr><th></th><th>Check</th><th>Measured</th><th class="number">Took</th></tr></thead><tbody>${rows.join("")}</tbody></table>${more}</div></section>`;
}

function formatBaseline({ backups, contracts, logFile }: DrillReport): string {
  const made = backups.map(
    ({ kind, name, sha256, sizeBytes }) =>
      `<tr><td>${escape(kind)}</td><td>${escape(name)}<span class="id">SHA-256 ${escape(sha256)}</span></td><td class="number">${formatBytes(sizeBytes)}</td></tr>`,
  );
  const code = contracts
    .slice(0, MOST_ROWS)
    .map(
      ({ name, proxy, implementation, codeHash }) =>
        `<tr><td>${escape(name)}</td><td>${escape(proxy)} → ${escape(implementation)}<span class="id">code ${escape(codeHash)}</span></td><td></td></tr>`,
    );
  const rows = [...made, ...code];
  const table =
    rows.length === 0
      ? ""
      : `<div class="card scroll"><table><tbody>${rows.join("")}</tbody></table></div>`;
  return `<section><h2>What was recovered</h2>${table}<p class="more">Log: ${escape(logFile)}</p></section>`;
}

/** Of every page about exercises. */
export const STYLE = `
:root{color-scheme:light dark;--ground:#f5f6f8;--card:#fff;--text:#1c2330;--dim:#667085;--line:#e3e6ec;--good:#1a7f4b;--bad:#c4283b;--warn:#a36a00;--good-soft:#e5f5ec;--bad-soft:#fdecee;--s0:#98a2b3;--s1:#3b6fd4;--s2:#8a4fc4;--s3:#0f8a8a;--s4:#c76a15;--s5:#b83280}
@media(prefers-color-scheme:dark){:root{--ground:#12151b;--card:#1b2029;--text:#e6e9ef;--dim:#98a2b3;--line:#2c333f;--good:#4cc38a;--bad:#ff6b7d;--warn:#e5a93c;--good-soft:#16291f;--bad-soft:#33191e;--s0:#667085;--s1:#6b9bff;--s2:#b98af0;--s3:#3fc1c1;--s4:#f0954a;--s5:#ec6fb4}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
main{max-width:1080px;margin:0 auto;padding:24px 20px 64px}
header{background:var(--card);border:1px solid var(--line);border-left:6px solid var(--good);border-radius:10px;padding:20px 24px}
header.failed{border-left-color:var(--bad)}
h1{font-size:24px;margin:0}
h2{font-size:18px;margin:32px 0 12px}
h3{font-size:15px;margin:0}
h4{font-size:12px;margin:12px 0 2px;color:var(--dim);font-weight:600;text-transform:uppercase;letter-spacing:.04em}
.verdict{float:right;margin:0;font-size:18px;font-weight:700;color:var(--good);background:var(--good-soft);padding:6px 14px;border-radius:8px}
.failed .verdict{color:var(--bad);background:var(--bad-soft)}
.id{display:block;margin:0;color:var(--dim);font:12px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.where{margin:6px 0 0;color:var(--dim)}
header dl{display:flex;flex-wrap:wrap;gap:12px 36px;margin:18px 0 0}
dt{color:var(--dim);font-size:12px}
dd{margin:0}
header dd{font-size:20px;font-weight:650;font-variant-numeric:tabular-nums}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px;margin:0 0 12px}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(310px,1fr));gap:12px}
.cards .card{margin:0}
.failure{border-left:4px solid var(--bad)}
.scenario.failed{border-top:3px solid var(--bad)}
.scenario.passed{border-top:3px solid var(--good)}
.scenario.skipped{border-top:3px solid var(--s0)}
.tag{float:right;font-size:12px;font-weight:600;padding:1px 8px;border-radius:6px;color:var(--bad);background:var(--bad-soft)}
.tag.passed{color:var(--good);background:var(--good-soft)}
.tag.skipped{color:var(--dim);background:var(--ground)}
.pairs{display:grid;grid-template-columns:max-content 1fr;gap:2px 14px;margin:8px 0 0}
.pairs dd{overflow-wrap:anywhere}
ul{margin:0;padding-left:18px;overflow-wrap:anywhere}
.notes{padding-left:34px}
li.failed{color:var(--bad)}
.from{color:var(--dim);font-size:12px}
code{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.objective-row{display:grid;grid-template-columns:96px 1fr max-content;gap:10px;align-items:center;margin:8px 0 0;font-size:13px;font-variant-numeric:tabular-nums}
.meter{height:8px;border-radius:4px;background:var(--ground);border:1px solid var(--line);overflow:hidden}
.meter i{display:block;height:100%;background:var(--good)}
.meter.missed i{background:var(--bad)}
svg{display:block;width:100%;height:auto;font:13px system-ui,-apple-system,"Segoe UI",sans-serif}
svg text{fill:var(--text)}
svg .tick{fill:var(--dim);font-size:11px}
svg .label.failed{fill:var(--bad);font-weight:650}
svg .label.skipped{fill:var(--dim)}
svg .grid{stroke:var(--line)}
svg .objective{stroke:var(--warn);stroke-width:1.5;stroke-dasharray:5 4;fill:none}
svg .objective-label{fill:var(--warn);font-size:11px}
svg .trend{stroke:var(--s1);stroke-width:1.5;fill:none}
svg circle.met{fill:var(--good)}
svg circle.missed,svg text.missed{fill:var(--bad)}
.s0{fill:var(--s0);background:var(--s0)}.s1{fill:var(--s1);background:var(--s1)}.s2{fill:var(--s2);background:var(--s2)}.s3{fill:var(--s3);background:var(--s3)}.s4{fill:var(--s4);background:var(--s4)}.s5{fill:var(--s5);background:var(--s5)}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;margin:10px 0 0;color:var(--dim);font-size:13px}
.legend i{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:6px}
.trends{display:grid;grid-template-columns:repeat(auto-fill,minmax(320px,1fr));gap:8px 20px;margin-top:8px}
figure{margin:0}
figcaption{color:var(--dim);font-size:12px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th{text-align:left;color:var(--dim);font-size:12px;font-weight:600}
th,td{padding:7px 10px 7px 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
tr:last-child td{border-bottom:0}
.checks td:nth-child(1){width:24px}
.checks td:nth-child(2){width:38%}
tr.failed td:first-child{color:var(--bad)}
tr.passed td:first-child{color:var(--good)}
tr.skipped{color:var(--dim)}
.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
.more{color:var(--dim);font-size:13px;margin:8px 0 0;overflow-wrap:anywhere}
@media print{body{background:#fff}.card,header{break-inside:avoid}}
`;
