import type { Json } from "../core/canonical-json.js";
import type { Difference } from "../deployments/difference.js";
import type { Found } from "../deployments/discover.js";
import type { HistoryGap } from "../deployments/chain-history.js";
import type { PreparedInit } from "../session/prepare-init.js";
import type { Paint } from "./text.js";

/** What was found, what it changes, and what couldn't be found out. */
export function formatInit(
  { plan, target, discovery, block }: PreparedInit,
  paint: Paint,
): string {
  const lines = [
    paint("bold", `${target.path} (${plan.status}), block ${String(block)}`),
    ...discovery.found
      .filter((found) => !plan.implementationsOnly.includes(found))
      .map(formatFound),
    ...plan.implementationsOnly.map(
      ({ sought }) =>
        `  ${paint("dim", `${sought.name} ${sought.address}: only an implementation, left out`)}`,
    ),
    ...discovery.missing.map(
      ({ name, address, source }) =>
        `  ${paint("yellow", "!")} ${name} ${address}: no code there (${source ?? ""})`,
    ),
    ...discovery.found.flatMap(({ name, gaps }) =>
      gaps.map((gap) => `  ${paint("yellow", "!")} ${name}: ${formatGap(gap)}`),
    ),
    ...plan.differences.flatMap((difference) =>
      formatDifference(difference, paint),
    ),
  ];
  return `${lines.join("\n")}\n`;
}

function formatFound({ name, record }: Found): string {
  const { history, implementations } = record;
  const current = history.at(-1);
  const version =
    current === undefined
      ? undefined
      : implementations[current.implementation]?.version;
  const shown = [
    `  ${name}`,
    record.proxy,
    record.kind,
    current?.implementation ?? "",
    version ?? "",
  ];
  const count = `${String(history.length)} ${history.length === 1 ? "entry" : "entries"}`;
  return `${shown.join("  ").trimEnd()}  (${count} of history)`;
}

function formatGap(gap: HistoryGap): string {
  switch (gap.kind) {
    case "start-unknown":
      return "what it had before the first entry is unknown: this node has no old state; an archive node would tell";
    case "unlogged-change":
      return `its logs end with ${gap.logged}, but the slot holds ${gap.current}: changed without a log, the slot counts`;
    case "earlier-beacon":
      return `it had another beacon until after block ${String(gap.block)}: ${gap.beacon}, whose history isn't here`;
  }
}

/** `- path: before` and `+ path: after`, as in a diff. */
function formatDifference(
  { path, before, after }: Difference,
  paint: Paint,
): string[] {
  return [
    ...(before === undefined
      ? []
      : [paint("red", `  - ${path}: ${JSON.stringify(before)}`)]),
    ...(after === undefined
      ? []
      : [paint("green", `  + ${path}: ${JSON.stringify(after)}`)]),
  ];
}

/** For `--json`. */
export function initToJson(
  { plan, target, discovery, block }: PreparedInit,
  network: string,
  written: boolean,
): Json {
  const { file, status, differences } = plan;
  const isLeftOut = (found: Found): boolean =>
    plan.implementationsOnly.includes(found);
  return toJson({
    network,
    chainId: file.chainId,
    block,
    file: target.path,
    status,
    written,
    contracts: discovery.found
      .filter((found) => !isLeftOut(found))
      .map(({ name, record, gaps }) => ({ name, ...record, gaps })),
    leftOut: discovery.found
      .filter(isLeftOut)
      .map(({ sought }) => ({ name: sought.name, address: sought.address })),
    missing: discovery.missing.map(({ name, address }) => ({ name, address })),
    differences: differences.map(({ path, before, after }) => ({
      path,
      before: before ?? null,
      after: after ?? null,
    })),
  });
}

/** Block numbers fit into a JSON number. */
function toJson(value: unknown): Json {
  return JSON.parse(
    JSON.stringify(value, (_, found: unknown) =>
      typeof found === "bigint" ? Number(found) : found,
    ),
  ) as Json;
}
