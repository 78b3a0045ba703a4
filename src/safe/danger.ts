import { selectorOf } from "../chain/abi.js";
import { DrError } from "../core/errors.js";
import {
  sameAddress,
  ZERO_ADDRESS,
  type Address,
  type Hex,
} from "../core/hex.js";
import { readCarried } from "./carried-calls.js";
import type { InnerCall } from "./multi-send.js";
import type { SafeState } from "./safe-state.js";
import type { SafeTransaction } from "./transaction.js";

/** What a signer must have said yes to by its name. The ids never change. */
export const DANGERS = {
  delegatecall: "runs foreign code with all of the Safe's powers",
  "unreadable-multisend": "holds calls that can't be read",
  "unreadable-call":
    "carries calls for a timelock or an AccessManager that can't be read",
  "nested-multisend": "hides calls in a MultiSend inside the calls",
  "owner-change": "changes who owns the Safe",
  "threshold-change": "changes how many owners must sign",
  "module-change": "changes who may act for the Safe without signatures",
  "guard-change": "changes what guards the Safe",
  "fallback-handler-change": "changes what answers for the Safe",
  "singleton-change": "changes the Safe's own code",
  "self-call": "makes the Safe call a function of its own that isn't known",
  "approve-hash": "approves something of another Safe that isn't shown here",
  "authority-change": "hands power over a contract to somebody else",
  "token-approval": "lets somebody else take tokens",
  "token-transfer": "moves tokens",
  "value-transfer": "sends the chain's coin",
  refund: "pays whoever executes it from the Safe",
} as const;

export type DangerId = keyof typeof DANGERS;

/** Something in a transaction that a recovery seldom needs and a thief always does. */
export interface Danger {
  readonly id: DangerId;
  /** Position among the calls; absent when it is about the whole. */
  readonly call?: number;
}

const SELF_CALLS = bySelector({
  "owner-change": [
    "addOwnerWithThreshold(address,uint256)",
    "removeOwner(address,address,uint256)",
    "swapOwner(address,address,address)",
  ],
  "threshold-change": ["changeThreshold(uint256)"],
  "module-change": ["enableModule(address)", "disableModule(address,address)"],
  "guard-change": ["setGuard(address)", "setModuleGuard(address)"],
  "fallback-handler-change": ["setFallbackHandler(address)"],
  "singleton-change": ["changeMasterCopy(address)"],
});

const OTHER_CALLS = bySelector({
  "nested-multisend": ["multiSend(bytes)"],
  "approve-hash": ["approveHash(bytes32)"],
  "authority-change": [
    "transferOwnership(address)",
    "renounceOwnership()",
    "changeAdmin(address)",
    "changeProxyAdmin(address,address)",
    "grantRole(bytes32,address)",
    "grantRole(uint64,address,uint32)",
    "revokeRole(bytes32,address)",
    "renounceRole(bytes32,address)",
    "setAuthority(address)",
    "updateAuthority(address,address)",
  ],
  "token-approval": [
    "approve(address,uint256)",
    "increaseAllowance(address,uint256)",
    "setApprovalForAll(address,bool)",
    "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)",
  ],
  "token-transfer": [
    "transfer(address,uint256)",
    "transferFrom(address,address,uint256)",
    "safeTransferFrom(address,address,uint256)",
    "safeTransferFrom(address,address,uint256,bytes)",
    "safeTransferFrom(address,address,uint256,uint256,bytes)",
  ],
});

/**
 * All that a signer must be warned of.
 *
 * @param calls - Those inside, or the transaction itself when it is one call;
 * undefined when a MultiSend's can't be read.
 * @param goesThroughMultiSend - Whether it is a delegatecall to Safe's own
 * MultiSend, which the caller has checked by its code.
 */
export function findDangers(
  state: Pick<SafeState, "address">,
  transaction: SafeTransaction,
  calls: readonly InnerCall[] | undefined,
  goesThroughMultiSend: boolean,
): readonly Danger[] {
  const { operation, gasPrice, gasToken, refundReceiver } = transaction;
  const dangers: Danger[] = [];
  if (operation === 1 && !goesThroughMultiSend) {
    dangers.push({ id: "delegatecall" });
  }
  if (calls === undefined) {
    dangers.push({ id: "unreadable-multisend" });
  }
  if (
    gasPrice !== 0n ||
    gasToken !== ZERO_ADDRESS ||
    refundReceiver !== ZERO_ADDRESS
  ) {
    dangers.push({ id: "refund" });
  }
  return [
    ...dangers,
    ...(calls ?? []).flatMap((call, index) =>
      dangersWithin(state.address, call, goesThroughMultiSend).map((id) => ({
        id,
        call: index,
      })),
    ),
  ];
}

/** Also of what it makes others call. */
function dangersWithin(
  safe: Address,
  call: InnerCall,
  goesThroughMultiSend: boolean,
): readonly DangerId[] {
  const own = dangersOf(safe, call, goesThroughMultiSend);
  const carried = readCarried(call);
  switch (carried?.status) {
    case undefined:
      return own;
    case "unreadable":
      return [...own, "unreadable-call"];
    case "carries":
      return [
        ...new Set([
          ...own,
          ...carried.calls.flatMap((inner) =>
            dangersWithin(safe, inner, false),
          ),
        ]),
      ];
  }
}

function dangersOf(
  safe: Address,
  { operation, to, value, data }: InnerCall,
  goesThroughMultiSend: boolean,
): readonly DangerId[] {
  const selector = data.slice(0, 10).toLowerCase() as Hex;
  // MultiSend 1.5.0 takes the zero address for the Safe itself.
  const isSelf =
    sameAddress(to, safe) || (goesThroughMultiSend && to === ZERO_ADDRESS);
  const found: DangerId[] = [];
  if (operation === 1 && goesThroughMultiSend) {
    found.push("delegatecall");
  }
  if (isSelf && data !== "0x") {
    found.push(SELF_CALLS.get(selector) ?? "self-call");
  }
  const other = isSelf ? undefined : OTHER_CALLS.get(selector);
  // A transaction's own MultiSend was unpacked; one inside another wasn't.
  if (other !== undefined && !(operation === 1 && !goesThroughMultiSend)) {
    found.push(other);
  }
  if (value > 0n && !isSelf) {
    found.push("value-transfer");
  }
  return found;
}

/**
 * @param accepted - Ids that were named on the command line.
 * @throws {DrError} SAFE_DANGEROUS_CALL.
 */
export function requireAccepted(
  dangers: readonly Danger[],
  accepted: readonly string[],
): void {
  const ids = [...new Set(dangers.map(({ id }) => id))];
  const refused = ids.filter((id) => !accepted.includes(id));
  if (refused.length > 0) {
    throw new DrError("SAFE_DANGEROUS_CALL", {
      dangers: refused.map((id) => `${id} (it ${DANGERS[id]})`).join(", "),
      ids: ids.join(","),
    });
  }
}

/** @throws {DrError} OPTION_INVALID for an id that doesn't exist. */
export function parseAcceptedDangers(list: string): readonly DangerId[] {
  const ids = list.split(",").map((id) => id.trim());
  const unknown = ids.find((id) => !(id in DANGERS));
  if (unknown !== undefined) {
    throw new DrError("OPTION_INVALID", {
      option: "--accept-danger",
      value: unknown,
      expected: `one of ${Object.keys(DANGERS).join(", ")}`,
    });
  }
  return ids as DangerId[];
}

function bySelector(
  functions: Partial<Record<DangerId, readonly string[]>>,
): ReadonlyMap<Hex, DangerId> {
  return new Map(
    Object.entries(functions).flatMap(([id, signatures]) =>
      signatures.map(
        (signature) =>
          [selectorOf(`function ${signature}`), id as DangerId] as const,
      ),
    ),
  );
}
