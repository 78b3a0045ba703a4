import type { Address } from "../core/hex.js";
import { selectContracts } from "../deployments/select.js";
import { readDeployFile } from "../deployments/read.js";
import { buildPausePlan, resolvePause } from "../recovery/pause-plan.js";
import type { PauseResolution } from "../recovery/pause-plan.js";
import type {
  EmergencyOptions,
  EmergencyResolution,
} from "../recovery/emergency.js";
import type {
  RollbackOptions,
  RollbackResolution,
} from "../recovery/rollback.js";
import type { UpgradeOptions, UpgradeResolution } from "../recovery/upgrade.js";
import type { Plan } from "../run/plan.js";
import type { Session } from "./open-session.js";

/** A plan and what was found out while it was made. Nothing has changed yet. */
export interface Prepared<Resolution> {
  readonly plan: Plan;
  readonly resolution: Resolution;
}

export interface Selection {
  readonly names: readonly string[];
  readonly all: boolean;
}

export async function preparePause(
  { ports }: Session,
  options: Selection & { readonly paused: boolean },
): Promise<Prepared<PauseResolution>> {
  const resolution = await resolvePause(ports, options);
  const { intent, chainId, already, refused } = resolution;
  const state = options.paused ? "paused" : "unpaused";
  const notes = [
    ...already.map((name) => `${name} is ${state} already.`),
    ...refused.map(({ error }) => `${error.message} ${error.fix}`),
  ];
  const plan = buildPausePlan(ports, chainId, intent, notes);
  return { plan: await withAgreement(plan), resolution };
}

export async function prepareRollback(
  { ports }: Session,
  options: RollbackOptions,
): Promise<Prepared<RollbackResolution>> {
  // Loaded here and below, for a pause must not wait for what it doesn't need.
  const [{ resolveRollback }, { buildChangePlan }] = await Promise.all([
    import("../recovery/rollback.js"),
    import("../recovery/change-plan.js"),
  ]);
  const resolution = await resolveRollback(ports, options);
  const { intent, chainId, notes } = resolution;
  const plan = buildChangePlan(ports, chainId, intent, notes);
  return { plan: await withAgreement(plan), resolution };
}

export async function prepareUpgrade(
  { ports }: Session,
  options: UpgradeOptions,
): Promise<Prepared<UpgradeResolution>> {
  const [{ resolveUpgrade }, { buildChangePlan }] = await Promise.all([
    import("../recovery/upgrade.js"),
    import("../recovery/change-plan.js"),
  ]);
  const resolution = await resolveUpgrade(ports, options);
  const { intent, chainId, notes } = resolution;
  const plan = buildChangePlan(ports, chainId, intent, notes);
  return { plan: await withAgreement(plan), resolution };
}

/** Says in the notes that several RPCs agree, where there are several. */
async function withAgreement(plan: Plan): Promise<Plan> {
  const note =
    plan.steps.length === 0 ? undefined : await plan.assertAgreed?.();
  return note === undefined ? plan : { ...plan, notes: [...plan.notes, note] };
}

export async function prepareEmergency(
  { ports }: Session,
  options: EmergencyOptions,
): Promise<Prepared<EmergencyResolution>> {
  const [{ resolveEmergency }, { buildChangePlan }] = await Promise.all([
    import("../recovery/emergency.js"),
    import("../recovery/change-plan.js"),
  ]);
  const resolution = await resolveEmergency(ports, options);
  const { intent, chainId, notes } = resolution;
  return { plan: buildChangePlan(ports, chainId, intent, notes), resolution };
}

/** The proxy of a contract, by its name in deploy.json. */
export async function readProxyAddresses(
  { ports }: Session,
  { names, all }: Selection,
): Promise<ReadonlyMap<string, Address>> {
  const { file } = await readDeployFile(`${ports.folder}/deploy.json`);
  return new Map(
    selectContracts(file, names, all).map(({ name, record }) => [
      name,
      record.proxy,
    ]),
  );
}
