import type { DrError } from "../../core/errors.js";
import { isDrError } from "../../core/errors.js";
import type { Address, Hex } from "../../core/hex.js";
import { readOwnHashes } from "../../run/own-hashes.js";
import {
  listManagedOperations,
  type ListedManagedOperation,
} from "../../timelock/managed-operation-log.js";
import {
  listOperations,
  type ListedOperation,
} from "../../timelock/operation-log.js";
import { labelCalls, type LabelSource } from "./call-labels.js";

/** Something scheduled, with a TimelockController or an AccessManager. */
export type ScheduledOperation =
  | ({
      readonly kind: "timelock";
      readonly contract: Address;
    } & ListedOperation)
  | ({
      readonly kind: "access-manager";
      readonly contract: Address;
    } & ListedManagedOperation);

export type OperationStatus =
  "waiting" | "ready" | "done" | "cancelled" | "expired";

/** The same for people: what it does, how it stands, and who wanted it. */
export interface OperationReport {
  readonly kind: ScheduledOperation["kind"];
  /** The timelock or the AccessManager. */
  readonly contract: Address;
  readonly id: Hex;
  readonly status: OperationStatus;
  /** Unix seconds; of those that are waiting or ready. */
  readonly readyAt?: bigint;
  /** Unix seconds; an AccessManager's only. */
  readonly expiresAt?: bigint;
  readonly calls: readonly {
    readonly to: Address;
    readonly value: bigint;
    readonly data: Hex;
    readonly label: string;
  }[];
  /** Undefined for none. */
  readonly predecessor?: Hex;
  /** Of a timelock's; undefined when it isn't known. */
  readonly salt?: Hex;
  readonly scheduledTx: Hex;
  /** An AccessManager's caller, or who made the transaction, where that is known. */
  readonly scheduledBy?: Address;
  /** The run of this machine that scheduled it; undefined for a stranger's. */
  readonly run?: string;
  /** The transaction that executed or cancelled it. */
  readonly endedTx?: Hex;
}

/** Procedures that speak of operations which others scheduled. */
const FOREIGN: readonly string[] = ["timelock-execute", "timelock-cancel"];

/** What some timelocks and AccessManagers were given, read at the reader's block. */
export async function listScheduled(
  {
    reader,
    governance: { timelocks, managers },
  }: Pick<LabelSource, "reader" | "governance">,
  wanted: "all" | "pending",
): Promise<readonly ScheduledOperation[]> {
  const found = await Promise.all([
    ...timelocks.map(async (contract) =>
      (await listOperations(reader, contract, 0n, wanted)).map(
        (one): ScheduledOperation => ({ kind: "timelock", contract, ...one }),
      ),
    ),
    ...managers.map(async (contract) =>
      (await listManagedOperations(reader, contract, 0n, wanted)).map(
        (one): ScheduledOperation => ({
          kind: "access-manager",
          contract,
          ...one,
        }),
      ),
    ),
  ]);
  return found.flat();
}

/**
 * Reports of them, strangers' pending ones first, then the others that are
 * pending, then what has ended.
 */
export async function reportOperations(
  source: LabelSource,
  wanted: "all" | "pending",
): Promise<readonly OperationReport[]> {
  const operations = await listScheduled(source, wanted);
  if (operations.length === 0) {
    return [];
  }
  const own = await readOwnHashes(source.ports.folder, (procedure) =>
    FOREIGN.includes(procedure),
  );
  const reports: OperationReport[] = [];
  for (const operation of operations) {
    const run = own.get(operation.scheduledAt.tx) ?? own.get(operation.id);
    reports.push(await report(source, operation, run));
  }
  return reports.sort((a, b) => rank(a) - rank(b));
}

async function report(
  source: LabelSource,
  operation: ScheduledOperation,
  run: string | undefined,
): Promise<OperationReport> {
  const { kind, contract, id, scheduledAt } = operation;
  const calls = callsOf(operation);
  const labels = await labelCalls(source, calls);
  const endedTx = endingOf(operation);
  const by =
    operation.kind === "access-manager" ? operation.caller : scheduledAt.sender;
  return {
    kind,
    contract,
    id,
    ...standingOf(operation),
    calls: calls.map((call, index) => ({
      ...call,
      label: labels[index] ?? call.to,
    })),
    ...conditionsOf(operation),
    scheduledTx: scheduledAt.tx,
    ...(by === undefined ? {} : { scheduledBy: by }),
    ...(run === undefined ? {} : { run }),
    ...(endedTx === undefined ? {} : { endedTx }),
  };
}

export function callsOf(
  operation: ScheduledOperation,
): ListedOperation["calls"] {
  return operation.kind === "timelock"
    ? operation.calls
    : [{ to: operation.target, value: 0n, data: operation.data }];
}

function conditionsOf(
  operation: ScheduledOperation,
): Pick<OperationReport, "predecessor" | "salt"> {
  if (operation.kind === "access-manager") {
    return {};
  }
  const { predecessor, salt } = operation;
  return {
    ...(BigInt(predecessor) === 0n ? {} : { predecessor }),
    ...(salt === undefined ? {} : { salt }),
  };
}

/** The transaction that executed or cancelled it, where the log tells. */
export function endingOf(operation: ScheduledOperation): Hex | undefined {
  const { state } = operation;
  switch (state.status) {
    case "executed":
    case "cancelled":
      return state.tx;
    case "done":
      return operation.kind === "timelock" ? operation.executedTx : undefined;
    case "unset":
      return operation.kind === "timelock" ? operation.cancelledTx : undefined;
    case "waiting":
    case "ready":
    case "expired":
      return undefined;
  }
}

function standingOf(
  operation: ScheduledOperation,
): Pick<OperationReport, "status" | "readyAt" | "expiresAt"> {
  const { state } = operation;
  switch (state.status) {
    case "waiting":
    case "ready":
      return state;
    case "expired":
      return { status: "expired", expiresAt: state.expiredAt };
    case "executed":
    case "done":
      return { status: "done" };
    case "cancelled":
    case "unset":
      return { status: "cancelled" };
  }
}

function rank({ status, run }: OperationReport): number {
  const isPending = status === "waiting" || status === "ready";
  return isPending ? (run === undefined ? 0 : 1) : 2;
}

/**
 * The same without what deploy.json calls a timelock and is none.
 *
 * @returns the reports, and what was wrong with the rest.
 */
export async function tryReportOperations(source: LabelSource): Promise<{
  readonly operations: readonly OperationReport[];
  readonly problem?: DrError;
}> {
  try {
    return { operations: await reportOperations(source, "pending") };
  } catch (error) {
    const named = source.file.governance?.timelock;
    if (!isDrError(error, "NOT_A_TIMELOCK") || named === undefined) {
      throw error;
    }
    const { timelocks, managers } = source.governance;
    const governance = {
      timelocks: timelocks.filter((address) => address !== named),
      managers,
    };
    const operations = await reportOperations(
      { ...source, governance },
      "pending",
    );
    return { operations, problem: error };
  }
}
