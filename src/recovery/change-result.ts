import { BlockReader } from "../chain/block-reader.js";
import type { Address, Hex } from "../core/hex.js";
import { readPaused, readVersion } from "../proxy/getters.js";
import { isFor, minedTransactions } from "../route/direct/mined.js";
import type { JournalRecord } from "../run/journal.js";
import { readImplementation } from "./change-actions.js";
import type { ChangeIntent } from "./change-intent.js";
import type { RecoveryPorts } from "./ports.js";

/** How a contract stands after a change of implementation. */
export interface ChangeResult {
  readonly name: string;
  readonly from: Address;
  readonly to: Address;
  /** Where it points as this is read. */
  readonly now: Address;
  readonly versionBefore: string | null;
  readonly versionAfter: string | null;
  readonly paused: boolean | null;
  readonly txs: readonly {
    readonly step: string;
    readonly tx: Hex;
    readonly block: number;
  }[];
}

/** Reads back from the chain what a run was for. */
export async function readChangeResults(
  { rpc }: Pick<RecoveryPorts, "rpc">,
  { contracts }: ChangeIntent,
  records: readonly JournalRecord[],
): Promise<ChangeResult[]> {
  const reader = await BlockReader.at(rpc);
  const mined = minedTransactions(records);
  return await Promise.all(
    contracts.map(async ({ name, proxy, from, to, versionBefore }) => {
      const [version, paused, now] = await Promise.all([
        readVersion(reader, proxy),
        readPaused(reader, proxy),
        readImplementation(reader, { name, proxy }),
      ]);
      return {
        name,
        from,
        to,
        now,
        versionBefore: versionBefore ?? null,
        versionAfter: version ?? null,
        paused: paused ?? null,
        txs: mined
          .filter((one) => isFor(one, name))
          .map(({ step, hash, block }) => ({
            step,
            tx: hash,
            block: Number(block),
          })),
      };
    }),
  );
}
