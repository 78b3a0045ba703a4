import { BlockReader } from "../chain/block-reader.js";
import type { Json } from "../core/canonical-json.js";
import { assertAddressFree, deploySteps } from "./deploy-step.js";
import type { Plan } from "../run/plan.js";
import {
  assertUnchanged,
  oncePerTarget,
  upgradeAction,
} from "./change-actions.js";
import type { ChangeIntent, ContractChange } from "./change-intent.js";
import { pauseAction } from "./pause-call.js";
import type { RecoveryPorts } from "./ports.js";
import { recordStep } from "./record-step.js";
import { stepsFor, type RoutedAction } from "./routing.js";
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
  const { contracts, reason } = intent;
  const { openRoute, network } = ports;
  const verb = reason === "rollback" ? "Roll back" : "Upgrade";
  const steps = [
    ...(reason === "upgrade" ? (ports.beforeUpgrade?.(intent) ?? []) : []),
    ...deploySteps(ports, intent),
    ...stepsFor("pause", titled("Pause"), pauses(contracts, true), openRoute),
    ...stepsFor(
      reason,
      titled(verb),
      oncePerTarget(contracts).map((change) => ({
        action: upgradeAction(change),
        route: change.upgradeRoute,
      })),
      openRoute,
    ),
    verifyStep(ports, contracts),
    ...stepsFor(
      "unpause",
      titled("Unpause"),
      pauses(contracts, false),
      openRoute,
    ),
    recordStep(ports, intent),
  ];
  return {
    procedure: reason,
    network,
    chainId,
    intent: intent as unknown as Json,
    steps,
    notes,
    assertFresh: async () => {
      await assertFreshChanges(ports, intent);
    },
  };
}

function titled(verb: string): (names: readonly string[]) => string {
  return (names) => `${verb} ${names.join(", ")}`;
}

function pauses(
  contracts: readonly ContractChange[],
  paused: boolean,
): RoutedAction[] {
  return contracts.flatMap(({ name, proxy, pauseRoute, unpauseRoute }) => {
    const route = paused ? pauseRoute : unpauseRoute;
    return route === undefined
      ? []
      : [{ action: pauseAction(name, proxy, paused), route }];
  });
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
