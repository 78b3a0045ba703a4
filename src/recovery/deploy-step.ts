import type { BlockReader } from "../chain/block-reader.js";
import { DrError } from "../core/errors.js";
import type { Hex } from "../core/hex.js";
import { readCodeHash } from "../proxy/inspect.js";
import type { Step } from "../run/step.js";
import type { ChangeIntent, Deployment } from "./change-intent.js";
import type { RecoveryPorts } from "./ports.js";

/** The creation of an intent's new implementation, if it has one. */
export function deploySteps(
  { openDeployer }: RecoveryPorts,
  { deployment }: ChangeIntent,
): readonly Step[] {
  if (deployment === undefined) {
    return [];
  }
  const { from, initCode, contract, address, codeHash } = deployment;
  return [
    openDeployer(from).toDeployStep("deploy", {
      label: `Deploy ${contract} to ${address}`,
      initCode,
      isDone: async (reader) =>
        (await readCodeHash(reader, address)) === codeHash,
      assertFresh: async (reader) => {
        await assertAddressFree(reader, deployment);
      },
    }),
  ];
}

/**
 * That the account's next transaction still is the one which creates the
 * contract at its promised address.
 *
 * @throws {DrError} PLAN_STALE.
 */
export async function assertAddressFree(
  reader: BlockReader,
  { contract, from, nonce }: Deployment,
): Promise<void> {
  const next = (await reader.rpc.request("eth_getTransactionCount", [
    from,
    "pending",
  ])) as Hex;
  if (Number(next) !== nonce) {
    throw new DrError("PLAN_STALE", {
      name: contract,
      what: `next nonce of ${from}`,
      approved: nonce,
      found: Number(next),
    });
  }
}
