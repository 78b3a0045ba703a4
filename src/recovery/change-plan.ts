import { BlockReader } from "../chain/block-reader.js";
import type { Json } from "../core/canonical-json.js";
import { assertAddressFree, deploySteps } from "./deploy-step.js";
import type { Plan } from "../run/plan.js";
import type { Step } from "../run/step.js";
import { agreementOn } from "./agreement.js";
import { assertUnchanged } from "./change-actions.js";
import type { ChangeIntent } from "./change-intent.js";
import { pausesWithUpgrade, roundsOf } from "./change-rounds.js";
import type { RecoveryPorts } from "./ports.js";
import { recordStep } from "./record-step.js";
import { stepsFor } from "./routing.js";
import { assertSameProxies } from "./same-proxies.js";
import { verifyStep } from "./verify-step.js";

/**
 * Pause, point to the other implementation, verify, unpause, record: the plan
 * of a rollback, and of an upgrade, from its intent alone.
 */
export function buildChangePlan(
  ports: RecoveryPorts,
  chainId: number,
  intent: ChangeIntent,
  notes: readonly string[] = [],
): Plan {
  const { reason } = intent;
  const { openRoute, network } = ports;
  const rounds = roundsOf(intent);
  const steps = [
    ...stepsBefore(ports, intent),
    ...deploySteps(ports, intent),
    ...stepsFor("pause", titled("Pause"), rounds.pause, openRoute),
    ...stepsFor(reason, titled(verbOf(intent)), rounds.upgrade, openRoute),
    verifyStep(ports, intent),
    ...stepsFor("unpause", titled("Unpause"), rounds.unpause, openRoute),
    recordStep(ports, intent),
  ];
  return {
    procedure: intent.atOnce === true ? "emergency" : reason,
    network,
    chainId,
    intent: intent as unknown as Json,
    steps,
    notes,
    assertFresh: async () => {
      await assertFreshChanges(ports, intent);
    },
    ...agreementOn(ports, async () => {
      const { factsOfChange } = await import("./intent-facts.js");
      return factsOfChange(intent);
    }),
  };
}

/** In an emergency, and on the way back, nothing is waited for that can be left out. */
function stepsBefore(
  { beforeUpgrade }: RecoveryPorts,
  { reason, atOnce = false }: ChangeIntent,
): readonly Step[] {
  return reason === "upgrade" && !atOnce ? (beforeUpgrade?.() ?? []) : [];
}

/** In words what the transaction or operation that upgrades does. */
function verbOf({ reason, contracts, atOnce }: ChangeIntent): string {
  const unpauses = contracts.some(({ unpauseRoute }) => unpauseRoute);
  const verbs = [
    ...(contracts.some(pausesWithUpgrade) ? ["pause"] : []),
    reason === "rollback" ? "roll back" : "upgrade",
    ...(atOnce === true && unpauses ? ["unpause"] : []),
  ];
  return verbs.join(", ").replace(/^./, (letter) => letter.toUpperCase());
}

function titled(verb: string): (names: readonly string[]) => string {
  return (names) => `${verb} ${names.join(", ")}`;
}

async function assertFreshChanges(
  ports: RecoveryPorts,
  { contracts, deployment }: ChangeIntent,
): Promise<void> {
  await assertSameProxies(ports, contracts);
  const reader = await BlockReader.at(ports.rpc);
  if (deployment !== undefined) {
    await assertAddressFree(reader, deployment);
  }
  await Promise.all(
    contracts.map(async (change) => {
      await assertUnchanged(reader, change, deployment);
    }),
  );
}
