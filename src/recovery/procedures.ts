import { readChainId } from "../chain/block-reader.js";
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
import {
  buildSafeExecutePlan,
  type SafeExecuteIntent,
} from "./safe/execute-plan.js";
import type { RecoveryPorts } from "./ports.js";

/** What a journal says of the plan it belongs to. */
export interface RecordedProcedure {
  readonly run: string;
  readonly procedure: string;
  readonly chainId: number;
  readonly intent: Json;
}

/**
 * The plan that a journal is of, on the chain that it is of.
 *
 * @throws {DrError} WRONG_CHAIN; PROCEDURE_UNKNOWN for the journal of a newer version.
 */
export async function rebuildPlan(
  ports: RecoveryPorts,
  { run, procedure, chainId, intent }: RecordedProcedure,
): Promise<Plan> {
  await assertSameChain(ports, run, chainId);
  switch (procedure) {
    case "pause":
    case "unpause":
      return buildPausePlan(ports, chainId, intent as unknown as PauseIntent);
    case "rollback":
    case "upgrade":
    case "emergency":
      return buildChangePlan(ports, chainId, intent as unknown as ChangeIntent);
    case "safe-execute":
      return buildSafeExecutePlan(
        ports,
        chainId,
        intent as unknown as SafeExecuteIntent,
      );
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

async function assertSameChain(
  { rpc, network }: RecoveryPorts,
  run: string,
  expected: number,
): Promise<void> {
  const actual = await readChainId(rpc);
  if (actual !== BigInt(expected)) {
    const file = `the journal of ${run}`;
    throw new DrError("WRONG_CHAIN", { network, actual, file, expected });
  }
}
