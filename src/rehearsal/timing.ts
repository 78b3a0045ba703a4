import { readBlock, type BlockRef } from "../chain/block-reader.js";
import type { Rpc } from "../chain/rpc.js";
import type { Moment, StepReport, TimeReport } from "./report.js";

/** Blocks that a chain's pace is taken from. */
const SAMPLE = 100n;

/** Seconds from block to block, on average; 0 for a chain that has just begun. */
export async function readBlockSeconds(
  rpc: Rpc,
  latest: BlockRef,
): Promise<number> {
  const count = latest.number < SAMPLE ? latest.number : SAMPLE;
  if (count === 0n) {
    return 0;
  }
  const earlier = await readBlock(rpc, latest.number - count);
  return Number(latest.timestamp - earlier.timestamp) / Number(count);
}

/**
 * When contracts were paused and when all was well again. Transactions of one
 * step go out together, so that each step waits for one block, and for those
 * that confirm it.
 */
export function measureTime(
  procedure: string,
  steps: readonly StepReport[],
  pace: Pick<TimeReport, "planned" | "blockSeconds" | "confirmations">,
): TimeReport {
  const moment = (last: number): Moment => {
    const until = steps.slice(0, last + 1);
    const seconds = until.reduce((sum, step) => sum + step.seconds, 0);
    const sending = until.filter(({ transactions }) => transactions.length > 0);
    const blocks = sending.length * pace.confirmations;
    const measured = pace.planned + seconds;
    const waitsSeconds = until.reduce(
      (sum, step) => sum + step.waitsSeconds,
      0,
    );
    return {
      seconds: measured,
      blocks,
      waitsSeconds,
      onChainSeconds: measured + blocks * pace.blockSeconds + waitsSeconds,
    };
  };
  const isPause = ({ id }: StepReport): boolean => /^pause(:|$)/.test(id);
  const lastPause = steps.findLastIndex(isPause);
  const lastOnChain = steps.findLastIndex(({ id }) => id !== "record");
  return {
    ...pace,
    paused:
      lastPause >= 0 && steps.filter(isPause).every(isDone)
        ? moment(lastPause)
        : null,
    recovered:
      /^(rollback|upgrade|emergency)$/.test(procedure) &&
      lastOnChain >= 0 &&
      steps.every(isDone)
        ? moment(lastOnChain)
        : null,
  };
}

function isDone({ status }: StepReport): boolean {
  return status === "done" || status === "already";
}
