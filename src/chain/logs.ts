import { isDrError } from "../core/errors.js";
import type { Address, Hex } from "../core/hex.js";
import { RpcResponseError, type Rpc } from "./rpc.js";

export interface Log {
  readonly address: Address;
  readonly topics: readonly Hex[];
  readonly data: Hex;
  readonly blockNumber: bigint;
  readonly transactionHash: Hex;
  readonly logIndex: number;
}

export interface LogFilter {
  readonly address?: Address | readonly Address[];
  readonly topics: readonly (Hex | readonly Hex[] | null)[];
  readonly fromBlock: bigint;
  readonly toBlock: bigint;
}

interface RpcLog {
  readonly address: Address;
  readonly topics: readonly Hex[];
  readonly data: Hex;
  readonly blockNumber: Hex;
  readonly transactionHash: Hex;
  readonly logIndex: Hex;
}

/**
 * Logs in order. A range the node refuses (too many blocks, too many results,
 * too slow) is halved until it answers; after that it grows again.
 *
 * @param findStart - Asked for once, when the whole range is refused: a later
 * block before which there can be none, if that can be found out.
 */
export async function readLogs(
  rpc: Rpc,
  filter: LogFilter,
  findStart?: () => Promise<bigint | undefined>,
): Promise<Log[]> {
  const logs: Log[] = [];
  let from = filter.fromBlock;
  let isWhole = true;
  let span = filter.toBlock - from + 1n;
  while (from <= filter.toBlock) {
    const to = min(from + span - 1n, filter.toBlock);
    try {
      logs.push(...(await readRange(rpc, filter, from, to)));
      from = to + 1n;
      span *= 2n;
    } catch (error) {
      if (span === 1n || !isRangeRefusal(error)) {
        throw error;
      }
      if (isWhole) {
        from = max(from, (await findStart?.()) ?? from);
        isWhole = false;
      }
      span = max(min(span, to - from + 1n) / 2n, 1n);
    }
  }
  return logs;
}

async function readRange(
  rpc: Rpc,
  { address, topics }: LogFilter,
  from: bigint,
  to: bigint,
): Promise<Log[]> {
  const found = (await rpc.request("eth_getLogs", [
    {
      ...(address === undefined ? {} : { address }),
      topics,
      fromBlock: `0x${from.toString(16)}`,
      toBlock: `0x${to.toString(16)}`,
    },
  ])) as RpcLog[];
  return found.map(({ blockNumber, logIndex, ...log }) => ({
    ...log,
    blockNumber: BigInt(blockNumber),
    logIndex: Number(logIndex),
  }));
}

/** Providers word it in a dozen ways; an unknown method or a bad key isn't one. */
function isRangeRefusal(error: unknown): boolean {
  return (
    isDrError(error, "RPC_TIMEOUT") ||
    (error instanceof RpcResponseError &&
      error.code !== -32601 &&
      !/api key|unauthori[sz]ed|forbidden/i.test(error.message))
  );
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
