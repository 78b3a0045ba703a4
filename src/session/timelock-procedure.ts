import {
  buildCancelPlan,
  resolveCancel,
  type CancelResolution,
} from "../recovery/operations/cancel.js";
import {
  buildExecutePlan,
  resolveExecute,
  type ExecuteOptions,
  type ExecuteResolution,
} from "../recovery/operations/execute.js";
import type { FindOptions } from "../recovery/operations/find.js";
import {
  buildSchedulePlan,
  resolveSchedule,
  type ScheduleOptions,
  type ScheduleResolution,
} from "../recovery/operations/schedule.js";
import type { Plan } from "../run/plan.js";
import type { Session } from "./open-session.js";
import type { Prepared } from "./procedure.js";

/** A plan, unless there is nothing left to do. */
export interface PreparedEnding<Resolution> {
  readonly plan: Plan | undefined;
  readonly resolution: Resolution;
}

export async function prepareSchedule(
  { ports }: Session,
  options: ScheduleOptions,
): Promise<Prepared<ScheduleResolution>> {
  const resolution = await resolveSchedule(ports, options);
  const { intent, chainId } = resolution;
  return { plan: buildSchedulePlan(ports, chainId, intent), resolution };
}

export async function prepareExecute(
  { ports }: Session,
  options: ExecuteOptions,
): Promise<PreparedEnding<ExecuteResolution>> {
  const resolution = await resolveExecute(ports, options);
  const plan =
    resolution.status === "ready"
      ? buildExecutePlan(ports, resolution.chainId, resolution.intent)
      : undefined;
  return { plan, resolution };
}

export async function prepareCancel(
  { ports }: Session,
  options: FindOptions,
): Promise<PreparedEnding<CancelResolution>> {
  const resolution = await resolveCancel(ports, options);
  const plan =
    resolution.status === "ready"
      ? buildCancelPlan(ports, resolution.chainId, resolution.intent)
      : undefined;
  return { plan, resolution };
}
