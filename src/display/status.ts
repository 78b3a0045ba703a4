import Table from "cli-table3";

import type { Json } from "../core/canonical-json.js";
import type { Permission } from "../authority/authority.js";
import type { ContractStatus, Status } from "../recovery/status.js";
import { errorToJson } from "./error.js";
import { formatOperations, operationToJson } from "./operations.js";
import { formatPending, pendingToJson } from "./pending.js";
import { indent, type Paint } from "./text.js";

/** How permissions are put into words; the authority layer knows. */
export interface PermissionWords {
  readonly toText: (permission: Permission) => string;
  readonly toJson: (permission: Permission) => Json;
}

/** All contracts, one a row, with what is wrong below. */
export function formatStatus(
  status: Status,
  words: PermissionWords,
  paint: Paint,
): string {
  const { network, chainId, block, contracts } = status;
  const { operations, operationsProblem, safeTransactions } = status;
  const table = new Table({
    head: ["contract", "kind", "version", "paused", "implementation"],
    style: { head: [], border: [] },
  });
  for (const contract of contracts) {
    table.push(rowOf(contract, paint));
  }
  const when = new Date(Number(block.timestamp) * 1000).toISOString();
  return [
    `${network} (chainId ${String(chainId)}) at block ${String(block.number)}, ${when}`,
    table.toString(),
    ...contracts.map((contract) => detailsOf(contract, words, paint)),
    ...(operations.length === 0
      ? []
      : [
          paint("bold", "Scheduled operations"),
          indent(formatOperations(operations, block.timestamp, paint), 2),
        ]),
    ...(operationsProblem === undefined
      ? []
      : [paint("red", operationsProblem.message)]),
    ...formatPending(safeTransactions, paint),
    "",
  ].join("\n");
}

function rowOf(contract: ContractStatus, paint: Paint): string[] {
  if (contract.kind === "missing") {
    return [contract.name, paint("red", "no code"), "-", "-", contract.proxy];
  }
  const { name, kind, version, paused, implementation, bad, drift } = contract;
  const isWrong = bad !== undefined || drift.length > 0;
  return [
    name,
    kind,
    version ?? "-",
    paused === undefined
      ? "can't be"
      : paused
        ? paint("yellow", "paused")
        : "no",
    isWrong ? paint("red", implementation) : implementation,
  ];
}

function detailsOf(
  contract: ContractStatus,
  { toText }: PermissionWords,
  paint: Paint,
): string {
  const lines = [`${paint("bold", contract.name)}  ${contract.proxy}`];
  if (contract.kind !== "missing") {
    const { pauseAuthority, upgradeAuthority, bad, admin, beacon } = contract;
    lines.push(
      ...(admin === undefined ? [] : [`  admin        ${admin}`]),
      ...(beacon === undefined ? [] : [`  beacon       ${beacon}`]),
      `  may pause    ${toText(pauseAuthority)}`,
      `  may upgrade  ${toText(upgradeAuthority)}`,
      ...(bad === undefined ? [] : [paint("red", `  marked bad   ${bad}`)]),
    );
  }
  lines.push(
    ...contract.drift.map(({ field, recorded, found }) =>
      paint(
        "red",
        `  drift        ${field}: deploy.json has ${recorded}, the chain ${found}`,
      ),
    ),
  );
  return lines.join("\n");
}

export function statusToJson(
  status: Status,
  { toJson }: PermissionWords,
): Json {
  const { network, chainId, block, contracts } = status;
  const { operations, operationsProblem, safeTransactions } = status;
  return {
    network,
    chainId,
    block: Number(block.number),
    contracts: contracts.map((contract) => contractToJson(contract, toJson)),
    operations: operations.map(operationToJson),
    ...(operationsProblem === undefined
      ? {}
      : { operationsProblem: errorToJson(operationsProblem) }),
    ...pendingToJson(safeTransactions),
  };
}

function contractToJson(
  contract: ContractStatus,
  toJson: PermissionWords["toJson"],
): Json {
  const drift = contract.drift.map((one) => ({ ...one }));
  if (contract.kind === "missing") {
    const { name, proxy, kind } = contract;
    return { name, proxy, kind, drift };
  }
  return {
    name: contract.name,
    proxy: contract.proxy,
    kind: contract.kind,
    implementation: contract.implementation,
    codeHash: contract.codeHash ?? null,
    version: contract.version ?? null,
    paused: contract.paused ?? null,
    admin: contract.admin ?? null,
    beacon: contract.beacon ?? null,
    bad: contract.bad ?? null,
    pauseAuthority: toJson(contract.pauseAuthority),
    upgradeAuthority: toJson(contract.upgradeAuthority),
    drift,
  };
}
