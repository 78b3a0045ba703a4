import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { readChainId } from "../../src/chain/block-reader.js";
import type { Json } from "../../src/core/canonical-json.js";
import { EXIT_CODES } from "../../src/core/exit-codes.js";
import { errorToJson, formatError } from "../../src/display/error.js";
import {
  formatProposal,
  formatProposalLine,
  proposalToJson,
} from "../../src/display/safe.js";
import {
  openProposal,
  viewProposal,
} from "../../src/recovery/safe/proposal-view.js";
import { DANGERS } from "../../src/safe/danger.js";
import { listProposals } from "../../src/safe/proposal.js";
import type { Session } from "../../src/session/open-session.js";
import { runTask, type Output } from "./output.js";
import { connect } from "./session.js";

interface StatusArguments {
  readonly proposal: string;
  readonly json: boolean;
}

const action: NewTaskActionFunction<StatusArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    const { ports } = await connect(hre);
    if (args.proposal === "") {
      const json = await showAll(ports, output);
      return { json, exitCode: EXIT_CODES.done };
    }
    const view = await openProposal(ports, args.proposal);
    output.text(formatProposal(view, DANGERS, output.paint));
    return { json: proposalToJson(view), exitCode: EXIT_CODES.done };
  });

export default action;

/** All proposals; one that can't be read doesn't hide the others. */
async function showAll(ports: Session["ports"], output: Output): Promise<Json> {
  const { folder, network, rpc, sealing } = ports;
  const chainId = Number(await readChainId(rpc));
  const found = await listProposals(folder, { network, chainId, sealing });
  if (found.length === 0) {
    output.text(`No proposals in ${folder}/safe.\n`);
  }
  const proposals: Json[] = [];
  for (const one of found) {
    if ("error" in one) {
      output.text(formatError(one.error, output.paint));
      proposals.push({ path: one.path, error: errorToJson(one.error) });
    } else {
      const view = await viewProposal(ports, one.path, one.proposal);
      output.text(formatProposalLine(view, output.paint));
      proposals.push(proposalToJson(view));
    }
  }
  return { proposals };
}
