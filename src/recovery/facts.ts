import * as OxAddress from "ox/Address";

import { decodeResult, encodeCall } from "../chain/abi.js";
import type { QuorumRead } from "../chain/quorum.js";
import { addressInWord, type Address, type Hex } from "../core/hex.js";
import { BEACON_IMPLEMENTATION, hashOfCode } from "../proxy/inspect.js";
import {
  ADMIN_SLOT,
  BEACON_SLOT,
  IMPLEMENTATION_SLOT,
  ZOS_ADMIN_SLOT,
  ZOS_IMPLEMENTATION_SLOT,
} from "../proxy/slots.js";
import {
  NONCE,
  OWNERS,
  SINGLETON_SLOT,
  THRESHOLD,
} from "../safe/safe-state.js";
import { GET_SCHEDULE } from "../timelock/managed-operation.js";
import { TIMESTAMP } from "../timelock/operation-state.js";

/** What a signer or an executor is about to rely on. */
export interface Facts {
  readonly proxies?: readonly ProxyFact[];
  readonly codes?: readonly CodeFact[];
  /** Their nonces, owners and thresholds, and where their own code is. */
  readonly safes?: readonly Address[];
  readonly operations?: readonly OperationFact[];
}

/** Where a proxy points, and who administers it. */
export interface ProxyFact {
  readonly name: string;
  readonly proxy: Address;
  readonly beacon?: Address;
  /** Where it must point, at any of these; default: wherever all agree. */
  readonly implementations?: readonly Address[];
}

export interface CodeFact {
  readonly address: Address;
  /** keccak256 of the code that must be there; default: whichever all agree on. */
  readonly hash?: Hex;
  /** The code may still be missing: it is deployed by the plan. */
  readonly mayBeMissing?: boolean;
}

/** How an operation stands, in a TimelockController or an AccessManager. */
export interface OperationFact {
  readonly kind: "timelock" | "access-manager";
  readonly at: Address;
  readonly id: Hex;
}

const EMPTY_SLOT = "nothing";
const NO_CODE = "no code";

const SLOTS: readonly (readonly [name: string, slot: Hex])[] = [
  ["implementation", IMPLEMENTATION_SLOT],
  ["admin", ADMIN_SLOT],
  ["beacon", BEACON_SLOT],
  ["old implementation", ZOS_IMPLEMENTATION_SLOT],
  ["old admin", ZOS_ADMIN_SLOT],
];

/** The questions that facts are; the same one is asked once. */
export function readsOf(facts: Facts): readonly QuorumRead[] {
  const { proxies = [], codes = [], safes = [], operations = [] } = facts;
  const reads = [
    ...proxies.flatMap(proxyReads),
    ...codes.map(codeRead),
    ...safes.flatMap(safeReads),
    ...operations.map(operationRead),
  ];
  return [...new Map(reads.map((read) => [keyOf(read), read])).values()];
}

function keyOf({ method, params, expected }: QuorumRead): string {
  return JSON.stringify([method, params, expected]).toLowerCase();
}

function proxyReads({
  name,
  proxy,
  beacon,
  implementations,
}: ProxyFact): readonly QuorumRead[] {
  const known = implementations?.map((one) => OxAddress.checksum(one));
  const slots = SLOTS.map(([slotName, slot]) => ({
    ...slotRead(`${name}'s ${slotName} slot`, proxy, slot),
    // Which of the slots it uses is for its kind to say: the others are empty.
    ...(known !== undefined && slotName.endsWith("implementation")
      ? { expected: [...known, EMPTY_SLOT] }
      : {}),
  }));
  return beacon === undefined
    ? slots
    : [
        ...slots,
        {
          ...callRead(
            `the implementation of ${name}'s beacon`,
            beacon,
            BEACON_IMPLEMENTATION,
          ),
          ...(known === undefined ? {} : { expected: known }),
        },
      ];
}

function codeRead({ address, hash, mayBeMissing }: CodeFact): QuorumRead {
  return {
    what: `the code at ${address}`,
    method: "eth_getCode",
    params: [address],
    format: (code) => hashOfCode(code) ?? NO_CODE,
    ...(hash === undefined
      ? {}
      : { expected: mayBeMissing === true ? [hash, NO_CODE] : [hash] }),
  };
}

function safeReads(safe: Address): readonly QuorumRead[] {
  return [
    callRead(`the nonce of the Safe ${safe}`, safe, NONCE),
    callRead(`the owners of the Safe ${safe}`, safe, OWNERS),
    callRead(`the threshold of the Safe ${safe}`, safe, THRESHOLD),
    slotRead(`the singleton of the Safe ${safe}`, safe, SINGLETON_SLOT),
  ];
}

function operationRead({ kind, at, id }: OperationFact): QuorumRead {
  return kind === "timelock"
    ? callRead(`operation ${id} of the timelock ${at}`, at, TIMESTAMP, [id])
    : callRead(`schedule ${id} of the AccessManager ${at}`, at, GET_SCHEDULE, [
        id,
      ]);
}

function callRead(
  what: string,
  to: Address,
  signature: string,
  args: readonly unknown[] = [],
): QuorumRead {
  return {
    what,
    method: "eth_call",
    params: [{ to, data: encodeCall(signature, args) }],
    format: (data) => formatValue(decodeResult(signature, data)) ?? data,
  };
}

function formatValue(value: unknown): string | undefined {
  switch (typeof value) {
    case "string":
      return /^0x[0-9a-f]{40}$/i.test(value)
        ? OxAddress.checksum(value)
        : value;
    case "number":
    case "bigint":
      return String(value);
    default:
      return Array.isArray(value)
        ? value.map((one) => formatValue(one) ?? "").join(", ")
        : undefined;
  }
}

function slotRead(what: string, account: Address, slot: Hex): QuorumRead {
  return {
    what,
    method: "eth_getStorageAt",
    params: [account, slot],
    format: formatWord,
  };
}

/** An address as one; anything else in a slot as it is. */
function formatWord(text: Hex): string {
  const word: Hex = `0x${text.slice(2).padStart(64, "0").toLowerCase()}`;
  const isAddress = word.startsWith(`0x${"0".repeat(24)}`);
  const address = addressInWord(word);
  if (!isAddress) {
    return word;
  }
  return address === undefined ? EMPTY_SLOT : OxAddress.checksum(address);
}
