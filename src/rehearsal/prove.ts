import { BlockReader } from "../chain/block-reader.js";
import { explainRevert } from "../chain/revert-reason.js";
import type { RpcOutcome } from "../chain/rpc.js";
import { DrError } from "../core/errors.js";
import type { Address } from "../core/hex.js";
import { readDeployFile } from "../deployments/read.js";
import { findContract } from "../deployments/select.js";
import { readContractAbi } from "../recovery/contract-abi.js";
import type { RecoveryPorts } from "../recovery/ports.js";
import { MemoryJournal } from "../run/journal.js";
import type { Plan } from "../run/plan.js";
import { applyPlan } from "../run/runner.js";
import type { Fork } from "./fork.js";
import {
  compareViews,
  lookAt,
  sendersWhoPass,
  viewsOf,
  type Look,
  type ViewComparison,
} from "./look.js";
import { encodeProofCall, type ProofRequest } from "./proof-request.js";

/** That a pause stops a call: it passed before, and now it doesn't. */
export interface Proof {
  readonly call: string;
  readonly contract: string;
  readonly proxy: Address;
  /** Those it was tried from who could make it before. */
  readonly senders: readonly Address[];
  /** Why it reverts now. */
  readonly reason: string;
  /** Whether that is a pause's own refusal, as OpenZeppelin words it. */
  readonly refusedAsPaused: boolean;
  /** Empty when the ABI isn't known. */
  readonly views: ViewComparison;
}

export interface ProofPorts {
  readonly fork: Fork;
  readonly recovery: RecoveryPorts;
  /** Who may be the caller; a stranger is always tried too. */
  readonly callers: readonly Address[];
}

/** Nobody's address. */
const STRANGER: Address = "0x00000000000000000000000000000000D15a57e3";

/** EnforcedPause(), and the words of OpenZeppelin 4. */
const PAUSED_WORDS = /EnforcedPause|Pausable: paused/;

/**
 * Pauses on a fork and shows what it stops. What was before is read at a block
 * of the same height and time, so that nothing but the pause is between.
 *
 * @throws {DrError} PROOF_INVALID, PROOF_INCONCLUSIVE, PROOF_FAILED, and what
 * stops the pause itself.
 */
export async function provePause(
  { fork, recovery, callers }: ProofPorts,
  plan: Plan,
  request: ProofRequest,
): Promise<Proof> {
  const target = await findTarget(recovery, request);
  const data = encodeProofCall(request, target.abi);
  const views = viewsOf(target.abi ?? []);
  const look = async (): Promise<Look> =>
    await lookAt(await BlockReader.at(fork.rpc), {
      proxy: target.proxy,
      data,
      callers: [...callers, STRANGER],
      views,
    });

  const snapshot = await fork.rpc.request("evm_snapshot");
  await applyOnFork(plan, recovery);
  const after = await look();
  await fork.rpc.request("evm_revert", [snapshot]);
  await mineUpTo(fork, after.reader);
  const before = await look();

  const senders = sendersWhoPass(before);
  if (senders.length === 0) {
    throw new DrError("PROOF_INCONCLUSIVE", {
      call: request.text,
      senders: before.calls.map(({ from }) => from).join(", "),
      reason: reasonOf(before.calls[0]?.outcome),
    });
  }
  const [sender] = sendersWhoPass(after);
  if (sender !== undefined) {
    throw new DrError("PROOF_FAILED", { call: request.text, sender });
  }
  const refusal = after.calls.find(({ from }) => senders.includes(from));
  const reason = reasonOf(refusal?.outcome);
  return {
    call: request.text,
    contract: request.name,
    proxy: target.proxy,
    senders,
    reason,
    refusedAsPaused: PAUSED_WORDS.test(reason),
    views: compareViews(before, after),
  };
}

async function findTarget(
  ports: RecoveryPorts,
  { name }: ProofRequest,
): Promise<{
  readonly proxy: Address;
  readonly abi: readonly unknown[] | undefined;
}> {
  const [{ file }, reader] = await Promise.all([
    readDeployFile(`${ports.folder}/deploy.json`),
    BlockReader.at(ports.rpc),
  ]);
  const record = findContract(file, name);
  const abi = await readContractAbi(reader, ports, { name, record });
  return { proxy: record.proxy, abi };
}

async function applyOnFork(
  plan: Plan,
  { clock }: RecoveryPorts,
): Promise<void> {
  const journal = new MemoryJournal(clock);
  const outcome = await applyPlan({ plan, journal });
  if (outcome.status === "failed") {
    throw outcome.error;
  }
}

/**
 * Empty blocks to the height and the time at which the paused chain was looked
 * at. Each gets its time said: a busy machine's clock may be past them.
 */
async function mineUpTo(
  { rpc }: Fork,
  { block: { number, timestamp } }: BlockReader,
): Promise<void> {
  const { block: now } = await BlockReader.at(rpc);
  for (let height = now.number + 1n; height <= number; height += 1n) {
    const time = timestamp - (number - height);
    await rpc.request("evm_setNextBlockTimestamp", [`0x${time.toString(16)}`]);
    await rpc.request("evm_mine");
  }
}

function reasonOf(outcome: RpcOutcome | undefined): string {
  return outcome === undefined || outcome.ok
    ? ""
    : explainRevert(outcome.error);
}
