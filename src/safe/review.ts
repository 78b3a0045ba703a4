import type { BlockReader } from "../chain/block-reader.js";
import { findDangers, type Danger } from "./danger.js";
import { decodeMultiSend, type InnerCall } from "./multi-send.js";
import { isMultiSend } from "./multi-send-addresses.js";
import type { SafeState } from "./safe-state.js";
import type { SafeTransaction } from "./transaction.js";

/** What a transaction does, decoded from its own data and from nothing else. */
export interface TransactionReview {
  /** In order; the transaction itself when it is one call. */
  readonly calls: readonly InnerCall[];
  readonly dangers: readonly Danger[];
  /** Safe's own MultiSend makes the calls, all or none. */
  readonly goesThroughMultiSend: boolean;
}

export async function reviewTransaction(
  reader: BlockReader,
  state: SafeState,
  transaction: SafeTransaction,
): Promise<TransactionReview> {
  const { to, value, data, operation } = transaction;
  const goesThroughMultiSend =
    operation === 1 && (await isMultiSend(reader, to));
  const calls = goesThroughMultiSend
    ? decodeMultiSend(data)
    : [{ operation, to, value, data }];
  return {
    calls: calls ?? [{ operation, to, value, data }],
    dangers: findDangers(state, transaction, calls, goesThroughMultiSend),
    goesThroughMultiSend,
  };
}
