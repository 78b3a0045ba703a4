import type { Exercise, History, Measure } from "../history/exercises.js";
import { drawTrend, formatSeconds } from "./drill-charts.js";
import { EXERCISE_STYLE } from "./exercise-style.js";
import { escapeWithin, frameHtmlPage } from "./html-page.js";
import { count } from "./text.js";

const escape = escapeWithin(400);

/** Rows of the table. */
const MOST_ROWS = 200;

/** Points of one curve, and curves: so much an eye can tell apart. */
const MOST_POINTS = 60;
const MOST_CURVES = 40;

/**
 * All exercises as a page of its own: it opens from the disk, loads nothing and
 * runs nothing. Those that failed last come first.
 */
export function formatHistoryHtml(history: History): string {
  const { project, exercises } = history;
  const passed = exercises.filter(({ isPassed }) => isPassed).length;
  const isGood = exercises[0]?.isPassed ?? false;
  return frameHtmlPage({
    title: `Recovery exercises, ${project}`,
    style: EXERCISE_STYLE,
    main: `<header class="${isGood ? "passed" : "failed"}">
<p class="verdict">${isGood ? "✔ The last one passed" : exercises.length === 0 ? "Nothing was exercised yet" : "✘ The last one failed"}</p>
<h1>Recovery exercises</h1>
<p class="where">${escape(project)}</p>
<dl><div><dt>Exercises</dt><dd>${String(exercises.length)}</dd></div><div><dt>Passed</dt><dd>${String(passed)}</dd></div><div><dt>Failed</dt><dd>${String(exercises.length - passed)}</dd></div></dl>
</header>
${formatTrends(exercises)}
${formatTable(exercises)}`,
  });
}

interface Dated extends Measure {
  /** ISO 8601. */
  readonly at: string;
}

function formatTrends(exercises: readonly Exercise[]): string {
  const dated = exercises
    .toReversed()
    .flatMap(({ at, measures }) =>
      measures.map((one): Dated => ({ ...one, at: at.toISOString() })),
    );
  const curves = [...Map.groupBy(dated, ({ what }) => what)]
    .toSorted(([, a], [, b]) => rankOf(a) - rankOf(b))
    .slice(0, MOST_CURVES)
    .map(([what, all]) => formatTrend(what, all.slice(-MOST_POINTS)));
  return curves.length === 0
    ? ""
    : `<section><h2>Against the objectives</h2>${curves.join("")}</section>`;
}

/** What failed last comes first. */
function rankOf(measures: readonly Dated[]): number {
  return measures.at(-1)?.isPassed === true ? 1 : 0;
}

function formatTrend(what: string, measures: readonly Dated[]): string {
  const isPassed = measures.at(-1)?.isPassed === true;
  const time = measures.map(({ at, rto }) => ({ at, objective: rto }));
  const point = measures.flatMap(({ at, rpo }) =>
    rpo === null ? [] : [{ at, objective: rpo }],
  );
  const lost =
    point.length === 0
      ? ""
      : `<figure><figcaption>Lost, up to the recovery point</figcaption>${drawTrend(`${what}: recovery point`, point)}</figure>`;
  const outcomes = measures.map((one) => (one.isPassed ? "✔" : "✘")).join(" ");
  return `<article class="card"><h3>${escape(what)} <span class="tag ${isPassed ? "passed" : "failed"}">${isPassed ? "passed" : "failed"}</span></h3><p class="id">${outcomes}</p><div class="trends"><figure><figcaption>Recovery time</figcaption>${drawTrend(`${what}: recovery time`, time)}</figure>${lost}</div></article>`;
}

function formatTable(exercises: readonly Exercise[]): string {
  const rows = exercises.slice(0, MOST_ROWS).map(formatRow);
  const left = exercises.length - rows.length;
  const more =
    left > 0
      ? `<p class="more">${count(left, "older one")} in the JSON.</p>`
      : "";
  return rows.length === 0
    ? ""
    : `<section><h2>All exercises</h2><div class="card scroll"><table><thead><tr><th></th><th>When (UTC)</th><th>What</th><th>To know</th><th class="number">Took</th></tr></thead><tbody>${rows.join("")}</tbody></table>${more}</div></section>`;
}

function formatRow(exercise: Exercise): string {
  const { at, kind, name, network, isPassed } = exercise;
  const { seconds, notes, commit, file } = exercise;
  const where = network === null ? "" : ` on ${network}`;
  const from = [file, ...(commit === null ? [] : [`commit ${commit}`])];
  return `<tr class="${isPassed ? "passed" : "failed"}"><td>${isPassed ? "✔" : "✘"}</td><td>${at.toISOString().slice(0, 16).replace("T", " ")}</td><td>${escape(`${kind} ${name}${where}`)}<span class="id">${escape(from.join(" · "))}</span></td><td>${notes.map(escape).join("<br>")}</td><td class="number">${seconds === null ? "" : formatSeconds(seconds)}</td></tr>`;
}
