import { BlockReader } from "../../chain/block-reader.js";
import { DrError } from "../../core/errors.js";
import type { Address } from "../../core/hex.js";
import {
  unwrapManaged,
  type RoutedAction,
} from "../../route/access-manager/unwrap.js";
import { readSafeState } from "../../safe/safe-state.js";
import { roundsOf } from "../change-rounds.js";
import { pauseAction } from "../pause-call.js";
import { resolvePause } from "../pause-plan.js";
import type { RecoveryPorts } from "../ports.js";
import { resolveRollback } from "../rollback.js";
import type { Wish } from "./propose.js";

export interface PresignOptions {
  readonly procedure: "pause" | "rollback";
  readonly names: readonly string[];
  readonly all: boolean;
  /** For how many of the Safe's nonces, the present one included. */
  readonly nonces: number;
  /** Slots, decimal or hexadecimal. */
  readonly acceptedSlots: readonly string[];
}

/** What is to be signed in calm. */
export interface Presigning {
  /** One for each Safe and nonce. */
  readonly wishes: readonly Wish[];
  /** What can't be signed ahead, in words. */
  readonly left: readonly string[];
}

interface Part extends RoutedAction {
  readonly name: string;
  readonly proxy: Address;
}

/**
 * The same transaction of each Safe for its present and its next nonces: it is
 * there whatever the Safe does in between. A pause fits whatever code is behind
 * the proxies by then. A rollback only upgrades, so that it fits both before and
 * after a pause, and only as long as the proxies are as they are now.
 *
 * @throws {DrError} PRESIGN_NOTHING, and what a pause or a rollback is refused with.
 */
export async function resolvePresigning(
  ports: RecoveryPorts,
  options: PresignOptions,
): Promise<Presigning> {
  const bySafe: RecoveryPorts = { ...ports, goesBy: "safe" };
  const { parts, left } =
    options.procedure === "pause"
      ? await pauseParts(bySafe, options)
      : await rollbackParts(bySafe, options);
  const bodies = groupBySafe(parts, options.procedure);
  const elsewhere = parts.flatMap(({ name, route }) =>
    route.kind === "safe" ? [] : [`${name} goes by ${route.kind}.`],
  );
  const unsignable = [...left, ...elsewhere];
  if (bodies.length === 0) {
    throw new DrError("PRESIGN_NOTHING", {
      reason: unsignable.join(" ").replace(/\.$/, "") || "no contract is left",
    });
  }
  const reader = await BlockReader.at(ports.rpc);
  const wishes = await Promise.all(
    bodies.map(async (body) => {
      const { nonce } = await readSafeState(reader, body.safe);
      return Array.from({ length: options.nonces }, (_, index) => ({
        ...body,
        nonce: nonce + BigInt(index),
      }));
    }),
  );
  return { wishes: wishes.flat(), left: unsignable };
}

async function pauseParts(
  ports: RecoveryPorts,
  { names, all }: PresignOptions,
): Promise<{ readonly parts: readonly Part[]; readonly left: string[] }> {
  const { intent, already, refused } = await resolvePause(ports, {
    paused: true,
    names,
    all,
  });
  return {
    parts: intent.contracts.map(({ name, proxy, route }) => ({
      name,
      proxy,
      ...unwrapManaged({ action: pauseAction(name, proxy, true), route }),
    })),
    left: [
      ...already.map((name) => `${name} is paused now.`),
      ...refused.map(({ error }) => error.message),
    ],
  };
}

async function rollbackParts(
  ports: RecoveryPorts,
  { names, all, acceptedSlots }: PresignOptions,
): Promise<{ readonly parts: readonly Part[]; readonly left: string[] }> {
  const { intent } = await resolveRollback(ports, {
    names,
    all,
    pause: false,
    keepPaused: true,
    acceptedSlots,
  });
  const parts = roundsOf(intent).upgrade.flatMap((routed) =>
    intent.contracts
      .filter(({ name }) => routed.action.contracts.includes(name))
      .map(({ name, proxy }) => ({ name, proxy, ...routed })),
  );
  return { parts, left: [] };
}

function groupBySafe(
  parts: readonly Part[],
  procedure: PresignOptions["procedure"],
): readonly Omit<Wish, "nonce">[] {
  const safes = new Map<Address, Part[]>();
  for (const part of parts) {
    if (part.route.kind === "safe") {
      const { safe } = part.route;
      safes.set(safe, [...(safes.get(safe) ?? []), part]);
    }
  }
  return [...safes].map(([safe, own]) => ({
    safe,
    calls: own.map(({ action }) => action.call),
    contracts:
      procedure === "pause"
        ? {}
        : Object.fromEntries(own.map(({ name, proxy }) => [name, proxy])),
    fitsPaused: true,
  }));
}
