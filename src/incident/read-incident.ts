import { join } from "node:path";

import { isDrError } from "../core/errors.js";
import { readDeployFile } from "../deployments/read.js";
import { startOf } from "../run/conduct.js";
import { readJournal, type JournalRecord } from "../run/journal.js";
import type { SafeSignature } from "../safe/owner-signature.js";
import {
  listProposals,
  type Proposal,
  type ProposalPlace,
} from "../safe/proposal.js";
import {
  describeIncident,
  type Incident,
  type IncidentSignature,
} from "./incident.js";

/**
 * A run as its journal tells it, with the signatures of its Safe transactions
 * and the code hashes that deploy.json knows. Asks no chain.
 *
 * @throws {DrError} JOURNAL_UNREADABLE, JOURNAL_TAMPERED, JOURNAL_EMPTY.
 */
export async function readIncident(
  place: ProposalPlace,
  run: string,
  title?: string,
): Promise<Incident> {
  const { folder } = place;
  const path = join(folder, "runs", `${run}.ndjson`);
  const { records } = await readJournal(path);
  const started = startOf(records, path);
  const [signatures, codeHashes] = await Promise.all([
    readSignatures(place, started, records),
    readCodeHashes(folder),
  ]);
  return describeIncident(run, started, records, {
    signatures,
    codeHashes,
    ...(title === undefined ? {} : { title }),
  });
}

/** Of the proposals whose hash the journal speaks of. */
async function readSignatures(
  { folder, sealing }: ProposalPlace,
  { network, chainId }: { readonly network: string; readonly chainId: number },
  records: readonly JournalRecord[],
): Promise<readonly IncidentSignature[]> {
  const told = JSON.stringify(records).toLowerCase();
  const found = await listProposals(folder, { network, chainId, sealing });
  return found.flatMap((one) =>
    "proposal" in one && told.includes(one.proposal.safeTxHash.toLowerCase())
      ? one.proposal.signatures.flatMap((signature) =>
          flatten(one.proposal, one.proposal.safe, signature),
        )
      : [],
  );
}

/** An owner that is a Safe signs by its own owners. */
function flatten(
  proposal: Proposal,
  safe: IncidentSignature["safe"],
  { signer, kind, at, nested }: SafeSignature,
): readonly IncidentSignature[] {
  const { safeTxHash } = proposal;
  return nested === undefined
    ? [{ safe, safeTxHash, signer, kind, at }]
    : nested.flatMap((one) => flatten(proposal, signer, one));
}

/** None where deploy.json can't be read: what the journal says is enough. */
async function readCodeHashes(
  folder: string,
): Promise<ReadonlyMap<string, string>> {
  try {
    const { file } = await readDeployFile(join(folder, "deploy.json"));
    return new Map(
      Object.values(file.contracts).flatMap(({ implementations }) =>
        Object.entries(implementations).map(
          ([address, { codeHash }]) =>
            [address.toLowerCase(), codeHash] as const,
        ),
      ),
    );
  } catch (error) {
    if (isDrError(error)) {
      return new Map();
    }
    throw error;
  }
}
