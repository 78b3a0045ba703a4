import type { BlockReader } from "../../chain/block-reader.js";
import { DrError } from "../../core/errors.js";
import type { Address, Hex } from "../../core/hex.js";
import { innerSignable, type Signable } from "../../safe/owner-message.js";
import {
  parseSignature,
  type SafeSignature,
} from "../../safe/owner-signature.js";
import {
  addSignature,
  mergeProposals,
  type Proposal,
} from "../../safe/proposal.js";
import { probeSafe, type SafeState } from "../../safe/safe-state.js";
import {
  checkSignatures,
  requireValid,
  signableOf,
} from "../../safe/signature.js";
import type { ProposalView } from "./proposal-view.js";

/** What somebody may sign: the transaction, or a message of an owner that is a Safe. */
export interface SigningTarget {
  readonly signable: Signable;
  readonly owners: readonly Address[];
  /** The owner that is a Safe, when its owners sign. */
  readonly through?: Address;
}

/** The transaction first, then what owners of owners sign. */
export async function readSigningTargets(
  reader: BlockReader,
  {
    state,
    domain,
    proposal,
  }: Pick<ProposalView, "state" | "domain" | "proposal">,
): Promise<readonly [SigningTarget, ...SigningTarget[]]> {
  const signable = signableOf(domain, proposal.transaction);
  const inner = await Promise.all(
    state.owners.map(
      async (owner) =>
        await readInnerTarget(reader, state, signable, domain.chainId, owner),
    ),
  );
  return [{ signable, owners: state.owners }, ...inner.flat()];
}

async function readInnerTarget(
  reader: BlockReader,
  outer: SafeState,
  signable: Signable,
  chainId: bigint,
  owner: Address,
): Promise<readonly SigningTarget[]> {
  const safe = await probeSafe(reader, owner);
  if (safe === undefined) {
    return [];
  }
  const { owners, version } = safe;
  const domain = { chainId, safe: owner, version };
  return [
    {
      signable: innerSignable(outer, signable, domain),
      owners,
      through: owner,
    },
  ];
}

/** An account that may sign, and what. */
export interface SigningChoice {
  readonly account: Address;
  readonly target: SigningTarget;
}

/**
 * The first of these accounts whose signature is still missing.
 *
 * @throws {DrError} SAFE_NO_OWNER_HERE, SIGNATURE_DUPLICATE.
 */
export function chooseAccount(
  targets: readonly SigningTarget[],
  accounts: readonly Address[],
  { signatures, safe }: Proposal,
): SigningChoice {
  const choices = accounts.flatMap((account) =>
    targets
      .filter(({ owners }) => owners.includes(account))
      .map((target) => ({ account, target })),
  );
  const [first] = choices;
  if (first === undefined) {
    throw new DrError("SAFE_NO_OWNER_HERE", {
      safe,
      owners: targets.flatMap(({ owners }) => owners).join(", "),
    });
  }
  const open = choices.find(
    ({ account, target }) => !hasSigned(signatures, account, target),
  );
  if (open === undefined) {
    throw new DrError("SIGNATURE_DUPLICATE", { signer: first.account, safe });
  }
  return open;
}

function hasSigned(
  signatures: readonly SafeSignature[],
  account: Address,
  { through }: SigningTarget,
): boolean {
  const own =
    through === undefined
      ? signatures
      : (signatures.find(({ signer }) => signer === through)?.nested ?? []);
  return own.some(({ signer }) => signer === account);
}

/**
 * A signature made elsewhere, as an owner's, or an owner's owner's.
 *
 * @throws {DrError} SIGNATURE_MALFORMED.
 */
export function readSignature(
  bytes: Hex,
  targets: readonly [SigningTarget, ...SigningTarget[]],
  at: string,
): SafeSignature {
  const read = ({ signable, owners }: SigningTarget) => ({
    ...parseSignature(bytes, signable.hash, owners),
    at,
  });
  const fitting = targets.find((target) =>
    target.owners.includes(read(target).signer),
  );
  const target = fitting ?? targets[0];
  return wrap(read(target), target.through);
}

/** A signature as it goes into the proposal. */
export function wrap(
  own: SafeSignature,
  through: Address | undefined,
): SafeSignature {
  return through === undefined
    ? own
    : {
        signer: through,
        kind: "contract",
        signature: "0x",
        at: own.at,
        nested: [own],
      };
}

/**
 * The proposal with signatures that have been checked: one that is worth
 * nothing is refused, and one that has become worthless makes room.
 *
 * @throws {DrError} the error of whatever is wrong with them.
 */
export async function withChecked(
  view: ProposalView,
  added: readonly SafeSignature[],
): Promise<Proposal> {
  const { proposal, check } = view;
  const worthless = check.invalid.map(({ signer }) => signer);
  const kept = {
    ...proposal,
    signatures: proposal.signatures.filter(
      ({ signer }) => !worthless.includes(signer),
    ),
  };
  for (const signature of added) {
    await requireWorth(view, signature);
  }
  return added.reduce(addSignature, kept);
}

/** The proposal with the signatures of a copy, each that is new having been checked. */
export async function withMerged(
  view: ProposalView,
  theirs: Proposal,
): Promise<Proposal> {
  const merged = mergeProposals(view.proposal, theirs);
  const ours = view.proposal.signatures.map((one) => JSON.stringify(one));
  for (const signature of theirs.signatures) {
    if (!ours.includes(JSON.stringify(signature))) {
      await requireWorth(view, signature);
    }
  }
  return merged;
}

async function requireWorth(
  { reader, state, domain, proposal }: ProposalView,
  signature: SafeSignature,
): Promise<void> {
  const check = await checkSignatures(
    reader,
    state,
    domain,
    proposal.transaction,
    [signature],
  );
  requireValid(check, signature.signer);
  for (const { check: inner } of check.partial) {
    const [bad] = inner.invalid;
    if (bad !== undefined) {
      throw bad.error;
    }
  }
}
