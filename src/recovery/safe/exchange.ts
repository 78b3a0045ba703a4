import { isDrError } from "../../core/errors.js";
import { addSignature, type Proposal } from "../../safe/proposal.js";
import type { SafeService } from "../../safe/service.js";
import type { SafeSignature } from "../../safe/signature.js";
import type { ProposalView } from "./proposal-view.js";
import { readSignature, readSigningTargets, withChecked } from "./signing.js";

/** What an exchange with the service came to. */
export interface Exchange {
  readonly proposal: Proposal;
  /** Signatures that the service had and that are worth nothing, in words. */
  readonly refused: readonly string[];
}

/**
 * Takes the service's signatures, each of them checked, and gives it those it
 * hasn't got.
 *
 * @param at - When: ISO 8601.
 */
export async function exchangeSignatures(
  view: ProposalView,
  service: SafeService,
  at: string,
): Promise<Exchange> {
  const { proposal, reader, check } = view;
  const theirs = await service.pull(proposal.safeTxHash);
  const targets = await readSigningTargets(reader, view);
  const refused: string[] = [];
  let merged = proposal;
  const known = new Set<string>();
  for (const bytes of theirs ?? []) {
    try {
      const signature = readSignature(bytes, targets, at);
      if (
        !merged.signatures.some(({ signer }) => signer === signature.signer)
      ) {
        await withChecked({ ...view, proposal }, [signature]);
        merged = addSignature(merged, signature);
      }
      known.add(signature.signer);
    } catch (error) {
      if (!isDrError(error)) {
        throw error;
      }
      refused.push(error.message);
    }
  }
  const ours = check.valid.filter(
    ({ signer, kind }) => kind !== "contract" && !known.has(signer),
  );
  await give(service, proposal, ours, theirs !== undefined);
  return { proposal: merged, refused };
}

/** Whoever comes first brings the transaction along. */
async function give(
  service: SafeService,
  proposal: Proposal,
  [first, ...others]: readonly SafeSignature[],
  isKnown: boolean,
): Promise<void> {
  if (first === undefined) {
    return;
  }
  if (isKnown) {
    await service.confirm(proposal.safeTxHash, first.signature);
  } else {
    await service.propose(proposal, first.signer, first.signature);
  }
  for (const { signature } of others) {
    await service.confirm(proposal.safeTxHash, signature);
  }
}
