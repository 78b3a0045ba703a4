import { isDrError } from "../core/errors.js";
import type { Address, Hex } from "../core/hex.js";
import { failedRequest, RpcResponseError, type Rpc } from "./rpc.js";

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
 * @throws {DrError} RPC_FAILED when not even a single block is answered for.
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
      // Not spread into push: that takes no more arguments than the stack.
      for (const log of await readRange(rpc, filter, from, to)) {
        logs.push(log);
      }
      from = to + 1n;
      span *= 2n;
    } catch (error) {
      if (from === to || !isRangeRefusal(error)) {
        throw toFailure(rpc, error);
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

/**
 * Providers word it in a dozen ways, and a gateway may cut a long answer off;
 * an unknown method or a bad key isn't one.
 */
function isRangeRefusal(error: unknown): boolean {
  return (
    isDrError(error, "RPC_TIMEOUT", "RPC_ANSWER_INVALID") ||
    (error instanceof RpcResponseError &&
      error.code !== -32601 &&
      !/api key|unauthori[sz]ed|forbidden/i.test(error.message))
  );
}

function toFailure(rpc: Rpc, error: unknown): unknown {
  return error instanceof RpcResponseError
    ? failedRequest(rpc, "eth_getLogs", error)
    : error;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
