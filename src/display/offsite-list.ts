import Table from "cli-table3";

import { formatAge } from "../core/duration.js";
import type { Json } from "../core/canonical-json.js";
import type { DrError } from "../core/errors.js";
import type { Examination, KindBreak } from "../offsite/examine.js";
import type { Inventory, RemoteArtifact } from "../offsite/inventory.js";
import { errorToJson, formatError } from "./error.js";
import { count, formatBytes, indent, type Paint } from "./text.js";

/** What a target has. */
export interface TargetListing {
  readonly target: string;
  readonly address?: string;
  readonly inventory?: Inventory;
  /** Absent when the manifests weren't read. */
  readonly examination?: Examination;
  /** Why there is nothing to show. */
  readonly error?: DrError;
}

/** All backups of a target, the newest first, then what is wrong with them. */
export function formatListing(
  { target, address, inventory, examination, error }: TargetListing,
  now: Date,
  paint: Paint,
): string {
  const head = `${paint("bold", target)}  ${address ?? ""}\n`;
  if (inventory === undefined) {
    return `${head}${error === undefined ? "" : indent(formatError(error, paint), 2)}`;
  }
  const { artifacts, strangers } = inventory;
  return [
    head,
    artifacts.length === 0
      ? "  No backups.\n"
      : formatTable(artifacts, examination, now, paint),
    ...(strangers.length === 0
      ? []
      : [
          `  ${count(strangers.length, "other object")}, none of this project's.\n`,
        ]),
    formatExamination(artifacts, examination, paint),
  ].join("");
}

function formatTable(
  artifacts: readonly RemoteArtifact[],
  examination: Examination | undefined,
  now: Date,
  paint: Paint,
): string {
  const table = new Table({
    head: ["kind", "backup", "age", "size", "state", "proven"],
    style: { head: [], border: [] },
  });
  for (const artifact of artifacts.toReversed()) {
    const { kind, name, artifact: file, createdAt, provenAt } = artifact;
    table.push([
      kind,
      name,
      formatAge(createdAt, now),
      formatBytes(file?.sizeBytes ?? 0),
      formatState(artifact, examination, paint),
      provenAt === undefined ? "-" : `${formatAge(provenAt, now)} ago`,
    ]);
  }
  return `${table.toString()}\n`;
}

const STATES = {
  legacy: "no manifest",
  unfinished: "unfinished",
  orphaned: "incomplete",
} as const;

function formatState(
  { key, status }: RemoteArtifact,
  examination: Examination | undefined,
  paint: Paint,
): string {
  if (status !== "complete") {
    return paint(status === "legacy" ? "yellow" : "red", STATES[status]);
  }
  const signature = examination?.signatures.get(key);
  switch (signature?.status) {
    case "signed":
      return paint("green", "signed");
    case "unsigned":
      return paint("yellow", "unsigned");
    case "refused":
      return paint("red", signature.error.code);
    case undefined:
      return "complete";
  }
}

function formatExamination(
  artifacts: readonly RemoteArtifact[],
  examination: Examination | undefined,
  paint: Paint,
): string {
  if (examination === undefined) {
    const amount = count(artifacts.length, "backup");
    return `  Their manifests weren't read: ${amount}. --manifests reads them, and holds them against each other.\n`;
  }
  const { breaks, manifests } = examination;
  return breaks.length === 0
    ? `  ${count(manifests, "manifest")}: each follows the one before it.\n`
    : breaks
        .map((one) => `  ${paint("red", "BREAK")}  ${describeBreak(one)}\n`)
        .join("");
}

export function describeBreak(one: KindBreak): string {
  switch (one.status) {
    case "unreadable":
      return `${one.name}: its manifest can't be read (${one.reason})`;
    case "damaged":
      return `${one.name}: ${one.reason}`;
    case "missing":
      return `${one.name}: the ${one.kind} backup right before it is gone, was changed, or was never sent (dr:offsite:replicate --since 365d sends what this machine has)${one.after === undefined ? "" : `; before that comes ${one.after}`}`;
    case "forked":
      return `${one.names.join(", ")}: they follow the same ${one.kind} backup; one may have taken another's place`;
    case "replaced":
      return `${one.name}: it isn't the one that was replicated from here`;
    case "deleted":
      return `${one.name}: it was replicated from here, and is gone`;
    case "rolled-back":
      return `${one.name}: it was replicated from here, and is gone; the newest ${one.kind} backup there is ${one.newest ?? "none"}`;
  }
}

export function listingToJson({
  target,
  address,
  inventory,
  examination,
  error,
}: TargetListing): Json {
  return {
    target,
    address: address ?? null,
    backups: (inventory?.artifacts ?? []).map((artifact) =>
      artifactToJson(artifact, examination),
    ),
    others: inventory?.strangers.length ?? 0,
    breaks:
      examination === undefined
        ? null
        : examination.breaks.map((one) => ({ ...one })),
    ...(error === undefined ? {} : { error: errorToJson(error) }),
  };
}

function artifactToJson(
  artifact: RemoteArtifact,
  examination: Examination | undefined,
): Json {
  const { key, name, kind, status, encrypted, createdAt, provenAt } = artifact;
  return {
    key,
    name,
    kind,
    status,
    encrypted,
    createdAt: createdAt.toISOString(),
    sizeBytes: artifact.artifact?.sizeBytes ?? null,
    provenAt: provenAt?.toISOString() ?? null,
    signature: examination?.signatures.get(key)?.status ?? null,
  };
}
