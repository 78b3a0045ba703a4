import { isDrError } from "../core/errors.js";
import { SCHEMA_VERSION, type DeployFile } from "../deployments/deploy-file.js";
import { readDeployFileIfThere } from "../deployments/read.js";
import type { Proposal } from "../safe/proposal.js";
import type { RecoveryPorts } from "../recovery/ports.js";
import { openFork, type CreateSimulation } from "../rehearsal/fork.js";
import { simulateOnFork } from "../rehearsal/simulate-proposal.js";

type Simulate = NonNullable<RecoveryPorts["simulateProposal"]>;

/**
 * What tries a Safe's transaction on a fork of the chain as it is now; the
 * same one is tried once.
 *
 * @throws {DrError} the RPC's failures.
 */
export function proposalSimulator(
  ports: RecoveryPorts,
  createSimulation: CreateSimulation,
): Simulate {
  const tried = new Map<string, ReturnType<Simulate>>();
  return async (proposal) => {
    const { safeTxHash } = proposal;
    const report =
      tried.get(safeTxHash) ?? simulate(ports, createSimulation, proposal);
    tried.set(safeTxHash, report);
    return await report;
  };
}

async function simulate(
  { rpc, artifacts, folder, root }: RecoveryPorts,
  createSimulation: CreateSimulation,
  proposal: Proposal,
): ReturnType<Simulate> {
  const { chainId } = proposal;
  const file = await readContracts(folder, chainId);
  const places = { artifacts, folder, root, chainId };
  try {
    const fork = await openFork(rpc, createSimulation);
    try {
      return await simulateOnFork(fork, proposal, { file, places });
    } finally {
      await fork.close();
    }
  } catch (error) {
    // Owners may sign what can't be tried here; they are told.
    if (isDrError(error, "FORK_FAILED")) {
      const reason = error.message;
      return { block: proposal.block, status: "failed", reason, changes: [] };
    }
    throw error;
  }
}

/** For their names; a proposal can be signed without any. */
async function readContracts(
  folder: string,
  chainId: number,
): Promise<DeployFile> {
  const document = await readDeployFileIfThere(`${folder}/deploy.json`);
  return (
    document?.file ?? { schemaVersion: SCHEMA_VERSION, chainId, contracts: {} }
  );
}
