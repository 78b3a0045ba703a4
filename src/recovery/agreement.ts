import type { Plan } from "../run/plan.js";
import type { Facts } from "./facts.js";
import type { RecoveryPorts } from "./ports.js";

/**
 * The part of a plan that asks several RPCs; none where only one is configured.
 *
 * @param findFacts - Called only then.
 */
export function agreementOn(
  { assertAgreed }: Pick<RecoveryPorts, "assertAgreed">,
  findFacts: () => Promise<Facts>,
): Pick<Plan, "assertAgreed"> {
  return assertAgreed === undefined
    ? {}
    : {
        assertAgreed: async () => {
          const { rpcs, block } = await assertAgreed(await findFacts());
          return `${String(rpcs)} RPCs agree at block ${String(block)}.`;
        },
      };
}
