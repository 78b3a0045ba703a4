/**
 * A process that applies a plan whose steps send, with a journal in the file
 * named; it prints what was sent and how it ended.
 */
import { systemClock } from "../../src/core/clock.js";
import { isDrError } from "../../src/core/errors.js";
import { FileJournal } from "../../src/run/journal.js";
import type { Plan } from "../../src/run/plan.js";
import { applyPlan } from "../../src/run/runner.js";
import type { Step } from "../../src/run/step.js";

const [path = "", count = ""] = process.argv.slice(2);
const sent: string[] = [];
const steps = Array.from({ length: Number(count) }, (_, index): Step => {
  const id = `step-${index}`;
  return {
    id,
    title: id,
    reversibility: "reversible",
    approval: null,
    check: () => Promise.resolve({ status: "ready" }),
    run: async (log) => {
      await log.append({ kind: "intent", nonce: index });
      sent.push(id);
    },
    verify: () => Promise.resolve(),
  };
});

try {
  const journal = await FileJournal.create(path, systemClock);
  const outcome = await applyPlan({
    plan: { steps } as unknown as Plan,
    journal,
  });
  const code =
    outcome.status === "failed" && isDrError(outcome.error)
      ? outcome.error.code
      : outcome.status;
  console.log(JSON.stringify({ sent, code }));
} catch (error) {
  const code = isDrError(error) ? error.code : String(error);
  console.log(JSON.stringify({ sent, code }));
}
