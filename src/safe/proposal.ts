import { access, readdir, readFile, rm } from "node:fs/promises";
import { basename, join } from "node:path";

import * as OxAddress from "ox/Address";

import { writeAtomically } from "../core/atomic-write.js";
import { DrError, isDrError, messageOf } from "../core/errors.js";
import type { Address, Hex } from "../core/hex.js";
import type { SafeSignature } from "./owner-signature.js";
import {
  encodeProposal,
  hashOfProposal,
  parseProposal,
  type Proposal,
} from "./proposal-format.js";
import { isSealed, type Sealing } from "./sealing.js";
import type { SafeTransaction } from "./transaction.js";

export type {
  Proposal,
  ProposedContract,
  SimulationReport,
} from "./proposal-format.js";

/** A proposal nobody has signed yet; addresses and data get their one form. */
export function createProposal(
  members: Omit<Proposal, "safeTxHash" | "signatures">,
): Proposal {
  const { safe, transaction, contracts } = members;
  const proposal = {
    ...members,
    safe: OxAddress.checksum(safe),
    transaction: normalise(transaction),
    contracts: contracts.map((contract) => ({
      ...contract,
      proxy: OxAddress.checksum(contract.proxy),
    })),
    signatures: [],
  };
  return { ...proposal, safeTxHash: hashOfProposal(proposal).safeTxHash };
}

function normalise(transaction: SafeTransaction): SafeTransaction {
  const { to, data, gasToken, refundReceiver } = transaction;
  return {
    ...transaction,
    to: OxAddress.checksum(to),
    data: data.toLowerCase() as Hex,
    gasToken: OxAddress.checksum(gasToken),
    refundReceiver: OxAddress.checksum(refundReceiver),
  };
}

/** `deployments/<network>/safe/<safeTxHash>.json`. */
export function proposalPath(folder: string, safeTxHash: Hex): string {
  return join(folder, "safe", `${safeTxHash}.json`);
}

/** The same in the go-bag: encrypted. */
export function sealedPath(folder: string, safeTxHash: Hex): string {
  return `${proposalPath(folder, safeTxHash)}.age`;
}

/** Where a proposal lies: in the clear, in the go-bag, or in the clear once it is written. */
export async function locateProposal(
  folder: string,
  safeTxHash: Hex,
): Promise<string> {
  const [clear, sealed] = [
    proposalPath(folder, safeTxHash),
    sealedPath(folder, safeTxHash),
  ];
  return (await exists(clear)) || !(await exists(sealed)) ? clear : sealed;
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

/** What a proposal must fit. */
export interface ProposalExpectation {
  readonly network: string;
  readonly chainId: number;
  /** Opens those of the go-bag. */
  readonly sealing: Sealing;
  /** A copy from somebody else may have any name; one of ours has its hash for a name. */
  readonly anyName?: boolean;
}

/**
 * Reads a proposal that fits this chain and its own name.
 *
 * @throws {DrError} what its {@link Sealing} throws, PROPOSAL_MISSING, PROPOSAL_INVALID, PROPOSAL_TOO_NEW,
 * PROPOSAL_CHANGED, PROPOSAL_MISNAMED, WRONG_CHAIN.
 */
export async function readProposal(
  path: string,
  { network, chainId, sealing, anyName = false }: ProposalExpectation,
): Promise<Proposal> {
  const proposal = parseProposal(await readOpened(path, sealing), path);
  const { safeTxHash } = proposal;
  const name = basename(path).replace(/\.age$/, "");
  if (!anyName && name !== `${safeTxHash}.json`) {
    throw new DrError("PROPOSAL_MISNAMED", { file: path, hash: safeTxHash });
  }
  if (proposal.chainId !== chainId) {
    throw new DrError("WRONG_CHAIN", {
      network,
      actual: chainId,
      file: path,
      expected: proposal.chainId,
    });
  }
  return proposal;
}

async function readOpened(path: string, sealing: Sealing): Promise<Buffer> {
  const bytes = await readBytes(path);
  const text = bytes.toString("latin1");
  return isSealed(text) ? Buffer.from(await sealing.open(text, path)) : bytes;
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new DrError(
      "PROPOSAL_MISSING",
      { file: path, reason: messageOf(error) },
      { cause: error },
    );
  }
}

/** Where proposals are written. */
export interface ProposalPlace {
  /** `deployments/<network>`. */
  readonly folder: string;
  readonly sealing: Sealing;
}

/**
 * Writes a proposal, together with the signatures of the one that is there;
 * what lies in the go-bag stays in there.
 *
 * @returns its path.
 * @throws {DrError} whatever is wrong with the one that is there.
 */
export async function writeProposal(
  place: ProposalPlace,
  proposal: Proposal,
): Promise<string> {
  const path = await locateProposal(place.folder, proposal.safeTxHash);
  const whole = await withSignaturesAt(path, place, proposal);
  const text = encodeProposal(whole);
  await writeAtomically(
    path,
    path.endsWith(".age") ? await place.sealing.seal(text) : text,
  );
  return path;
}

/**
 * Writes a proposal into the go-bag, together with the signatures of the ones
 * that are there; none is left in the clear.
 *
 * @returns its path.
 * @throws {DrError} whatever is wrong with those that are there, and what sealing throws.
 */
export async function sealProposal(
  place: ProposalPlace,
  proposal: Proposal,
): Promise<string> {
  const { folder, sealing } = place;
  const clear = proposalPath(folder, proposal.safeTxHash);
  const path = sealedPath(folder, proposal.safeTxHash);
  const known = await withSignaturesAt(clear, place, proposal);
  const whole = await withSignaturesAt(path, place, known);
  await writeAtomically(path, await sealing.seal(encodeProposal(whole)));
  await rm(clear, { force: true });
  return path;
}

async function withSignaturesAt(
  path: string,
  { folder, sealing }: ProposalPlace,
  proposal: Proposal,
): Promise<Proposal> {
  const { chainId } = proposal;
  try {
    const there = await readProposal(path, {
      network: folder,
      chainId,
      sealing,
    });
    return mergeProposals(proposal, there);
  } catch (error) {
    if (isDrError(error, "PROPOSAL_MISSING")) {
      return proposal;
    }
    throw error;
  }
}

/** A file among the proposals, whether it can be read or not. */
export type FoundProposal =
  | { readonly path: string; readonly proposal: Proposal }
  | { readonly path: string; readonly error: DrError };

/** All proposals of a network, by Safe and nonce. */
export async function listProposals(
  folder: string,
  expectation: ProposalExpectation,
): Promise<readonly FoundProposal[]> {
  const names = await readdir(join(folder, "safe")).catch(() => []);
  const found = await Promise.all(
    names
      .filter((name) => /^0x.*\.json(\.age)?$/.test(name))
      .map(async (name): Promise<FoundProposal> => {
        const path = join(folder, "safe", name);
        try {
          return { path, proposal: await readProposal(path, expectation) };
        } catch (error) {
          if (isDrError(error)) {
            return { path, error };
          }
          throw error;
        }
      }),
  );
  return found.sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
}

function orderOf(found: FoundProposal): string {
  if ("error" in found) {
    return `z${found.path}`;
  }
  const { safe, transaction, safeTxHash } = found.proposal;
  return `${safe}${transaction.nonce.toString().padStart(78, "0")}${safeTxHash}`;
}

/**
 * The proposal with one more signature; of an owner that is a Safe, its
 * owners' signatures come together.
 *
 * @throws {DrError} SIGNATURE_DUPLICATE.
 */
export function addSignature(
  proposal: Proposal,
  signature: SafeSignature,
): Proposal {
  const { signatures, safe } = proposal;
  return {
    ...proposal,
    signatures: withSignature(signatures, signature, safe),
  };
}

function withSignature(
  signatures: readonly SafeSignature[],
  added: SafeSignature,
  safe: Address,
): readonly SafeSignature[] {
  const { signer, nested } = added;
  const there = signatures.find((one) => one.signer === signer);
  if (there === undefined) {
    return sorted([...signatures, added]);
  }
  if (there.nested === undefined || nested === undefined) {
    throw new DrError("SIGNATURE_DUPLICATE", { signer, safe });
  }
  const together = nested.reduce(
    (all, one) => withSignature(all, one, signer),
    there.nested,
  );
  return signatures.map((one) =>
    one === there ? { ...there, nested: together } : one,
  );
}

/**
 * One proposal with the signatures of both copies. Whether they are worth
 * anything is for `checkSignatures` to say.
 *
 * @throws {DrError} PROPOSALS_DIFFER when they aren't of the same transaction.
 */
export function mergeProposals(ours: Proposal, theirs: Proposal): Proposal {
  if (ours.safeTxHash !== theirs.safeTxHash) {
    throw new DrError("PROPOSALS_DIFFER", {
      ours: ours.safeTxHash,
      theirs: theirs.safeTxHash,
      what: differenceOf(ours, theirs),
    });
  }
  return {
    ...ours,
    signatures: mergeSignatures(ours.signatures, theirs.signatures),
  };
}

function mergeSignatures(
  ours: readonly SafeSignature[],
  theirs: readonly SafeSignature[],
): readonly SafeSignature[] {
  const merged = ours.map((one) => {
    const other = theirs.find(({ signer }) => signer === one.signer);
    return one.nested === undefined || other?.nested === undefined
      ? one
      : { ...one, nested: mergeSignatures(one.nested, other.nested) };
  });
  const added = theirs.filter(
    ({ signer }) => !ours.some((one) => one.signer === signer),
  );
  return sorted([...merged, ...added]);
}

function differenceOf(ours: Proposal, theirs: Proposal): string {
  const fields = [
    ["chain", ours.chainId, theirs.chainId],
    ["Safe", ours.safe, theirs.safe],
    ["nonce", ours.transaction.nonce, theirs.transaction.nonce],
  ] as const;
  const [what] = fields.find(([, one, other]) => one !== other) ?? ["calls"];
  return what;
}

/** By signer, so that the same signatures always make the same file. */
function sorted(signatures: readonly SafeSignature[]): SafeSignature[] {
  return [...signatures].sort((a, b) =>
    BigInt(a.signer) < BigInt(b.signer) ? -1 : 1,
  );
}
