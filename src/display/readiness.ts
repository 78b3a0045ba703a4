import Table from "cli-table3";

import type { Json } from "../core/canonical-json.js";
import { formatAge } from "../core/duration.js";
import type { Readiness } from "../readiness/readiness.js";
import type { ReadinessItem, ReadinessProof } from "../readiness/item.js";
import type { ProofSummary } from "../readiness/summary.js";
import { formatSeconds } from "./drill-charts.js";
import { count, printable, type Paint } from "./text.js";

/** What is proven, the most urgent first, with the way out of what isn't. */
export function formatReadiness(readiness: Readiness, paint: Paint): string {
  const { project, network, items, problems, isReady, at } = readiness;
  const table = new Table({
    head: ["", "what", "proven", "by", "took"],
    style: { head: [], border: [] },
  });
  for (const item of items) {
    table.push(rowOf(item, at, paint));
  }
  const open = items.filter(({ status }) => status !== "proven");
  return [
    `${project} on ${network}${chainOf(readiness)}`,
    table.toString(),
    ...open.map((item) => explain(item, network, paint)),
    ...problems.map(
      (problem) =>
        `${paint("yellow", "!")} doesn't count: ${printable(problem)}`,
    ),
    isReady
      ? paint("green", `All of it is proven: ${count(items.length, "proof")}.`)
      : paint(
          "red",
          `${String(open.length)} of ${String(items.length)} ${open.length === 1 ? "isn't" : "aren't"} proven.`,
        ),
    "",
  ].join("\n");
}

function chainOf({ chainId, block }: Readiness): string {
  return chainId === undefined || block === undefined
    ? ""
    : ` (chainId ${String(chainId)}) at block ${String(block)}`;
}

function rowOf(item: ReadinessItem, now: Date, paint: Paint): string[] {
  const { status, proof } = item;
  const styles = {
    failed: "red",
    missing: "red",
    stale: "yellow",
    unknown: "yellow",
    proven: "green",
  } as const;
  return [
    paint(styles[status], status),
    titleOf(item),
    proof === null ? "never" : `${formatAge(proof.at, now)} ago`,
    proof?.by ?? "-",
    proof === null ? "-" : formatSpeed(proof, paint),
  ];
}

function formatSpeed(
  { seconds, objectiveSeconds }: ReadinessProof,
  paint: Paint,
): string {
  if (seconds === null) {
    return "-";
  }
  const took = formatSeconds(seconds);
  if (objectiveSeconds === null) {
    return took;
  }
  const objective = formatSeconds(objectiveSeconds);
  return seconds > objectiveSeconds
    ? paint("red", `${took} instead of ${objective}`)
    : `${took} of ${objective}`;
}

const TITLES: Readonly<Record<string, string>> = {
  pause: "pausing the contracts",
  rollback: "rolling the contracts back",
  emergency: "pause and rollback in one transaction",
  "database-restore": "restoring the database",
  "deployments-restore": "restoring the deployments folder",
  "files-restore": "restoring files",
  "complete-loss": "complete loss, from offsite",
};

/** For people; a target's name is theirs. */
export function titleOf({ subject }: Pick<ReadinessItem, "subject">): string {
  if (subject.type === "procedure") {
    const { procedure } = subject;
    return (
      TITLES[procedure] ??
      `restore test of ${procedure.replace("offsite-test:", "")}`
    );
  }
  const { kind, target } = subject;
  const place = target === undefined ? "on this machine" : `in ${target}`;
  return `backups of ${kind} ${place}`;
}

const SHOWN_REASONS = 6;

function explain(item: ReadinessItem, network: string, paint: Paint): string {
  const { reasons } = item;
  const left = reasons.length - SHOWN_REASONS;
  const lines = [
    ...reasons.slice(0, SHOWN_REASONS),
    ...(left > 0 ? [`and ${count(left, "more reason")}: see --json`] : []),
  ];
  return [
    paint("bold", titleOf(item)),
    ...lines.map((line) => `  ${printable(line)}`),
    `  ${paint("dim", "→")} ${wayOut(item, network)}`,
  ].join("\n");
}

/** The command that would prove it. */
export function wayOut(
  {
    subject,
    newest,
    needsBackup,
  }: Pick<ReadinessItem, "subject" | "newest" | "needsBackup">,
  network: string,
): string {
  const on = network === "default" ? "" : ` --network ${network}`;
  if (subject.type === "procedure") {
    const { procedure } = subject;
    if (needsBackup) {
      return "npx hardhat dr:db:backup";
    }
    switch (procedure) {
      case "pause":
      case "rollback":
        return `npx hardhat dr:rehearse ${procedure} --all${on}`;
      case "emergency":
        return `npx hardhat dr:rehearse emergency --all --to previous${on}`;
      case "database-restore":
        return `npx hardhat dr:drill --scenario database-corruption${on}`;
      case "deployments-restore":
      case "files-restore":
      case "complete-loss":
        return `npx hardhat dr:drill --scenario complete-loss${on}`;
      default:
        return `npx hardhat dr:offsite:test --target ${procedure.replace("offsite-test:", "")}`;
    }
  }
  const { kind, target } = subject;
  if (newest === null || needsBackup) {
    return target === undefined
      ? `npx hardhat ${needsBackup ? "dr:snapshot" : "dr:backup"}${on}`
      : `npx hardhat dr:offsite:replicate --target ${target}`;
  }
  return target === undefined
    ? localWayOut(kind, newest)
    : offsiteWayOut(kind, target);
}

function localWayOut(
  kind: "database" | "contracts" | "files" | "configuration",
  newest: string,
): string {
  switch (kind) {
    case "database":
      return `npx hardhat dr:db:verify ${newest}`;
    case "contracts":
      return `npx hardhat dr:snapshot:verify ${newest}`;
    case "files":
    case "configuration":
      return `npx hardhat dr:backup:restore ${newest} --into FOLDER`;
  }
}

function offsiteWayOut(
  kind: "database" | "contracts" | "files" | "configuration",
  target: string,
): string {
  switch (kind) {
    case "database":
    case "contracts":
      return `npx hardhat dr:offsite:test --target ${target} --only ${kind}`;
    case "files":
    case "configuration":
      return `npx hardhat dr:offsite:restore ${kind} --target ${target} --into FOLDER`;
  }
}

export function readinessToJson(readiness: Readiness): Json {
  const { chainId, block, at, maxAgeMs, items, problems } = readiness;
  const { project, network, isReady } = readiness;
  return {
    status: isReady ? "ready" : "not ready",
    project,
    network,
    chainId: chainId ?? null,
    block: block === undefined ? null : Number(block),
    at: at.toISOString(),
    maxAgeSeconds: maxAgeMs / 1000,
    items: items.map((item) => itemToJson(item, readiness)),
    problems: [...problems],
  };
}

function itemToJson(item: ReadinessItem, { at, network }: Readiness): Json {
  const { subject, status, reasons, proof, newest } = item;
  return {
    ...(subject.type === "procedure"
      ? { type: subject.type, procedure: subject.procedure }
      : {
          type: subject.type,
          kind: subject.kind,
          place: subject.target ?? "local",
        }),
    status,
    reasons: [...reasons],
    newest,
    proof: proof === null ? null : proofToJson(proof, at),
    fix: status === "proven" ? null : wayOut(item, network),
  };
}

function proofToJson(proof: ReadinessProof, now: Date): Json {
  const { at, by, commit, artifact, codeHashes, file } = proof;
  const { seconds, objectiveSeconds } = proof;
  return {
    at: at.toISOString(),
    ageSeconds: Math.floor((now.getTime() - at.getTime()) / 1000),
    by,
    commit,
    artifact,
    codeHashes: { ...codeHashes },
    seconds,
    objectiveSeconds,
    isWithinObjective:
      seconds === null || objectiveSeconds === null
        ? null
        : seconds <= objectiveSeconds,
    file,
  };
}

/** Two lines: when something was proven last, and what isn't. */
export function formatProofSummary(
  { last, items }: ProofSummary,
  now: Date,
  paint: Paint,
): string {
  const open = items.filter(({ status }) => status !== "proven");
  const proven = `${String(items.length - open.length)} of ${count(items.length, "procedure")} proven`;
  const when =
    last === undefined
      ? "none ever"
      : `last ${formatAge(last.at, now)} ago by ${last.by}`;
  const rest = open.map((item) => `${titleOf(item)} (${item.status})`);
  return [
    `${paint("bold", "Proofs")}  ${proven}, ${when}`,
    ...(rest.length === 0
      ? []
      : [
          `  ${paint("yellow", rest.join(", "))}: see \`npx hardhat dr:readiness\``,
        ]),
    "",
  ].join("\n");
}

export function proofSummaryToJson({ last, items }: ProofSummary): Json {
  return {
    last:
      last === undefined ? null : { at: last.at.toISOString(), by: last.by },
    procedures: items.map((item) => ({
      procedure:
        item.subject.type === "procedure" ? item.subject.procedure : null,
      status: item.status,
      reasons: [...item.reasons],
    })),
  };
}
