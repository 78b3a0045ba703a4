import * as OxAddress from "ox/Address";

import type { Rpc } from "../chain/rpc.js";
import type { Address, Hex } from "../core/hex.js";

/** What one transaction left different in one account. */
export interface AccountDiff {
  readonly address: Address;
  readonly storage: readonly SlotDiff[];
  /** Wei. */
  readonly balance?: Change<bigint>;
  readonly nonce?: Change<number>;
  readonly code?: Change<Hex>;
}

/** 32-byte words. */
export interface SlotDiff extends Change<Hex> {
  readonly slot: Hex;
}

interface Change<T> {
  readonly before: T;
  readonly after: T;
}

interface TracedAccount {
  readonly balance?: Hex;
  readonly nonce?: number;
  readonly code?: Hex;
  readonly storage?: Readonly<Record<Hex, Hex>>;
}

type TracedState = Readonly<Record<Address, TracedAccount>>;

/** The difference a mined transaction made, by the node's own tracer. */
export async function readStateDiff(
  rpc: Rpc,
  transaction: Hex,
): Promise<readonly AccountDiff[]> {
  const { pre, post } = (await rpc.request("debug_traceTransaction", [
    transaction,
    { tracer: "prestateTracer", tracerConfig: { diffMode: true } },
  ])) as { readonly pre: TracedState; readonly post: TracedState };
  return parseStateDiff(pre, post);
}

/**
 * The tracer's two states as changes. In `post` a field that is absent didn't
 * change, except storage, where an absent slot is zero; so it is in `pre`. An
 * account that `post` lacks altogether is gone.
 *
 * @see https://geth.ethereum.org/docs/developers/evm-tracing/built-in-tracers#prestate-tracer
 */
export function parseStateDiff(
  pre: TracedState,
  post: TracedState,
): readonly AccountDiff[] {
  const addresses = new Set([
    ...(Object.keys(pre) as Address[]),
    ...(Object.keys(post) as Address[]),
  ]);
  return [...addresses].map((address) =>
    compareAccount(address, pre[address] ?? {}, post[address]),
  );
}

function compareAccount(
  address: Address,
  pre: TracedAccount,
  post: TracedAccount | undefined,
): AccountDiff {
  const after: TracedAccount = post ?? { balance: "0x0", nonce: 0, code: "0x" };
  const balance = change(
    BigInt(pre.balance ?? 0),
    after.balance === undefined ? undefined : BigInt(after.balance),
  );
  const nonce = change(pre.nonce ?? 0, after.nonce);
  const code = change(pre.code ?? "0x", after.code);
  return {
    address: OxAddress.checksum(address),
    storage: compareStorage(pre.storage ?? {}, after.storage ?? {}),
    ...(balance === undefined ? {} : { balance }),
    ...(nonce === undefined ? {} : { nonce }),
    ...(code === undefined ? {} : { code }),
  };
}

function change<T>(before: T, after: T | undefined): Change<T> | undefined {
  return after === undefined || after === before
    ? undefined
    : { before, after };
}

function compareStorage(
  pre: Readonly<Record<Hex, Hex>>,
  post: Readonly<Record<Hex, Hex>>,
): SlotDiff[] {
  const slots = new Set([
    ...(Object.keys(pre) as Hex[]),
    ...(Object.keys(post) as Hex[]),
  ]);
  return [...slots]
    .map((slot) => ({
      slot: toWord(slot),
      before: toWord(pre[slot]),
      after: toWord(post[slot]),
    }))
    .filter(({ before, after }) => before !== after);
}

function toWord(hex: Hex = "0x0"): Hex {
  return `0x${hex.slice(2).toLowerCase().padStart(64, "0")}`;
}
