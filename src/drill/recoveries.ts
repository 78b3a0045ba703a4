import { DrError } from "../core/errors.js";
import type { Copies, Part } from "./copies.js";
import type { CustomRecovery, RecoverySpec } from "./scenario.js";

export function taskOf(recovery: RecoverySpec | CustomRecovery): string {
  return "task" in recovery ? recovery.task : recovery.title;
}

/** Which copy it brings back; undefined of a scenario's own, who knows. */
export function partRecovered(
  recovery: RecoverySpec | CustomRecovery,
): Part | undefined {
  if (!("task" in recovery)) {
    return undefined;
  }
  switch (recovery.task) {
    case "dr:db:restore":
      return "database";
    case "dr:rollback":
      return "contracts";
    case "dr:snapshot:restore":
      return "deployments";
    case "dr:backup:restore":
      return "files";
    case "dr:offsite:restore":
      return recovery.what === "contracts" ? "deployments" : recovery.what;
    case "start-service":
      return "service";
  }
}

/**
 * Recovers, as in an incident.
 *
 * @returns the seconds that the real chain adds to it: its blocks and delays.
 * @throws {DrError} DRILL_RECOVERY_FAILED, and whatever it is refused with.
 */
export async function recover(
  recovery: RecoverySpec | CustomRecovery,
  copies: Copies,
): Promise<number> {
  if (!("task" in recovery)) {
    await recovery.recover(copies);
    return 0;
  }
  switch (recovery.task) {
    case "dr:rollback": {
      const { contracts = [] } = recovery;
      const done = await copies.contracts?.rollBack(contracts);
      return done?.onChainSeconds ?? 0;
    }
    case "start-service":
      await copies.service?.start();
      return 0;
    case "dr:offsite:restore":
      await restoreFromOffsite(recovery.what, copies);
      return 0;
    case "dr:db:restore":
    case "dr:snapshot:restore":
    case "dr:backup:restore":
      await copies.run({ task: recovery.task });
      return 0;
  }
}

async function restoreFromOffsite(
  what: "database" | "contracts" | "files",
  copies: Copies,
): Promise<void> {
  const target = await copies.offsite?.findReachable();
  if (target === undefined) {
    throw new DrError("DRILL_RECOVERY_FAILED", {
      task: "dr:offsite:restore",
      exitCode: 1,
      reason: "no offsite target answers",
    });
  }
  const task = "dr:offsite:restore";
  await copies.run({ task, what, target: target.name });
}
