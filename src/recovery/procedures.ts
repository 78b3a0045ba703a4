import type { Json } from "../core/canonical-json.js";
import { DrError } from "../core/errors.js";
import type { Plan } from "../run/plan.js";
import type { ChangeIntent } from "./change-intent.js";
import { buildChangePlan } from "./change-plan.js";
import { buildCancelPlan, type CancelIntent } from "./operations/cancel.js";
import { buildExecutePlan, type ExecuteIntent } from "./operations/execute.js";
import {
  buildSchedulePlan,
  type ScheduleIntent,
} from "./operations/schedule.js";
import { buildPausePlan, type PauseIntent } from "./pause-plan.js";
import type { RecoveryPorts } from "./ports.js";

/** What a journal says of the plan it belongs to. */
export interface RecordedProcedure {
  readonly procedure: string;
  readonly chainId: number;
  readonly intent: Json;
}

/** @throws {DrError} PROCEDURE_UNKNOWN for the journal of a newer version. */
export function rebuildPlan(
  ports: RecoveryPorts,
  { procedure, chainId, intent }: RecordedProcedure,
): Plan {
  switch (procedure) {
    case "pause":
    case "unpause":
      return buildPausePlan(ports, chainId, intent as unknown as PauseIntent);
    case "rollback":
    case "upgrade":
      return buildChangePlan(ports, chainId, intent as unknown as ChangeIntent);
    case "timelock-schedule":
      return buildSchedulePlan(
        ports,
        chainId,
        intent as unknown as ScheduleIntent,
      );
    case "timelock-execute":
      return buildExecutePlan(
        ports,
        chainId,
        intent as unknown as ExecuteIntent,
      );
    case "timelock-cancel":
      return buildCancelPlan(ports, chainId, intent as unknown as CancelIntent);
    default:
      throw new DrError("PROCEDURE_UNKNOWN", { procedure });
  }
}
