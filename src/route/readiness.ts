import { isDrError } from "../core/errors.js";
import type { StepState } from "../run/step.js";

/** Ready; or what the check returns, or blocked by what it throws. */
export async function readyUnless(
  check: () => Promise<StepState | undefined>,
): Promise<StepState> {
  try {
    return (await check()) ?? { status: "ready" };
  } catch (error) {
    if (isDrError(error)) {
      return { status: "blocked", error };
    }
    throw error;
  }
}
