import * as OxAddress from "ox/Address";

import {
  addressInWord,
  sameAddress,
  type Address,
  type Hex,
} from "../core/hex.js";
import {
  IMPLEMENTATION_SLOT,
  ZOS_IMPLEMENTATION_SLOT,
} from "../proxy/slots.js";
import type { ChangeIntent } from "../recovery/change-intent.js";
import { pausesWithUpgrade } from "../recovery/change-rounds.js";
import type { PauseIntent } from "../recovery/pause-plan.js";
import type { Plan } from "../run/plan.js";
import { booksOf } from "./books.js";
import type { SlotDiff } from "./state-diff.js";

/** All that a plan says it will change on the chain, but for gas. */
export interface Expectation {
  readonly contracts: readonly ExpectedContract[];
  /** Where the code of a new implementation shall be. */
  readonly created: readonly Address[];
  /** Slots in which those who let a call through keep book of it. */
  readonly books: readonly BookSlot[];
}

export interface BookSlot {
  readonly account: Address;
  readonly slot: Hex;
  readonly label: string;
}

export interface ExpectedContract {
  readonly name: string;
  readonly proxy: Address;
  readonly beacon?: Address;
  /** From which implementation to which; absent when only paused. */
  readonly move?: { readonly from: Address; readonly to: Address };
  /** Whether its `paused()` may change. */
  readonly pauses: boolean;
  /** Whether that happens in the very transaction that upgrades it. */
  readonly pausesWithUpgrade: boolean;
}

/** Read from the plan's intent: a plan that is rehearsed is the one that is run. */
export function expectationOf({ procedure, intent, steps }: Plan): Expectation {
  const expected =
    procedure === "pause" || procedure === "unpause"
      ? expectPause(intent as unknown as PauseIntent)
      : expectChange(intent as unknown as ChangeIntent);
  return {
    ...expected,
    books: steps.flatMap(({ approval }) => booksOf(approval)),
  };
}

function expectPause({ contracts }: PauseIntent): Omit<Expectation, "books"> {
  return {
    contracts: contracts.map(({ name, proxy }) => ({
      name,
      proxy,
      pauses: true,
      pausesWithUpgrade: false,
    })),
    created: [],
  };
}

function expectChange({
  contracts,
  deployment,
}: ChangeIntent): Omit<Expectation, "books"> {
  return {
    contracts: contracts.map((change) => {
      const { name, proxy, beacon, from, to } = change;
      return {
        name,
        proxy,
        ...(beacon === undefined ? {} : { beacon }),
        move: { from, to },
        pauses:
          change.pauseRoute !== undefined || change.unpauseRoute !== undefined,
        pausesWithUpgrade: pausesWithUpgrade(change),
      };
    }),
    created:
      deployment === undefined ? [] : [OxAddress.checksum(deployment.address)],
  };
}

/** Whether a write is what points a contract at its new implementation, and no more than that. */
export function isExpectedMove(
  { contracts }: Expectation,
  account: Address,
  write: SlotDiff,
): boolean {
  return contracts.some(({ proxy, beacon, move }) => {
    if (move === undefined) {
      return false;
    }
    // A beacon keeps its implementation wherever it likes.
    const isPlace =
      beacon === undefined
        ? sameAddress(account, proxy) &&
          [IMPLEMENTATION_SLOT, ZOS_IMPLEMENTATION_SLOT].includes(write.slot)
        : sameAddress(account, beacon);
    return isPlace && replacesAddress(write, move);
  });
}

function replacesAddress(
  { before, after }: SlotDiff,
  { from, to }: { readonly from: Address; readonly to: Address },
): boolean {
  const restIsSame = before.slice(0, 26) === after.slice(0, 26);
  return (
    restIsSame &&
    sameAddress(addressInWord(before) ?? "", from) &&
    sameAddress(addressInWord(after) ?? "", to)
  );
}
