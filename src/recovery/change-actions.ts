import * as OxAddress from "ox/Address";

import type { BlockReader } from "../chain/block-reader.js";
import type { Call } from "../core/call.js";
import { DrError } from "../core/errors.js";
import { sameAddress, type Address } from "../core/hex.js";
import { inspectProxy, readCodeHash } from "../proxy/inspect.js";
import {
  encodeUpgrade,
  type UpgradeInterface,
} from "../proxy/upgrade-interface.js";
import type { Action } from "../route/route.js";
import type { ContractChange, Deployment } from "./change-intent.js";

/** Whose function it is, after the contract's name. */
const WHERE: Readonly<Record<UpgradeInterface["via"], string>> = {
  "proxy-admin": "'s ProxyAdmin",
  factory: "'s factory",
  beacon: "'s beacon",
  admin: "",
  self: "",
};

/** The call that points a contract at another implementation. */
export function upgradeCall({
  name,
  proxy,
  to,
  upgrade,
}: Pick<ContractChange, "name" | "proxy" | "to" | "upgrade">): Call {
  const { signature, data } = encodeUpgrade(upgrade, proxy, to);
  const method = /function (\w+)/.exec(signature)?.[1] ?? "upgrade";
  const at = `${name}${WHERE[upgrade.via]}`;
  return {
    to: upgrade.target,
    value: 0n,
    data,
    label: `${at}.${method}(${to})`,
  };
}

/** The call, done when the slot (of a beacon: its answer) says so. */
export function upgradeAction(change: ContractChange): Action {
  return {
    contracts: [change.name],
    call: upgradeCall(change),
    target: change.to,
    isDone: async (reader) =>
      sameAddress(await readImplementation(reader, change), change.to),
    assertFresh: async (reader) => {
      await assertUnchanged(reader, change);
    },
  };
}

/** @throws {DrError} NO_CODE when the proxy is gone. */
export async function readImplementation(
  reader: BlockReader,
  { name, proxy }: Pick<ContractChange, "name" | "proxy">,
): Promise<Address> {
  const state = await inspectProxy(reader, proxy);
  if (state === undefined) {
    throw new DrError("NO_CODE", { what: name, address: proxy });
  }
  return state.implementation;
}

/**
 * That a contract still is where the plan found it, and its target still is
 * what was approved.
 *
 * @param deployment - Still to come: then nothing is at the target yet.
 * @throws {DrError} PLAN_STALE.
 */
export async function assertUnchanged(
  reader: BlockReader,
  change: ContractChange,
  deployment?: Deployment,
): Promise<void> {
  const { name, from, to, toCodeHash } = change;
  const [now, codeHash] = await Promise.all([
    readImplementation(reader, change),
    readCodeHash(reader, to),
  ]);
  if (!sameAddress(now, from) && !sameAddress(now, to)) {
    throw new DrError("PLAN_STALE", {
      name,
      what: "implementation",
      approved: from,
      found: OxAddress.checksum(now),
    });
  }
  if (deployment === undefined && codeHash !== toCodeHash) {
    throw new DrError("PLAN_STALE", {
      name,
      what: `code at ${to}`,
      approved: toCodeHash,
      found: codeHash ?? "nothing",
    });
  }
}

/** One action for each place that is upgraded: proxies of one beacon move together. */
export function oncePerTarget(
  changes: readonly ContractChange[],
): readonly ContractChange[] {
  return changes.filter(
    ({ beacon }, index) =>
      beacon === undefined ||
      changes.findIndex(
        (other) =>
          other.beacon !== undefined && sameAddress(other.beacon, beacon),
      ) === index,
  );
}
