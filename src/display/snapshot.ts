import Table from "cli-table3";

import type { Manifest } from "../artifact/manifest.js";
import type { Json } from "../core/canonical-json.js";
import type { Change } from "../snapshot/compare.js";
import type { Comparison } from "../snapshot/compare-with-chain.js";
import type { Recompiled } from "../snapshot/recompile.js";
import type { Restored } from "../snapshot/restore.js";
import type { RestoredFile } from "../snapshot/restore-plan.js";
import type {
  CodeSource,
  ContractState,
  Snapshot,
} from "../snapshot/snapshot.js";
import { count, formatBytes, type Paint } from "./text.js";

/** A snapshot and the artifact that it is in. */
export interface SnapshotView {
  readonly path: string;
  readonly manifest: Manifest;
  readonly snapshot: Snapshot;
}

/** What was found out about a snapshot that is whole. */
export interface VerifiedView extends SnapshotView {
  /** Manifests beside it that can't be read. */
  readonly unreadable: readonly string[];
  /** Present when its contracts were compiled again. */
  readonly recompiled?: readonly Recompiled[];
  /** Present when it was compared with the chain. */
  readonly live?: Comparison;
}

export function formatSnapshot(view: SnapshotView, paint: Paint): string {
  const { path, manifest, snapshot } = view;
  const { network, chainId, block, contracts } = snapshot;
  const table = new Table({
    head: ["contract", "kind", "version", "paused", "implementation", "source"],
    style: { head: [], border: [] },
  });
  for (const [name, contract] of Object.entries(contracts)) {
    table.push(rowOf(name, contract, snapshot, paint));
  }
  const { encryption, signature, stored, artifact } = manifest;
  const when = new Date(block.timestamp * 1000).toISOString();
  return [
    `${network} (chainId ${String(chainId)}) at block ${String(block.number)}, ${when}`,
    table.toString(),
    ...wantingSources(snapshot).map(({ name, reason }) =>
      paint("yellow", `! ${name}: ${reason}`),
    ),
    `${paint("bold", artifact)}  ${formatBytes(stored.sizeBytes)}`,
    `  in         ${path.slice(0, -artifact.length - 1)}`,
    `  SHA-256    ${stored.sha256}`,
    `  encrypted  ${encryption === undefined ? "no" : `yes, ${encryption.format}`}`,
    `  signed     ${signature === undefined ? "no" : `yes, by ${signature.publicKey}`}`,
    "",
  ].join("\n");
}

function rowOf(
  name: string,
  contract: ContractState,
  { code }: Snapshot,
  paint: Paint,
): string[] {
  if (contract.kind === "missing") {
    return [name, paint("red", "no code"), "-", "-", contract.proxy, "-"];
  }
  const { kind, version, paused, implementation } = contract;
  return [
    name,
    kind,
    version ?? "-",
    paused === null ? "can't be" : paused ? paint("yellow", "paused") : "no",
    implementation,
    sourceWords(code[implementation]?.source, paint),
  ];
}

function sourceWords(source: CodeSource | undefined, paint: Paint): string {
  return source?.status === "known"
    ? (source.contract.split(":").at(-1) ?? "")
    : paint("yellow", "unknown");
}

/** What can't be done with the implementations in use, for lack of their sources. */
function wantingSources({
  contracts,
  code,
}: Snapshot): { readonly name: string; readonly reason: string }[] {
  return Object.entries(contracts).flatMap(([name, contract]) => {
    const source =
      contract.kind === "missing"
        ? undefined
        : code[contract.implementation]?.source;
    const reason = source === undefined ? undefined : wantOf(source);
    return reason === undefined ? [] : [{ name, reason }];
  });
}

function wantOf(source: CodeSource): string | undefined {
  if (source.status === "unknown") {
    return `its source isn't in the snapshot. ${source.reason}`;
  }
  if (source.buildInfo === null) {
    return "its build info isn't kept, and so neither are its sources; `npx hardhat build --force` makes them anew.";
  }
  return source.metadata === null
    ? "its build has no metadata; `npx hardhat build --force` makes it."
    : undefined;
}

/** For `--json`. */
export function snapshotToJson(
  view: SnapshotView,
): Readonly<Record<string, Json>> {
  const { path, manifest, snapshot } = view;
  const { network, chainId, block, contracts, code } = snapshot;
  const { artifact, stored, plain, encryption, signature } = manifest;
  return {
    artifact,
    path,
    network,
    chainId,
    block: block.number,
    blockHash: block.hash,
    sizeBytes: stored.sizeBytes,
    sha256: stored.sha256,
    archiveSha256: plain.sha256,
    encrypted: encryption?.format ?? null,
    signedBy: signature?.publicKey ?? null,
    contracts: Object.entries(contracts).map(([name, contract]) =>
      contract.kind === "missing"
        ? { name, kind: contract.kind, proxy: contract.proxy }
        : {
            name,
            kind: contract.kind,
            proxy: contract.proxy,
            implementation: contract.implementation,
            codeHash: contract.codeHash,
            version: contract.version,
            paused: contract.paused,
            source: { ...code[contract.implementation]?.source } as Json,
          },
    ),
  };
}

export function formatVerified(view: VerifiedView, paint: Paint): string {
  const { unreadable, recompiled, live } = view;
  return [
    formatSnapshot(view, paint).trimEnd(),
    ...unreadable.map((name) =>
      paint("yellow", `! ${name} can't be read; it may be newer.`),
    ),
    `${paint("green", "✔")} digests, list of files, code hashes, artifacts, deploy.json`,
    ...(recompiled === undefined ? [] : formatRecompiled(recompiled, paint)),
    ...(live === undefined ? [] : formatComparison(live, paint)),
    "",
  ].join("\n");
}

function formatRecompiled(
  recompiled: readonly Recompiled[],
  paint: Paint,
): string[] {
  return recompiled.length === 0
    ? [paint("yellow", "! No sources in it: there was nothing to compile.")]
    : [
        `${paint("green", "✔")} compiled to the same bytecode again:`,
        ...recompiled.map(
          ({ address, contract, match }) =>
            `  ${address}  ${contract}${match === "exact" ? "" : ", but for its metadata"}`,
        ),
      ];
}

function formatComparison(
  { block, changes }: Comparison,
  paint: Paint,
): string[] {
  const at = `block ${String(block.number)}`;
  return changes.length === 0
    ? [`${paint("green", "✔")} the chain is the same at ${at}`]
    : [
        paint("yellow", `! Changed since, at ${at}:`),
        ...changes.map(formatChange),
      ];
}

function formatChange({ contract, field, before, now }: Change): string {
  return `  ${contract}.${field}: ${valueWords(before)} → ${valueWords(now)}`;
}

function valueWords(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** For `--json`. */
export function verifiedToJson(view: VerifiedView): Json {
  const { unreadable, recompiled, live } = view;
  return {
    ...snapshotToJson(view),
    unreadable: [...unreadable],
    ...(recompiled === undefined
      ? {}
      : { recompiled: recompiled.map((one) => ({ ...one })) }),
    ...(live === undefined
      ? {}
      : {
          live: {
            block: Number(live.block.number),
            changed: live.changes.map((change) => ({ ...change })),
          },
        }),
  };
}

/** What restoring does, and what stays as it is. */
export function formatRestorePlan(
  files: readonly RestoredFile[],
  paint: Paint,
): string {
  const same = files.filter(({ action }) => action === "same");
  const changed = files.filter(({ action }) => action !== "same");
  return [
    ...changed.map(({ action, target, apartFrom }) =>
      [
        `  ${paint(action === "new" ? "green" : "yellow", action.padEnd(7))}  ${target}`,
        ...(action === "replace"
          ? ["    what is there is kept beside it"]
          : []),
        ...(apartFrom === undefined
          ? []
          : [`    the project's own ${apartFrom} is another, and stays`]),
      ].join("\n"),
    ),
    ...(same.length === 0
      ? []
      : [
          `  ${count(same.length, "file")} ${same.length === 1 ? "is" : "are"} there already.`,
        ]),
    "",
  ].join("\n");
}

/** What was kept, and what comes next. */
export function formatRestored(
  files: readonly Restored[],
  network: string,
): string {
  const done = files.filter(({ action }) => action !== "same");
  return [
    ...files.flatMap(({ target, kept }) =>
      kept === undefined ? [] : [`${target}: what was there is now ${kept}`],
    ),
    `${count(done.length, "file")} restored.`,
    `Next: \`npx hardhat dr:status --network ${network}\` shows what the chain has otherwise, \`dr:init\` records it. A full \`npx hardhat build\` deletes artifacts whose sources the project hasn't; rollbacks find what they need in layouts/.`,
    "",
  ].join("\n");
}

/** For `--json`. */
export function restoredToJson(
  view: SnapshotView,
  status: "planned" | "done",
  files: readonly Restored[],
): Json {
  const { artifact, network, chainId } = snapshotToJson(view);
  return {
    artifact: artifact ?? null,
    network: network ?? null,
    chainId: chainId ?? null,
    status,
    files: files.map(({ path, target, action, apartFrom, kept }) => ({
      path,
      target,
      action,
      apartFrom: apartFrom ?? null,
      kept: kept ?? null,
    })),
  };
}
