import * as Hash from "ox/Hash";

import type { Hex } from "../core/hex.js";
import type { SafeState } from "./safe-state.js";
import {
  hashDomain,
  hashStruct,
  safeTypedData,
  typedPreimage,
  type SafeDomain,
  type TypedData,
} from "./transaction.js";
import { asksOwnersForHash, handsOnPreimage } from "./version.js";

/** Something that a Safe's owners sign. */
export interface Signable {
  readonly hash: Hex;
  /** What older Safes hand, instead of the hash, to owners that are contracts. */
  readonly preimage: Hex;
  readonly typedData: TypedData;
}

const MESSAGE_TYPE = "SafeMessage(bytes message)";

/** What an owner of a Safe that is itself a Safe has its own owners sign. */
export function safeMessageHash(innerDomain: SafeDomain, message: Hex): Hex {
  return Hash.keccak256(encodeSafeMessage(innerDomain, message));
}

function encodeSafeMessage(innerDomain: SafeDomain, message: Hex): Hex {
  return typedPreimage(
    hashDomain(innerDomain),
    hashStruct(MESSAGE_TYPE, ["bytes32"], [Hash.keccak256(message)]),
  );
}

/**
 * What a Safe asks an owner that is a contract about: from 1.5.0 on the hash,
 * before that what it is the hash of.
 */
export function messageToOwner(
  { version }: Pick<SafeState, "version">,
  { hash, preimage }: Pick<Signable, "hash" | "preimage">,
): Hex {
  return asksOwnersForHash(version) ? hash : preimage;
}

/** What the owners of the inner Safe sign to say yes to `outer`'s transaction or message. */
export function innerSignable(
  outer: Pick<SafeState, "version">,
  signable: Pick<Signable, "hash" | "preimage">,
  innerDomain: SafeDomain,
): Signable {
  const message = messageToOwner(outer, signable);
  return {
    hash: safeMessageHash(innerDomain, message),
    preimage: handsOnPreimage(innerDomain.version)
      ? encodeSafeMessage(innerDomain, message)
      : message,
    typedData: safeTypedData(
      innerDomain,
      "SafeMessage",
      [{ name: "message", type: "bytes" }],
      { message },
    ),
  };
}
