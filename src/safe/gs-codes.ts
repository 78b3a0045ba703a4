/** What Safe's own contracts revert with. @see safe-smart-account, docs/error_codes.md */
const CODES: Readonly<Record<string, string>> = {
  GS000: "the Safe's set-up failed",
  GS001: "no threshold is set",
  GS010: "too little gas to execute it",
  GS011: "the refund in the chain's coin couldn't be paid",
  GS012: "the refund in tokens couldn't be paid",
  GS013: "a call inside failed, so nothing was done",
  GS020: "there are fewer signatures than the threshold",
  GS021: "a contract's signature points into the others",
  GS022: "a contract's signature points behind the end",
  GS023: "a contract's signature goes on behind the end",
  GS024: "an owner that is a contract refuses the signature",
  GS025: "an owner's approval isn't on the chain",
  GS026:
    "a signature isn't an owner's, or is there twice: it was made for another nonce, Safe or chain, or the owners changed",
  GS027: "a contract's signature is for something else",
  GS030: "only an owner can approve",
  GS031: "only the Safe itself may do that",
};

/** A revert's words, and what Safe's code in them means. */
export function explainSafeRevert(reason: string): string {
  const code = /\bGS\d{3}\b/.exec(reason)?.[0];
  const meaning = code === undefined ? undefined : CODES[code];
  return meaning === undefined ? reason : `${reason}: ${meaning}`;
}
