import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { DrError } from "../../src/core/errors.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { formatProposal, proposalToJson } from "../../src/display/safe.js";
import { viewProposal } from "../../src/recovery/safe/proposal-view.js";
import { makeProposal, readWish } from "../../src/recovery/safe/propose.js";
import { DANGERS, requireAccepted } from "../../src/safe/danger.js";
import { proposalPath, writeProposal } from "../../src/safe/proposal.js";
import { assertSameHash } from "../../src/safe/witnesses.js";
import { requireConsent, requireConsentPossible } from "./apply.js";
import { runTask } from "./output.js";
import { acceptedDangers } from "./safe-sign.js";
import { connectWithSimulator, parseAddress } from "./session.js";

interface ProposeArguments {
  readonly calls: string[];
  readonly safe?: string | undefined;
  readonly nonce?: string | undefined;
  readonly acceptDanger?: string | undefined;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
}

const action: NewTaskActionFunction<ProposeArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    requireConsentPossible(args);
    const accepted = acceptedDangers(args);
    const safe =
      args.safe === undefined ? undefined : parseAddress("--safe", args.safe);
    const nonce = args.nonce === undefined ? undefined : parseNonce(args.nonce);
    const session = await connectWithSimulator(hre);
    const { ports } = session;
    const wish = await readWish(ports, args.calls, safe, nonce);
    const proposal = await makeProposal(ports, wish);
    const path = proposalPath(ports.folder, proposal.safeTxHash);
    const view = await viewProposal(ports, path, proposal);
    output.text(formatProposal(view, DANGERS, output.paint));
    assertSameHash(view.witnesses);
    requireAccepted(view.review.dangers, accepted);
    if (!args.dryRun) {
      await requireConsent("write this proposal", session, args, hre);
      output.text(`${await writeProposal(ports, proposal)}\n`);
    }
    return { json: proposalToJson(view), exitCode: EXIT_CODES.done };
  });

export default action;

function parseNonce(value: string): bigint {
  if (!/^\d{1,15}$/.test(value)) {
    throw new DrError("OPTION_INVALID", {
      option: "--nonce",
      value,
      expected: "a whole number",
    });
  }
  return BigInt(value);
}
