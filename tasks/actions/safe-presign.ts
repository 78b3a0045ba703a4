import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { DrError } from "../../src/core/errors.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { formatProposal, proposalToJson } from "../../src/display/safe.js";
import {
  resolvePresigning,
  type PresignOptions,
} from "../../src/recovery/safe/presign.js";
import {
  viewProposal,
  type ProposalView,
} from "../../src/recovery/safe/proposal-view.js";
import { makeProposal } from "../../src/recovery/safe/propose.js";
import { DANGERS, requireAccepted } from "../../src/safe/danger.js";
import { sealedPath, sealProposal } from "../../src/safe/proposal.js";
import { assertSameHash } from "../../src/safe/witnesses.js";
import { requireConsent, requireConsentPossible } from "./apply.js";
import { runTask } from "./output.js";
import { connectWithSimulator } from "./session.js";

interface PresignArguments {
  readonly procedure: string;
  readonly names: string[];
  readonly all: boolean;
  readonly nonces: string;
  readonly acceptStorageRisk?: string | undefined;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
}

const action: NewTaskActionFunction<PresignArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    requireConsentPossible(args);
    const options = parseOptions(args);
    const session = await connectWithSimulator(hre);
    const { ports } = session;
    // Before any work: without a key nothing can be kept.
    await ports.sealing.seal("");
    const { wishes, left } = await resolvePresigning(ports, options);
    const views: ProposalView[] = [];
    for (const wish of wishes) {
      const proposal = await makeProposal(ports, wish);
      const path = sealedPath(ports.folder, proposal.safeTxHash);
      const view = await viewProposal(ports, path, proposal);
      output.text(formatProposal(view, DANGERS, output.paint));
      assertSameHash(view.witnesses);
      requireAccepted(view.review.dangers, []);
      views.push(view);
    }
    for (const reason of left) {
      output.progress(`Not presigned: ${reason}`);
    }
    if (!args.dryRun) {
      await requireConsent("write these into the go-bag", session, args, hre);
      for (const { proposal } of views) {
        output.text(`${await sealProposal(ports, proposal)}\n`);
      }
    }
    return {
      json: { proposals: views.map(proposalToJson), left: [...left] },
      exitCode: EXIT_CODES.done,
    };
  });

export default action;

const PROCEDURES = ["pause", "rollback"] as const;
const MOST_NONCES = 20;

/** @throws {DrError} OPTION_INVALID. */
function parseOptions(args: PresignArguments): PresignOptions {
  const procedure = PROCEDURES.find((one) => one === args.procedure);
  if (procedure === undefined) {
    throw new DrError("OPTION_INVALID", {
      option: "procedure",
      value: args.procedure,
      expected: `one of ${PROCEDURES.join(", ")}`,
    });
  }
  const nonces = Number(args.nonces);
  if (!/^\d+$/.test(args.nonces) || nonces < 1 || nonces > MOST_NONCES) {
    throw new DrError("OPTION_INVALID", {
      option: "--nonces",
      value: args.nonces,
      expected: `a whole number from 1 to ${String(MOST_NONCES)}`,
    });
  }
  return {
    procedure,
    names: args.names,
    all: args.all,
    nonces,
    acceptedSlots: args.acceptStorageRisk?.split(",") ?? [],
  };
}
