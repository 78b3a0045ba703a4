import * as AbiFunction from "ox/AbiFunction";

import { functionsOf } from "../chain/method-call.js";
import type { BlockReader } from "../chain/block-reader.js";
import type { RpcOutcome } from "../chain/rpc.js";
import type { Address, Hex } from "../core/hex.js";

/** What a contract answers at one block: a call, from several, and its views. */
export interface Look {
  readonly reader: BlockReader;
  readonly calls: readonly {
    readonly from: Address;
    readonly outcome: RpcOutcome;
  }[];
  readonly views: readonly {
    readonly name: string;
    readonly outcome: RpcOutcome;
  }[];
}

export async function lookAt(
  reader: BlockReader,
  {
    proxy,
    data,
    callers,
    views,
  }: {
    readonly proxy: Address;
    readonly data: Hex;
    readonly callers: readonly Address[];
    readonly views: readonly AbiFunction.AbiFunction[];
  },
): Promise<Look> {
  const [calls, answers] = await Promise.all([
    Promise.all(
      callers.map(async (from) => ({
        from,
        outcome: await reader.callRaw({ from, to: proxy, data }),
      })),
    ),
    Promise.all(
      views.map(async (view) => ({
        name: view.name,
        outcome: await reader.callRaw({
          to: proxy,
          data: AbiFunction.encodeData(view),
        }),
      })),
    ),
  ]);
  return { reader, calls, views: answers };
}

/** Those that can be called without knowing anything. */
export function viewsOf(
  abi: readonly unknown[],
): readonly AbiFunction.AbiFunction[] {
  return functionsOf(abi).filter(
    ({ inputs, stateMutability }) =>
      inputs.length === 0 && /^(view|pure)$/.test(stateMutability),
  );
}

/** From whom the call goes through. */
export function sendersWhoPass({ calls }: Look): Address[] {
  return calls.flatMap(({ from, outcome }) => (outcome.ok ? [from] : []));
}

/** Views without arguments, by name. */
export interface ViewComparison {
  readonly same: readonly string[];
  /** Besides `paused()`. */
  readonly changed: readonly string[];
  /** They answered before, and revert now. */
  readonly silenced: readonly string[];
}

export function compareViews(before: Look, after: Look): ViewComparison {
  const pairs = before.views.flatMap(({ name, outcome }, index) => {
    const now = after.views[index]?.outcome;
    return name === "paused" || now === undefined
      ? []
      : [{ name: `${name}()`, then: outcome, now }];
  });
  const names = (some: typeof pairs): string[] => some.map(({ name }) => name);
  const silenced = pairs.filter(({ then, now }) => then.ok && !now.ok);
  const same = pairs.filter(
    ({ then, now }) =>
      (then.ok && now.ok && then.result === now.result) ||
      (!then.ok && !now.ok),
  );
  return {
    same: names(same),
    silenced: names(silenced),
    changed: names(
      pairs.filter((pair) => !same.includes(pair) && !silenced.includes(pair)),
    ),
  };
}
