import { BlockReader } from "../chain/block-reader.js";
import type { DrError } from "../core/errors.js";
import type { Address, Hex } from "../core/hex.js";
import { readPaused } from "../proxy/getters.js";
import { isFor, minedTransactions } from "../route/direct/mined.js";
import type { JournalRecord } from "../run/journal.js";
import type { PauseResolution } from "./pause-plan.js";
import type { RecoveryPorts } from "./ports.js";

/** How a contract stands after a pause or an unpause. */
export interface PauseResult {
  readonly name: string;
  readonly paused: boolean | null;
  readonly tx: Hex | null;
  readonly block: number | null;
  /** It was so before; nothing was sent for it. */
  readonly already: boolean;
  /** Why nothing could be done about it. */
  readonly error?: DrError;
}

/** Reads back from the chain what a run was for. */
export async function readPauseResults(
  { rpc }: Pick<RecoveryPorts, "rpc">,
  { intent, already, refused }: PauseResolution,
  records: readonly JournalRecord[],
  proxyOf: (name: string) => Address,
): Promise<PauseResult[]> {
  const reader = await BlockReader.at(rpc);
  const mined = minedTransactions(records);
  const errors = new Map(refused.map(({ name, error }) => [name, error]));
  const names = [
    ...intent.contracts.map(({ name }) => name),
    ...already,
    ...errors.keys(),
  ];
  return await Promise.all(
    names.map(async (name) => {
      const transaction = mined.findLast((one) => isFor(one, name));
      const error = errors.get(name);
      return {
        name,
        paused: (await readPaused(reader, proxyOf(name))) ?? null,
        tx: transaction?.hash ?? null,
        block: transaction === undefined ? null : Number(transaction.block),
        already: already.includes(name),
        ...(error === undefined ? {} : { error }),
      };
    }),
  );
}
