import { formatDuration } from "../core/duration.js";
import { DrError, isDrError, messageOf } from "../core/errors.js";
import type { Hex } from "../core/hex.js";
import {
  isRevert,
  RpcResponseError,
  type Rpc,
  type RpcOutcome,
  type RpcRequest,
} from "./rpc.js";

/** One of those that are asked what the chain says. */
export interface Witness {
  /** All of its URL that is ever shown. */
  readonly host: string;
  readonly rpc: Rpc;
}

/** A question to every witness, at the same block. */
export interface QuorumRead {
  /** For people: `SkillProfile's implementation slot`. */
  readonly what: string;
  readonly method: "eth_call" | "eth_getCode" | "eth_getStorageAt";
  /** Without the block. */
  readonly params: readonly unknown[];
  /** One text for one answer, for people. */
  readonly format: (answer: Hex) => string;
  /** What the asker builds on, any of these, as {@link format} writes it. */
  readonly expected?: readonly string[];
}

export interface Quorum {
  /** For messages. */
  readonly network: string;
  readonly chainId: bigint;
  readonly witnesses: readonly Witness[];
}

/** That all witnesses said the same. */
export interface Agreement {
  readonly rpcs: number;
  readonly block: bigint;
}

interface Head {
  readonly chainId: bigint;
  readonly number: bigint;
  /** Unix seconds. */
  readonly timestamp: bigint;
}

/** The same question, answered by each in the order of the witnesses. */
interface Answers {
  readonly what: string;
  readonly said: readonly string[];
  readonly expected?: readonly string[];
}

/** Further behind, a witness speaks of another time and proves nothing about now. */
const MOST_LAG_SECONDS = 300n;

/**
 * Asks every witness the same at one block, the lowest of their latest: two
 * round trips each, one to find the block. The block's hash is compared too,
 * so that a fork is noticed.
 *
 * @throws {DrError} RPC_DISAGREES; RPC_QUORUM_UNAVAILABLE when one doesn't
 * answer or is far behind; WRONG_CHAIN.
 */
export async function readQuorum(
  quorum: Quorum,
  reads: readonly QuorumRead[],
): Promise<Agreement> {
  const heads = await askAll(quorum, readHead);
  assertChain(quorum, heads);
  assertRecent(quorum, heads);
  const block = heads.reduce(
    (lowest, { number }) => (number < lowest ? number : lowest),
    heads[0]?.number ?? 0n,
  );
  const said = await askAll(
    quorum,
    async ({ rpc }) => await readAt(rpc, block, reads),
  );
  const questions = [{ what: "the block's hash" }, ...reads];
  assertSame(
    quorum,
    block,
    questions.map((question, index) => ({
      ...question,
      said: said.map((answers) => answers[index] ?? ""),
    })),
  );
  return { rpcs: quorum.witnesses.length, block };
}

/** @throws {DrError} RPC_QUORUM_UNAVAILABLE, naming all that didn't answer. */
async function askAll<T>(
  { network, witnesses }: Quorum,
  ask: (witness: Witness) => Promise<T>,
): Promise<readonly T[]> {
  const results = await Promise.allSettled(witnesses.map(ask));
  const failures = results.flatMap((result, index) =>
    result.status === "rejected"
      ? [failure(witnesses[index], describe(result.reason))]
      : [],
  );
  refuseFailures(network, failures);
  return results.flatMap((result) =>
    result.status === "fulfilled" ? [result.value] : [],
  );
}

function refuseFailures(network: string, failures: readonly string[]): void {
  if (failures.length > 0) {
    throw new DrError("RPC_QUORUM_UNAVAILABLE", {
      network,
      failures: failures.join("; "),
    });
  }
}

function failure(witness: Witness | undefined, reason: string): string {
  return `${witness?.host ?? ""}: ${reason}`;
}

async function readHead({ rpc }: Witness): Promise<Head> {
  const [chainId, block] = await askOnce(rpc, [
    { method: "eth_chainId", params: [] },
    { method: "eth_getBlockByNumber", params: ["latest", false] },
  ]);
  const { number, timestamp } = blockOf(block, "latest");
  return {
    chainId: BigInt(textOf(chainId)),
    number: BigInt(number),
    timestamp: BigInt(timestamp),
  };
}

/** The block's hash, and an answer a read. */
async function readAt(
  rpc: Rpc,
  block: bigint,
  reads: readonly QuorumRead[],
): Promise<readonly string[]> {
  const tag = `0x${block.toString(16)}`;
  const [found, ...outcomes] = await askOnce(rpc, [
    { method: "eth_getBlockByNumber", params: [tag, false] },
    ...reads.map(({ method, params }) => ({
      method,
      params: [...params, tag],
    })),
  ]);
  return [
    blockOf(found, String(block)).hash,
    ...reads.map(({ format }, index) => {
      const outcome = outcomes[index];
      return outcome?.ok === false && isRevert(outcome.error)
        ? "a revert"
        : format(textOf(outcome));
    }),
  ];
}

/** A node's error, unless it is a revert, is no answer. */
async function askOnce(
  rpc: Rpc,
  requests: readonly RpcRequest[],
): Promise<readonly RpcOutcome[]> {
  const outcomes = await rpc.batch(requests);
  const failed = outcomes.findIndex(
    (outcome) => !outcome.ok && !isRevert(outcome.error),
  );
  if (failed !== -1) {
    const outcome = outcomes[failed];
    const code = outcome?.ok === false ? outcome.error.code : 0;
    // A gateway in front of the node may answer without a code.
    const which = Number.isInteger(code) ? `error ${String(code)}` : "an error";
    throw new RpcResponseError(
      `${which} to ${requests[failed]?.method ?? "a request"}`,
      code,
    );
  }
  return outcomes;
}

function blockOf(
  outcome: RpcOutcome | undefined,
  which: string,
): { readonly number: Hex; readonly hash: Hex; readonly timestamp: Hex } {
  const block = outcome?.ok === true ? outcome.result : undefined;
  if (typeof block !== "object" || block === null) {
    throw new RpcResponseError(`it has no block ${which}`, 0);
  }
  return block as ReturnType<typeof blockOf>;
}

function textOf(outcome: RpcOutcome | undefined): Hex {
  const text = outcome?.ok === true ? outcome.result : undefined;
  if (typeof text !== "string" || !/^0x[0-9a-f]*$/i.test(text)) {
    throw new RpcResponseError("an answer that isn't hexadecimal", 0);
  }
  return text as Hex;
}

/** Never in the node's own words: they may quote the URL. */
function describe(error: unknown): string {
  if (isDrError(error, "RPC_TIMEOUT")) {
    return `no answer within ${String(error.values.seconds)} s`;
  }
  if (isDrError(error, "RPC_RATE_LIMITED")) {
    return "too many requests (HTTP 429)";
  }
  if (isDrError(error, "RPC_UNREACHABLE")) {
    return `can't be reached (${String(error.values.reason)})`;
  }
  return messageOf(error);
}

function assertChain(
  { network, chainId, witnesses }: Quorum,
  heads: readonly Head[],
): void {
  heads.forEach((head, index) => {
    if (head.chainId !== chainId) {
      throw new DrError("WRONG_CHAIN", {
        network: `${witnesses[index]?.host ?? ""} (dr.rpcQuorum)`,
        actual: head.chainId,
        file: `the network ${network}`,
        expected: chainId,
      });
    }
  });
}

/** @throws {DrError} RPC_QUORUM_UNAVAILABLE. */
function assertRecent(
  { network, witnesses }: Quorum,
  heads: readonly Head[],
): void {
  const newest = heads.reduce(
    (latest, { timestamp }) => (timestamp > latest ? timestamp : latest),
    0n,
  );
  refuseFailures(
    network,
    heads.flatMap(({ timestamp, number }, index) => {
      const lag = newest - timestamp;
      return lag > MOST_LAG_SECONDS
        ? [
            failure(
              witnesses[index],
              `its latest block, ${String(number)}, is ${formatDuration(lag)} behind`,
            ),
          ]
        : [];
    }),
  );
}

/** @throws {DrError} RPC_DISAGREES with who said what about the first of them. */
function assertSame(
  { network, witnesses }: Quorum,
  block: bigint,
  answers: readonly Answers[],
): void {
  const [first, ...others] = answers.filter(isContested);
  if (first === undefined) {
    return;
  }
  const { what, said, expected } = first;
  const sayings = [
    ...[...new Set(said)].map((answer) => {
      const hosts = witnesses.filter((_, index) => said[index] === answer);
      return `${answer} according to ${hosts.map(({ host }) => host).join(", ")}`;
    }),
    ...(expected === undefined
      ? []
      : [`${expected.join(" or ")} according to the plan`]),
  ];
  throw new DrError("RPC_DISAGREES", {
    network,
    what,
    block,
    answers: sayings.join("; "),
    others:
      others.length === 0
        ? ""
        : ` Likewise: ${others.map((one) => one.what).join(", ")}.`,
  });
}

function isContested({ said, expected }: Answers): boolean {
  return (
    new Set(said).size > 1 ||
    (expected !== undefined && said.some((one) => !expected.includes(one)))
  );
}
