import type { BlockReader, BlockRef } from "../../chain/block-reader.js";
import { isDrError } from "../../core/errors.js";
import type { Address } from "../../core/hex.js";
import { readExpirationSeconds } from "../../timelock/managed-operation.js";
import { readMinDelay } from "../../timelock/operation-state.js";
import { readWorld, type RecoveryPorts } from "../ports.js";
import { readGovernance, type Governance } from "./governance.js";
import { reportOperations, type OperationReport } from "./list.js";

/** What is scheduled over a network's contracts, all read at one block. */
export interface Operations {
  readonly network: string;
  readonly chainId: number;
  readonly block: BlockRef;
  readonly governance: Governance;
  readonly operations: readonly OperationReport[];
}

/**
 * @param contract - A timelock or an AccessManager; default: deploy.json's
 * timelock and all that stand over its contracts.
 * @throws {DrError} NOT_A_TIMELOCK, and what reading deploy.json may throw.
 */
export async function readOperations(
  ports: RecoveryPorts,
  { contract, all }: { readonly contract?: Address; readonly all: boolean },
): Promise<Operations> {
  const world = await readWorld(ports);
  const { reader, chainId, document } = world;
  const governance =
    contract === undefined
      ? await readGovernance(world)
      : await governanceAt(reader, contract);
  const operations = await reportOperations(
    { reader, ports, file: document.file, governance },
    all ? "all" : "pending",
  );
  const { block } = reader;
  return { network: ports.network, chainId, block, governance, operations };
}

/** Whichever of the two this address is. @throws {DrError} NOT_A_TIMELOCK when neither. */
export async function governanceAt(
  reader: BlockReader,
  address: Address,
): Promise<Governance> {
  try {
    await readMinDelay(reader, address);
    return { timelocks: [address], managers: [] };
  } catch (error) {
    if (!isDrError(error, "NOT_A_TIMELOCK")) {
      throw error;
    }
    try {
      await readExpirationSeconds(reader, address);
      return { timelocks: [], managers: [address] };
    } catch (other) {
      throw isDrError(other, "NOT_AN_ACCESS_MANAGER") ? error : other;
    }
  }
}
