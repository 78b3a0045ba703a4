import { decodeValues } from "../chain/abi.js";
import { revertData, type RpcOutcome } from "../chain/rpc.js";
import type { Address, Hex } from "../core/hex.js";

/** Why a contract refused a call, when its words are among those known here. */
export type Denial =
  | { readonly by: "owner" }
  | { readonly by: "role"; readonly role: Hex }
  | { readonly by: "access-manager" }
  /** Not for the sender's sake: paused already, or not paused. */
  | { readonly by: "state" };

const ERROR_STRING = "0x08c379a0";
/** Custom errors of OpenZeppelin 5. */
const OWNABLE_UNAUTHORIZED = "0x118cdaa7";
const ACCESS_CONTROL_UNAUTHORIZED = "0xe2517d3f";
const ACCESS_MANAGED_UNAUTHORIZED = "0x068ca9d8";
const ENFORCED_PAUSE = "0xd93c0665";
const EXPECTED_PAUSE = "0x8dfc202b";

const MISSING_ROLE =
  /AccessControl: account 0x[0-9a-f]{40} is missing role (0x[0-9a-f]{64})/i;

/** @returns undefined when it wasn't refused, or in words unknown here. */
export function decodeDenial(outcome: RpcOutcome): Denial | undefined {
  if (outcome.ok) {
    return undefined;
  }
  const data = revertData(outcome.error) ?? "0x";
  switch (data.slice(0, 10).toLowerCase()) {
    case OWNABLE_UNAUTHORIZED:
      return { by: "owner" };
    case ACCESS_CONTROL_UNAUTHORIZED:
      return { by: "role", role: `0x${data.slice(74, 138)}` };
    case ACCESS_MANAGED_UNAUTHORIZED:
      return { by: "access-manager" };
    case ENFORCED_PAUSE:
    case EXPECTED_PAUSE:
      return { by: "state" };
    default:
      return decodeReason(reasonIn(data) ?? outcome.error.message);
  }
}

/** The strings of OpenZeppelin 4 and before. */
function decodeReason(reason: string): Denial | undefined {
  const role = MISSING_ROLE.exec(reason)?.[1];
  if (role !== undefined) {
    return { by: "role", role: role.toLowerCase() as Hex };
  }
  if (reason.includes("Ownable: caller is not the owner")) {
    return { by: "owner" };
  }
  return /Pausable: (not )?paused/.test(reason) ? { by: "state" } : undefined;
}

function reasonIn(data: Hex): string | undefined {
  if (!data.startsWith(ERROR_STRING)) {
    return undefined;
  }
  try {
    const [reason] = decodeValues(["string"], `0x${data.slice(10)}`);
    return typeof reason === "string" ? reason : undefined;
  } catch {
    return undefined;
  }
}

/**
 * An outcome as a text that is the same for two senders, or two functions,
 * exactly when they were treated alike: refusals often quote either.
 */
export function fingerprint(
  outcome: RpcOutcome,
  { from, data }: { readonly from: Address; readonly data: Hex },
): string {
  if (outcome.ok) {
    return "success";
  }
  const sender = from.slice(2).toLowerCase();
  const revert = revertData(outcome.error) ?? outcome.error.message;
  return revert
    .toLowerCase()
    .replaceAll(sender, "sender")
    .replaceAll(Buffer.from(sender).toString("hex"), "sender")
    .replaceAll(data.slice(2, 10).toLowerCase(), "selector");
}
