import type { BlockReader } from "../../chain/block-reader.js";
import { DrError } from "../../core/errors.js";
import type { Address, Hex } from "../../core/hex.js";
import { listManagedOperations } from "../../timelock/managed-operation-log.js";
import { readOperationState } from "../../timelock/operation-state.js";
import type { OperationStatus, ScheduledOperation } from "./list.js";

/** Where an operation stands, as an intent remembers it. */
export type OperationPlace =
  | {
      readonly kind: "timelock";
      readonly contract: Address;
      readonly id: Hex;
    }
  | {
      readonly kind: "access-manager";
      readonly contract: Address;
      readonly id: Hex;
      readonly nonce: string;
      /** In which it was scheduled. */
      readonly fromBlock: string;
    };

export function placeOf(operation: ScheduledOperation): OperationPlace {
  const { contract, id, scheduledAt } = operation;
  return operation.kind === "timelock"
    ? { kind: "timelock", contract, id }
    : {
        kind: "access-manager",
        contract,
        id,
        nonce: String(operation.nonce),
        fromBlock: String(scheduledAt.block),
      };
}

/** How it stands at the reader's block. */
export async function readStanding(
  reader: BlockReader,
  place: OperationPlace,
): Promise<OperationStatus> {
  return place.kind === "timelock"
    ? await readTimelocked(reader, place)
    : await readManaged(reader, place);
}

/** @throws {DrError} PLAN_STALE when it isn't as it was when that was approved. */
export async function assertStanding(
  reader: BlockReader,
  place: OperationPlace,
  approved: readonly OperationStatus[],
): Promise<void> {
  const found = await readStanding(reader, place);
  if (!approved.includes(found)) {
    throw new DrError("PLAN_STALE", {
      name: `Operation ${place.id}`,
      what: "state",
      found,
      approved: approved.join(" or "),
    });
  }
}

async function readTimelocked(
  reader: BlockReader,
  { contract, id }: OperationPlace,
): Promise<OperationStatus> {
  const { status } = await readOperationState(reader, contract, id);
  // It was scheduled once: nothing else unsets it.
  return status === "unset" ? "cancelled" : status;
}

/** Of a managed one only the log tells executed from cancelled. */
async function readManaged(
  reader: BlockReader,
  {
    contract,
    id,
    nonce,
    fromBlock,
  }: Extract<OperationPlace, { readonly kind: "access-manager" }>,
): Promise<OperationStatus> {
  const operations = await listManagedOperations(
    reader,
    contract,
    BigInt(fromBlock),
  );
  const own = operations.find(
    (one) => one.id === id && one.nonce === BigInt(nonce),
  );
  const status = own?.state.status ?? "cancelled";
  return status === "executed" ? "done" : status;
}
