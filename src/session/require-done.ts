import { DrError } from "../core/errors.js";
import type { ConductedRun } from "../run/conduct.js";

/**
 * In code there is no exit code: a run that isn't at its end is an error.
 *
 * @throws what the run failed with; {DrError} RUN_WAITING.
 */
export function requireDone(conducted: ConductedRun): ConductedRun {
  const { run, outcome } = conducted;
  switch (outcome.status) {
    case "done":
      return conducted;
    case "failed":
      throw outcome.error;
    case "waiting":
      throw new DrError("RUN_WAITING", { run, reason: outcome.reason });
  }
}
