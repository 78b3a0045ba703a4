import { BlockReader } from "../../chain/block-reader.js";
import type { Rpc } from "../../chain/rpc.js";
import { isDrError } from "../../core/errors.js";
import type { Step } from "../../run/step.js";

/**
 * A step that takes what somebody else did a moment earlier for its own work:
 * whoever executes an operation, our transaction then only reverts.
 */
export function tolerantStep(
  step: Step,
  rpc: Rpc,
  isDone: (reader: BlockReader) => Promise<boolean>,
): Step {
  const { id, title, reversibility, approval } = step;
  return {
    id,
    title,
    reversibility,
    approval,
    check: async (log) => await step.check(log),
    run: async (log) => {
      try {
        await step.run(log);
      } catch (error) {
        if (
          !isDrError(error, "CALL_WOULD_REVERT", "TRANSACTION_REVERTED") ||
          !(await isDone(await BlockReader.at(rpc)))
        ) {
          throw error;
        }
      }
    },
    verify: async () => {
      await step.verify();
    },
  };
}
