import { BlockReader } from "../chain/block-reader.js";
import { explainRevert } from "../chain/revert-reason.js";
import type { Address, Hex } from "../core/hex.js";
import type { DeployFile } from "../deployments/deploy-file.js";
import type { ImplementationPlaces } from "../implementation/implementation-source.js";
import { encodeExecTransaction } from "../safe/execution.js";
import { explainSafeRevert } from "../safe/gs-codes.js";
import type { Proposal, SimulationReport } from "../safe/proposal.js";
import { readSafeState } from "../safe/safe-state.js";
import { assembleSignatures } from "../safe/signature.js";
import { approveAsOwners } from "./approve-as-owner.js";
import { impersonate, type Fork } from "./fork.js";
import { readNaming, type Naming } from "./naming.js";
import { readTransactionsAfter } from "./transactions.js";

/** `nonce` of a Safe, 1.0 to 1.5. */
const NONCE_SLOT: Hex = `0x${"5".padStart(64, "0")}`;

/** Anybody may execute: somebody who is nobody else. */
const SENDER: Address = "0x00000000000000000000000000000000D15a57E3";

/** Where the words for addresses and slots come from. */
export interface SimulationSources {
  readonly file: DeployFile;
  readonly places: ImplementationPlaces;
}

/**
 * Executes a Safe's transaction on a fork, as if its owners had said yes and
 * its turn had come.
 */
export async function simulateOnFork(
  fork: Fork,
  proposal: Proposal,
  sources: SimulationSources,
): Promise<SimulationReport> {
  const { safe, transaction } = proposal;
  await prepareSafe(fork, proposal);
  await impersonate(fork, SENDER);
  const reader = await BlockReader.at(fork.rpc);
  const state = await readSafeState(reader, safe);
  const { address, version } = state;
  const domain = { chainId: BigInt(proposal.chainId), safe: address, version };
  const signatures = await assembleSignatures(
    reader,
    state,
    domain,
    transaction,
    [],
  );
  const data = encodeExecTransaction(transaction, signatures);
  const outcome = await reader.callRaw({ from: SENDER, to: safe, data });
  if (!outcome.ok) {
    return {
      block: Number(fork.origin.number),
      status: "failed",
      reason: explainSafeRevert(explainRevert(outcome.error)),
      changes: [],
    };
  }
  await fork.provider.request({
    method: "eth_sendTransaction",
    params: [{ from: SENDER, to: safe, data }],
  });
  return await reportExecution(fork, reader, sources);
}

/** Its turn has come, and as many owners as it asks for have approved. */
async function prepareSafe(
  fork: Fork,
  { safe, safeTxHash, transaction }: Proposal,
): Promise<void> {
  await fork.provider.request({
    method: "hardhat_setStorageAt",
    params: [safe, NONCE_SLOT, word(transaction.nonce)],
  });
  await approveAsOwners(fork, safe, safeTxHash);
}

async function reportExecution(
  fork: Fork,
  { block }: BlockReader,
  { file, places }: SimulationSources,
): Promise<SimulationReport> {
  const [execution] = await readTransactionsAfter(fork.rpc, block.number);
  const before = await BlockReader.at(fork.rpc, block.number);
  const naming = await readNaming(before, file, places, new Map());
  const lines = (execution?.changes ?? []).map(
    async ({ address, storage }) =>
      await Promise.all(
        storage.map(
          async ({ slot, before: then, after }) =>
            `${await describe(naming, address, slot)}: ${shorten(then)} → ${shorten(after)}`,
        ),
      ),
  );
  return {
    block: Number(fork.origin.number),
    status: execution?.status === "success" ? "success" : "failed",
    gasUsed: Number(execution?.gasUsed ?? 0n),
    changes: (await Promise.all(lines)).flat(),
  };
}

async function describe(
  naming: Naming,
  address: Address,
  slot: Hex,
): Promise<string> {
  const label = await naming.labelOf(address, slot);
  return `${naming.nameOf(address) ?? address} ${label ?? slot}`;
}

/** A word without its leading zeros. */
function shorten(text: Hex): string {
  return text.replace(/^0x0+(?=.)/, "0x");
}

function word(value: bigint): Hex {
  return `0x${value.toString(16).padStart(64, "0")}`;
}
