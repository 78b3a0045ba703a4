import type { Json } from "../core/canonical-json.js";
import { formatTime } from "../core/time.js";
import type { OperationReport } from "../recovery/operations/list.js";
import type { Operations } from "../recovery/operations/read.js";
import { indent, type Paint } from "./text.js";

const STYLES = {
  waiting: "yellow",
  ready: "green",
  done: "dim",
  cancelled: "dim",
  expired: "dim",
} as const;

const PLACES = {
  timelock: "timelock",
  "access-manager": "AccessManager",
} as const;

/** @param now - Unix seconds of the block they were read at. */
export function formatOperations(
  operations: readonly OperationReport[],
  now: bigint,
  paint: Paint,
): string {
  return operations
    .map((operation) => formatOperation(operation, now, paint))
    .join("\n");
}

function formatOperation(
  operation: OperationReport,
  now: bigint,
  paint: Paint,
): string {
  const { id, kind, contract, status, calls, run, scheduledBy } = operation;
  const isStrange =
    run === undefined && (status === "waiting" || status === "ready");
  const by = scheduledBy ?? "an unknown account";
  const origin =
    run === undefined
      ? `by ${by}, not by this machine`
      : `by ${by}, here in ${run}`;
  const details = [
    `with      ${PLACES[kind]} ${contract}`,
    `scheduled ${origin} (${operation.scheduledTx})`,
    ...calls.map(({ label, to, value }) => formatCall(label, to, value)),
    ...(operation.predecessor === undefined
      ? []
      : [`after     ${operation.predecessor}`]),
    ...(kind === "timelock" && operation.salt === undefined
      ? ["salt      unknown: executing it needs --salt"]
      : []),
    ...(operation.endedTx === undefined
      ? []
      : [`by        ${operation.endedTx}`]),
  ];
  const text = `${formatStanding(operation, now)}  ${id}\n${indent(details.join("\n"), 2)}`;
  return isStrange ? paint("red", text) : paint(STYLES[status], text);
}

function formatCall(label: string, to: string, value: bigint): string {
  const where = label.startsWith(to) ? "" : `  →  ${to}`;
  const worth = value === 0n ? "" : `, value ${String(value)} wei`;
  return `does      ${label}${where}${worth}`;
}

function formatStanding(
  { status, readyAt, expiresAt }: OperationReport,
  now: bigint,
): string {
  switch (status) {
    case "waiting":
      return readyAt === undefined
        ? "waiting"
        : `waiting, ready in ${formatCountdown(readyAt - now)} (${formatTime(readyAt)})`;
    case "ready":
      return expiresAt === undefined
        ? "ready"
        : `ready, expires in ${formatCountdown(expiresAt - now)} (${formatTime(expiresAt)})`;
    case "expired":
      return expiresAt === undefined
        ? "expired"
        : `expired ${formatTime(expiresAt)}`;
    case "done":
    case "cancelled":
      return status;
  }
}

/** `2 d 3 h`, `47 min 5 s`: the two largest units. */
function formatCountdown(seconds: bigint): string {
  const parts = [
    [seconds / 86_400n, "d"],
    [(seconds / 3_600n) % 24n, "h"],
    [(seconds / 60n) % 60n, "min"],
    [seconds % 60n, "s"],
  ] as const;
  const first = parts.findIndex(([amount]) => amount > 0n);
  return first === -1
    ? "0 s"
    : parts
        .slice(first, first + 2)
        .filter(([amount]) => amount > 0n)
        .map(([amount, unit]) => `${String(amount)} ${unit}`)
        .join(" ");
}

/** Times in ISO 8601; null where there is nothing to say. */
export function operationToJson(operation: OperationReport): Json {
  const { kind, contract, id, status, readyAt, expiresAt, calls } = operation;
  const { predecessor, salt, scheduledTx, scheduledBy, run, endedTx } =
    operation;
  return {
    kind,
    contract,
    id,
    status,
    readyAt: readyAt === undefined ? null : formatTime(readyAt),
    expiresAt: expiresAt === undefined ? null : formatTime(expiresAt),
    calls: calls.map(({ to, value, data, label }) => ({
      to,
      value: String(value),
      data,
      label,
    })),
    predecessor: predecessor ?? null,
    salt: salt ?? null,
    scheduledTx,
    scheduledBy: scheduledBy ?? null,
    run: run ?? null,
    stranger: run === undefined,
    endedTx: endedTx ?? null,
  };
}

export function formatGovernance(
  { network, chainId, block, governance, operations }: Operations,
  paint: Paint,
): string {
  const places = [
    ...governance.timelocks.map((address) => `timelock ${address}`),
    ...governance.managers.map((address) => `AccessManager ${address}`),
  ];
  const lines = [
    `${network} (chainId ${String(chainId)}) at block ${String(block.number)}, ${formatTime(block.timestamp)}`,
    ...(places.length === 0
      ? ["No timelock and no AccessManager stands over these contracts."]
      : places),
    operations.length === 0
      ? "Nothing is scheduled."
      : formatOperations(operations, block.timestamp, paint),
  ];
  return `${lines.join("\n")}\n`;
}

export function governanceToJson({
  network,
  chainId,
  block,
  governance: { timelocks, managers },
  operations,
}: Operations): Json {
  return {
    network,
    chainId,
    block: Number(block.number),
    timelocks: [...timelocks],
    accessManagers: [...managers],
    operations: operations.map(operationToJson),
  };
}
