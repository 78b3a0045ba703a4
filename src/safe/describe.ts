import { decodeExactly, selectorOf } from "../chain/abi.js";
import type { Address, Hex } from "../core/hex.js";
import { CARRIER_SIGNATURES, readCarried } from "./carried-calls.js";
import type { InnerCall } from "./multi-send.js";

/** What is known of the contracts that are called. */
export interface CallNames {
  /** As in deploy.json. */
  readonly nameOf?: (address: Address) => string | undefined;
  /** `register("ada", "smith")`, by the ABI of the contract at the address. */
  readonly decodeCall?: (to: Address, data: Hex) => string | undefined;
}

/** A call as a signer sees it. */
export interface DescribedCall {
  readonly to: Address;
  readonly name?: string;
  /** Wei. */
  readonly value: bigint;
  readonly delegatecall: boolean;
  readonly data: Hex;
  /** `pause()`; undefined when no ABI fits, and then the data itself must be shown. */
  readonly method?: string;
  /** First four bytes; `0x` for none. */
  readonly selector: Hex;
  /** What it makes a timelock or an AccessManager call, now or later. */
  readonly carries?: readonly DescribedCall[];
}

/** Functions that recoveries and thieves use. */
const KNOWN: ReadonlyMap<Hex, string> = new Map(
  [
    "pause()",
    "unpause()",
    "upgradeTo(address)",
    "upgradeToAndCall(address,bytes)",
    "upgrade(address,address)",
    "upgradeAndCall(address,address,bytes)",
    "cancel(bytes32)",
    "cancel(address,address,bytes)",
    "transferOwnership(address)",
    "renounceOwnership()",
    "changeAdmin(address)",
    "changeProxyAdmin(address,address)",
    "grantRole(bytes32,address)",
    "grantRole(uint64,address,uint32)",
    "revokeRole(bytes32,address)",
    "approve(address,uint256)",
    "transfer(address,uint256)",
    "transferFrom(address,address,uint256)",
    "setApprovalForAll(address,bool)",
    "addOwnerWithThreshold(address,uint256)",
    "removeOwner(address,address,uint256)",
    "swapOwner(address,address,address)",
    "changeThreshold(uint256)",
    "enableModule(address)",
    "disableModule(address,address)",
    "setGuard(address)",
    "setModuleGuard(address)",
    "setFallbackHandler(address)",
    "approveHash(bytes32)",
    "multiSend(bytes)",
  ]
    .map((signature) => `function ${signature}`)
    .concat(CARRIER_SIGNATURES)
    .map((item) => [selectorOf(item), item]),
);

/** Decodes a call anew from its data. */
export function describeCall(
  call: InnerCall,
  names: CallNames = {},
): DescribedCall {
  const { operation, to, value, data } = call;
  const { nameOf, decodeCall } = names;
  const name = nameOf?.(to);
  const method = decodeCall?.(to, data) ?? decodeKnown(data);
  const carried = readCarried(call);
  return {
    to,
    value,
    data,
    delegatecall: operation === 1,
    selector: data.slice(0, 10) as Hex,
    ...(name === undefined ? {} : { name }),
    ...(method === undefined ? {} : { method }),
    ...(carried?.status === "carries"
      ? { carries: carried.calls.map((one) => describeCall(one, names)) }
      : {}),
  };
}

/** @returns undefined when something hides behind the arguments. */
function decodeKnown(data: Hex): string | undefined {
  const signature = KNOWN.get(data.slice(0, 10).toLowerCase() as Hex);
  if (signature === undefined) {
    return undefined;
  }
  const args = decodeExactly(signature, data);
  return args === undefined
    ? undefined
    : `${/function (\w+)/.exec(signature)?.[1] ?? ""}(${args.map(formatValue).join(", ")})`;
}

function formatValue(value: unknown): string {
  return Array.isArray(value)
    ? `[${value.map(formatValue).join(", ")}]`
    : String(value);
}
