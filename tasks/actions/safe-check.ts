import type { NewTaskActionFunction } from "hardhat/types/tasks";

import { readChainId } from "../../src/chain/block-reader.js";
import type { Json } from "../../src/core/canonical-json.js";
import { DrError, isDrError } from "../../src/core/errors.js";
import { EXIT_CODES, type ExitCode } from "../../src/core/exit-codes.js";
import { errorToJson, formatError } from "../../src/display/error.js";
import {
  formatReadiness,
  proposalToJson,
  readinessToJson,
} from "../../src/display/safe.js";
import {
  openProposal,
  type ProposalView,
} from "../../src/recovery/safe/proposal-view.js";
import {
  readReadiness,
  type Readiness,
} from "../../src/recovery/safe/readiness.js";
import type { RecoveryPorts } from "../../src/recovery/ports.js";
import { listProposals } from "../../src/safe/proposal.js";
import { runTask, type Output } from "./output.js";
import { connectWithSimulator } from "./session.js";

interface CheckArguments {
  readonly proposals: string[];
  readonly json: boolean;
}

type Checked =
  | { readonly view: ProposalView; readonly readiness: Readiness }
  | { readonly wanted: string; readonly error: DrError };

const action: NewTaskActionFunction<CheckArguments> = async (args, hre) =>
  await runTask(args, async (output) => {
    const { ports } = await connectWithSimulator(hre);
    const wanted =
      args.proposals.length > 0 ? args.proposals : await listSealed(ports);
    const checked: Checked[] = [];
    for (const one of wanted) {
      const result = await check(ports, one);
      show(result, output);
      checked.push(result);
    }
    return {
      json: { proposals: checked.map(checkedToJson) },
      exitCode: exitCodeFor(checked),
    };
  });

export default action;

/** @throws {DrError} GO_BAG_EMPTY. */
async function listSealed(ports: RecoveryPorts): Promise<readonly string[]> {
  const { folder, network, rpc, sealing } = ports;
  const chainId = Number(await readChainId(rpc));
  const found = await listProposals(folder, { network, chainId, sealing });
  const sealed = found
    .map(({ path }) => path)
    .filter((path) => path.endsWith(".age"));
  if (sealed.length === 0) {
    throw new DrError("GO_BAG_EMPTY", { folder });
  }
  return sealed;
}

/** One that can't be read doesn't hide how the others stand. */
async function check(ports: RecoveryPorts, wanted: string): Promise<Checked> {
  try {
    const view = await openProposal(ports, wanted);
    return { view, readiness: await readReadiness(view) };
  } catch (error) {
    if (isDrError(error)) {
      return { wanted, error };
    }
    throw error;
  }
}

function show(result: Checked, output: Output): void {
  output.text(
    "error" in result
      ? `${result.wanted}\n${formatError(result.error, output.paint)}`
      : formatReadiness(result.view, result.readiness, output.paint),
  );
}

function checkedToJson(result: Checked): Json {
  return "error" in result
    ? { wanted: result.wanted, error: errorToJson(result.error) }
    : {
        ...proposalToJson(result.view),
        readiness: readinessToJson(result.readiness),
      };
}

function exitCodeFor(checked: readonly Checked[]): ExitCode {
  const is = (status: Readiness["status"]) =>
    checked.some(
      (one) => "readiness" in one && one.readiness.status === status,
    );
  if (is("stale") || checked.some((one) => "error" in one)) {
    return EXIT_CODES.refused;
  }
  return is("unsigned") ? EXIT_CODES.waiting : EXIT_CODES.done;
}
