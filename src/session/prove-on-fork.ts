import type { CreateSimulation } from "../rehearsal/fork.js";
import { parseProofRequest } from "../rehearsal/proof-request.js";
import { provePause, type Proof } from "../rehearsal/prove.js";
import { withFork, type ForkOptions } from "./fork-session.js";
import type { SessionSource } from "./open-session.js";
import { preparePause, type Selection } from "./procedure.js";

/**
 * Shows on a fork that a pause stops a call; nothing is sent to the network.
 *
 * @param call - `NAME.method(arguments)`.
 * @throws {DrError} PROOF_INVALID, PROOF_INCONCLUSIVE, PROOF_FAILED, FORK_FAILED.
 */
export async function proveOnFork(
  source: SessionSource,
  createSimulation: CreateSimulation,
  selection: Selection,
  call: string,
  options: Omit<ForkOptions, "authorityOver"> = {},
): Promise<Proof> {
  const request = parseProofRequest(call);
  return await withFork(
    source,
    createSimulation,
    { ...options, authorityOver: "nothing" },
    async ({ fork, session }) => {
      const { plan } = await preparePause(session, {
        ...selection,
        paused: true,
      });
      const { ports } = session;
      return await provePause(
        { fork, recovery: ports, callers: ports.accounts },
        plan,
        request,
      );
    },
  );
}
