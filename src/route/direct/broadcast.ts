import { isUnanswered } from "../../chain/http-rpc.js";
import {
  RpcResponseError,
  type Rpc,
  type RpcOutcome,
} from "../../chain/rpc.js";
import type { Hex } from "../../core/hex.js";
import type { Attempt } from "./attempts.js";
import type { Signer, TransactionRequest } from "./signer.js";

/** What became of handing a transaction to a node. */
export type Delivery =
  | { readonly status: "accepted"; readonly hash?: Hex }
  /** No answer: it may have been taken, or not. */
  | { readonly status: "unknown" }
  /** The nonce is used up, or somebody else's transaction waits with it. */
  | { readonly status: "nonce-taken" }
  /** Fees below what the node or the present base fee asks. */
  | { readonly status: "underpriced" }
  | { readonly status: "refused"; readonly error: RpcResponseError };

/**
 * Hands transactions to the node, once each. With a local key all go in one
 * batch, in the order of their nonces; a node's own account signs one by one.
 */
export async function broadcast(
  rpc: Rpc,
  signer: Signer,
  attempts: readonly Attempt[],
): Promise<Delivery[]> {
  const { sign } = signer;
  if (sign === undefined) {
    const deliveries: Delivery[] = [];
    for (const { transaction } of attempts) {
      deliveries.push(
        await deliver(rpc, "eth_sendTransaction", toRpc(transaction)),
      );
    }
    return deliveries;
  }
  const signed = attempts.map(({ transaction }) => sign(transaction));
  try {
    const outcomes = await rpc.batch(
      signed.map(({ raw }) => ({
        method: "eth_sendRawTransaction",
        params: [raw],
      })),
    );
    return outcomes.map(deliveryOf);
  } catch (error) {
    if (!isUnanswered(error)) {
      throw error;
    }
    return attempts.map(() => ({ status: "unknown" }));
  }
}

async function deliver(
  rpc: Rpc,
  method: string,
  params: unknown,
): Promise<Delivery> {
  try {
    const hash = (await rpc.request(method, [params])) as Hex;
    return { status: "accepted", hash };
  } catch (error) {
    if (error instanceof RpcResponseError) {
      return deliveryOf({ ok: false, error });
    }
    if (isUnanswered(error)) {
      return { status: "unknown" };
    }
    throw error;
  }
}

/** Nodes say the same in different words. */
const WORDINGS: readonly (readonly [RegExp, Delivery])[] = [
  [
    /already known|already imported|known transaction|already in mempool/i,
    { status: "accepted" },
  ],
  [
    /nonce too low|nonce is too low|nonce has already been used|lower than the current nonce|invalid nonce|expected nonce|replacement transaction underpriced|could not replace/i,
    { status: "nonce-taken" },
  ],
  [
    /underpriced|base fee|fee cap|maxFeePerGas.*(low|less|lower)|gas price.*(low|below)/i,
    { status: "underpriced" },
  ],
];

function deliveryOf(outcome: RpcOutcome): Delivery {
  if (outcome.ok) {
    return { status: "accepted", hash: outcome.result as Hex };
  }
  const { message } = outcome.error;
  const known = WORDINGS.find(([wording]) => wording.test(message));
  return known?.[1] ?? { status: "refused", error: outcome.error };
}

function toRpc({
  from,
  to,
  value,
  data,
  nonce,
  gas,
  fees,
}: TransactionRequest): Record<string, string> {
  return {
    from,
    ...(to === undefined ? {} : { to }),
    value: quantity(value),
    data,
    nonce: quantity(BigInt(nonce)),
    gas: quantity(gas),
    ...(fees.type === "legacy"
      ? { gasPrice: quantity(fees.gasPrice) }
      : {
          maxFeePerGas: quantity(fees.maxFeePerGas),
          maxPriorityFeePerGas: quantity(fees.maxPriorityFeePerGas),
        }),
  };
}

function quantity(value: bigint): Hex {
  return `0x${value.toString(16)}`;
}
