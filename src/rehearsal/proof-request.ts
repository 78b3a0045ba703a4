import {
  encodeMethodCall,
  parseMethodCall,
  type MethodCall,
} from "../chain/method-call.js";
import { DrError, isDrError } from "../core/errors.js";
import type { Hex } from "../core/hex.js";

/** A call that a pause shall stop; its name is as in deploy.json. */
export type ProofRequest = MethodCall;

/** @throws {DrError} PROOF_INVALID. */
export function parseProofRequest(text: string): ProofRequest {
  return forProof(text, () => parseMethodCall(text));
}

/**
 * The calldata of the requested call.
 *
 * @param abi - Of the contract; undefined when it isn't known.
 * @throws {DrError} PROOF_INVALID.
 */
export function encodeProofCall(
  request: ProofRequest,
  abi: readonly unknown[] | undefined,
): Hex {
  return forProof(request.text, () => encodeMethodCall(request, abi));
}

function forProof<T>(proof: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (isDrError(error, "CALL_INVALID")) {
      const reason = error.values.reason ?? "";
      throw new DrError("PROOF_INVALID", { proof, reason }, { cause: error });
    }
    throw error;
  }
}
