import type {
  CheckReport,
  DrillReport,
  ScenarioReport,
} from "../drill/report.js";
import { drawTimeline, drawTrend, formatSeconds } from "./drill-charts.js";
import { EXERCISE_STYLE } from "./exercise-style.js";
import { escapeWithin, frameHtmlPage } from "./html-page.js";
import { count, formatBytes } from "./text.js";

const escape = escapeWithin(300);

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
  return frameHtmlPage({
    title: `${status === "PASSED" ? "✔" : "✘"} ${drillId}, ${project}`,
    style: EXERCISE_STYLE,
    main: `${formatHeader(report)}
${formatIssues(report)}
${formatScenarios(report)}
<section><h2>Phases</h2>
<div class="card">${drawTimeline(report)}
${formatLegend(report)}</div></section>
${formatTrends(report, drills)}
${formatChecks(report)}
${formatBaseline(report)}`,
  });
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
