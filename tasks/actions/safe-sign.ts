import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { EXIT_CODES } from "../../src/core/exit-codes.js";
import type { Hex } from "../../src/core/hex.js";
import { formatProposal, proposalToJson } from "../../src/display/safe.js";
import { exchangeSignatures } from "../../src/recovery/safe/exchange.js";
import {
  openProposal,
  requireOpen,
  viewProposal,
  type ProposalView,
} from "../../src/recovery/safe/proposal-view.js";
import { factsOfProposal } from "../../src/recovery/safe/proposal-facts.js";
import {
  chooseAccount,
  readSignature,
  readSigningTargets,
  withChecked,
  withMerged,
  wrap,
} from "../../src/recovery/safe/signing.js";
import {
  DANGERS,
  parseAcceptedDangers,
  requireAccepted,
} from "../../src/safe/danger.js";
import { parseSignature } from "../../src/safe/owner-signature.js";
import {
  readProposal,
  writeProposal,
  type Proposal,
} from "../../src/safe/proposal.js";
import { assertSameHash } from "../../src/safe/witnesses.js";
import type { Session } from "../../src/session/open-session.js";
import { requireConsent, requireConsentPossible } from "./apply.js";
import { runTask, type Output } from "./output.js";
import { connectWithSimulator, sessionOptions } from "./session.js";

interface SignArguments {
  readonly proposal: string;
  readonly from?: string | undefined;
  readonly signature?: string | undefined;
  readonly merge?: string | undefined;
  readonly service: boolean;
  readonly acceptDanger?: string | undefined;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
}

const action: NewTaskActionFunction<SignArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    requireConsentPossible(args);
    const accepted = acceptedDangers(args);
    const session = await connectWithSimulator(
      hre,
      sessionOptions({
        from: args.from,
        confirmations: undefined,
        privateRpc: undefined,
      }),
    );
    const { ports } = session;
    const view = await openProposal(ports, args.proposal);
    output.text(formatProposal(view, DANGERS, output.paint));
    assertSameHash(view.witnesses);
    requireOpen(view);
    requireAccepted(view.review.dangers, accepted);
    const agreement = await ports.assertAgreed?.(
      factsOfProposal(view.proposal),
    );
    if (agreement !== undefined) {
      const { rpcs, block } = agreement;
      output.text(
        `${String(rpcs)} RPCs agree at block ${String(block)} on the Safe and the contracts.\n`,
      );
    }
    if (args.dryRun) {
      return { json: proposalToJson(view), exitCode: EXIT_CODES.done };
    }
    const consent = async () => {
      const deed = `${args.service ? "exchange signatures of" : "sign"} ${view.proposal.safeTxHash}`;
      await requireConsent(deed, session, args, hre);
    };
    const signed = args.service
      ? await exchange(session, view, consent, output)
      : await sign(session, view, args, consent);
    const path = await writeProposal(ports, signed);
    const after = await viewProposal(ports, path, signed);
    const { check } = after;
    const count = check.valid.length + check.approved.length;
    output.text(
      `${String(count)} of ${String(check.threshold)} owners have signed. ${path}\n`,
    );
    return { json: proposalToJson(after), exitCode: EXIT_CODES.done };
  });

export default action;

export function acceptedDangers({
  acceptDanger,
}: Pick<SignArguments, "acceptDanger">): readonly string[] {
  return acceptDanger === undefined ? [] : parseAcceptedDangers(acceptDanger);
}

/** The proposal with what the service's users have signed. */
async function exchange(
  { ports, openSafeService }: Session,
  view: ProposalView,
  consent: () => Promise<void>,
  output: Output,
): Promise<Proposal> {
  const service = await openSafeService();
  await consent();
  const at = ports.clock.now().toISOString();
  const { proposal, refused } = await exchangeSignatures(view, service, at);
  for (const reason of refused) {
    output.progress(`Not taken from the service: ${reason}`);
  }
  return proposal;
}

/** The proposal with what the arguments add to it. */
async function sign(
  { ports, signTypedData }: Session,
  view: ProposalView,
  { merge, signature }: SignArguments,
  consent: () => Promise<void>,
): Promise<Proposal> {
  const { proposal, reader } = view;
  if (merge !== undefined) {
    const theirs = await readProposal(merge, {
      network: view.network,
      chainId: proposal.chainId,
      sealing: ports.sealing,
      anyName: true,
    });
    await consent();
    return await withMerged(view, theirs);
  }
  const targets = await readSigningTargets(reader, view);
  const at = ports.clock.now().toISOString();
  if (signature !== undefined) {
    await consent();
    const given = readSignature(signature as Hex, targets, at);
    return await withChecked(view, [given]);
  }
  const { account, target } = chooseAccount(targets, ports.accounts, proposal);
  await consent();
  const bytes = await signTypedData(account, target.signable.typedData);
  const own = {
    ...parseSignature(bytes, target.signable.hash, target.owners),
    at,
  };
  return await withChecked(view, [wrap(own, target.through)]);
}
