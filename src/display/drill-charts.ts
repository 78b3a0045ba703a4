import type {
  DrillReport,
  ObjectiveReport,
  PhaseReport,
} from "../drill/report.js";
import { escapeMarkup } from "./escape-markup.js";
import { formatDuration } from "./text.js";

/** SVG's own units; the page scales it. */
const WIDTH = 960;
const ROW = 34;
const LABEL = 210;
const RIGHT = 90;
const AXIS = 24;

/** `4.2 s`, `2 min 5 s`, `30 min`, `1.0 h`, `2.0 d`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 3600) {
    return formatDuration(seconds * 1000).replace(" min 0 s", " min");
  }
  return seconds < 172_800
    ? `${(seconds / 3600).toFixed(1)} h`
    : `${(seconds / 86_400).toFixed(1)} d`;
}

/** When each phase was at work: a row each, a bar for each scenario's part of it. */
export function drawTimeline({
  phases,
  durationSeconds,
  scenarios,
}: DrillReport): string {
  const total = Math.max(durationSeconds, 0.001);
  const scale = (WIDTH - LABEL - RIGHT) / total;
  const height = phases.length * ROW + AXIS;
  const names = scenarios.map(({ name }) => name);
  const rows = phases.map((phase, index) =>
    drawPhase(phase, index * ROW, scale, names),
  );
  const ticks = ticksOf(total).map((seconds) => {
    const x = (LABEL + seconds * scale).toFixed(1);
    return `<line class="grid" x1="${x}" y1="0" x2="${x}" y2="${String(height - AXIS)}"/><text class="tick" x="${x}" y="${String(height - 6)}" text-anchor="middle">${formatSeconds(seconds)}</text>`;
  });
  return `<svg viewBox="0 0 ${String(WIDTH)} ${String(height)}" role="img" aria-label="Timeline of the phases">${ticks.join("")}${rows.join("")}</svg>`;
}

function drawPhase(
  { number, title, parts, seconds, status }: PhaseReport,
  y: number,
  scale: number,
  names: readonly string[],
): string {
  const bars = parts.map((part) => {
    const x = LABEL + part.startSeconds * scale;
    const width = Math.max(2, part.seconds * scale);
    const kind =
      part.scenario === null ? 0 : (names.indexOf(part.scenario) % 5) + 1;
    const about = `${part.scenario ?? "all"}: ${formatSeconds(part.seconds)}`;
    return `<rect class="bar s${String(kind)}" x="${x.toFixed(1)}" y="${String(y + 7)}" width="${width.toFixed(1)}" height="${String(ROW - 14)}" rx="3"><title>${escapeMarkup(about)}</title></rect>`;
  });
  const middle = String(y + ROW / 2 + 5);
  return `<text class="label ${status}" x="0" y="${middle}">${String(number)}  ${escapeMarkup(title)}</text>${bars.join("")}<text class="tick" x="${String(WIDTH)}" y="${middle}" text-anchor="end">${status === "skipped" ? "–" : formatSeconds(seconds)}</text>`;
}

/** Round numbers, about five of them. */
function ticksOf(total: number): readonly number[] {
  const rough = total / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step =
    [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough) ??
    rough;
  return Array.from(
    { length: Math.floor(total / step) + 1 },
    (_, index) => index * step,
  );
}

/** A drill's measure of something, and when that was. */
export interface TrendPoint {
  /** ISO 8601. */
  readonly at: string;
  readonly objective: ObjectiveReport;
}

const TREND = {
  width: 440,
  height: 150,
  left: 52,
  right: 12,
  top: 16,
  bottom: 26,
};

/** Seconds: what is less is drawn as this. */
const LEAST = 0.1;

/** Measures against their objective, drill by drill; seconds by powers of ten, for minutes and milliseconds are in one picture. */
export function drawTrend(what: string, points: readonly TrendPoint[]): string {
  const { width, height, left, right, top, bottom } = TREND;
  const objectives = points.map(({ objective }) => objective.objectiveSeconds);
  const measures = points.flatMap(({ objective: { measuredSeconds } }) =>
    measuredSeconds === null ? [] : [measuredSeconds],
  );
  const most = Math.log10(Math.max(10, ...objectives, ...measures) * 2);
  const least = Math.log10(LEAST);
  const y = (seconds: number) =>
    top +
    (height - top - bottom) *
      (1 - (Math.log10(Math.max(LEAST, seconds)) - least) / (most - least));
  const x = (index: number) =>
    points.length === 1
      ? (left + width - right) / 2
      : left +
        8 +
        ((width - left - right - 16) * index) / Math.max(1, points.length - 1);
  const grid = [0.1, 1, 10, 60, 600, 3600, 86_400]
    .filter((seconds) => Math.log10(seconds) <= most)
    .map((seconds) => {
      const at = y(seconds).toFixed(1);
      return `<line class="grid" x1="${String(left)}" y1="${at}" x2="${String(width - right)}" y2="${at}"/><text class="tick" x="${String(left - 6)}" y="${(y(seconds) + 4).toFixed(1)}" text-anchor="end">${shortSeconds(seconds)}</text>`;
    });
  const objectiveLine = points
    .map(
      ({ objective }, index) =>
        `${x(index).toFixed(1)},${y(objective.objectiveSeconds).toFixed(1)}`,
    )
    .join(" ");
  const last = points.at(-1)?.objective.objectiveSeconds ?? 0;
  const lineY = y(last);
  const single = `<line class="objective" x1="${String(left)}" y1="${lineY.toFixed(1)}" x2="${String(width - right)}" y2="${lineY.toFixed(1)}"/>`;
  const line = points
    .flatMap(({ objective: { measuredSeconds } }, index) =>
      measuredSeconds === null
        ? []
        : [`${x(index).toFixed(1)},${y(measuredSeconds).toFixed(1)}`],
    )
    .join(" ");
  const dots = points.map(({ at, objective }, index) => {
    const { measuredSeconds, isMet } = objective;
    const day = at.slice(0, 16).replace("T", " ");
    if (measuredSeconds === null) {
      const cross = x(index).toFixed(1);
      return `<text class="missed" x="${cross}" y="${String(height - bottom - 4)}" text-anchor="middle">✕<title>${escapeMarkup(`${day}: not recovered`)}</title></text>`;
    }
    const about = `${day}: ${formatSeconds(measuredSeconds)} of ${formatSeconds(objective.objectiveSeconds)}`;
    return `<circle class="${isMet === true ? "met" : "missed"}" cx="${x(index).toFixed(1)}" cy="${y(measuredSeconds).toFixed(1)}" r="${index === points.length - 1 ? "5" : "3.5"}"><title>${escapeMarkup(about)}</title></circle>`;
  });
  const days = [points[0], points.length > 1 ? points.at(-1) : undefined].map(
    (point, index) =>
      point === undefined
        ? ""
        : `<text class="tick" x="${(index === 0 ? (points.length === 1 ? x(0) : left) : width - right).toFixed(1)}" y="${String(height - 8)}" text-anchor="${index === 0 ? (points.length === 1 ? "middle" : "start") : "end"}">${escapeMarkup(point.at.slice(0, 10))}</text>`,
  );
  const objective =
    points.length > 1
      ? `<polyline class="objective" points="${objectiveLine}"/>`
      : single;
  return `<svg viewBox="0 0 ${String(width)} ${String(height)}" role="img" aria-label="${escapeMarkup(what)}">${grid.join("")}${objective}<text class="objective-label" x="${String(width - right)}" y="${(lineY - 5).toFixed(1)}" text-anchor="end">objective ${formatSeconds(last)}</text><polyline class="trend" points="${line}"/>${dots.join("")}${days.join("")}</svg>`;
}

function shortSeconds(seconds: number): string {
  if (seconds < 60) {
    return `${String(seconds)} s`;
  }
  if (seconds < 3600) {
    return `${String(seconds / 60)} min`;
  }
  return seconds < 86_400 ? `${String(seconds / 3600)} h` : "1 d";
}
