import type { DrConfig, OffsiteTarget } from "../../src/config/types.js";
import { systemClock } from "../../src/core/clock.js";
import { parseDuration } from "../../src/core/duration.js";
import { DrError } from "../../src/core/errors.js";
import { openStorage } from "../../src/offsite/open-storage.js";
import {
  DEFAULT_PATIENCE,
  RetryingStorage,
} from "../../src/offsite/retrying.js";
import type { Storage } from "../../src/offsite/storage.js";

/**
 * The targets to work with, as configured.
 *
 * @param name - Only this one; empty: all.
 * @throws {DrError} OFFSITE_NOT_CONFIGURED, ENVIRONMENT_INVALID, OFFSITE_TARGET_UNKNOWN.
 */
export function chooseTargets(
  { offsite: { targets } }: DrConfig,
  name: string,
): readonly [OffsiteTarget, ...OffsiteTarget[]] {
  const chosen = targets.filter((one) => name === "" || one.name === name);
  const [first, ...others] = chosen;
  if (first !== undefined) {
    return [first, ...others];
  }
  const known = targets.map((one) => one.name).join(", ");
  throw known === ""
    ? notConfigured(process.env.OFFSITE_PROVIDER ?? "")
    : new DrError("OFFSITE_TARGET_UNKNOWN", {
        target: `called ${name}`,
        known,
      });
}

function notConfigured(provider: string): DrError {
  return ["", "s3", "gcs", "azure"].includes(provider)
    ? new DrError("OFFSITE_NOT_CONFIGURED", {})
    : new DrError("ENVIRONMENT_INVALID", {
        name: "OFFSITE_PROVIDER",
        value: provider,
        expected: "s3, gcs or azure",
      });
}

/** A target's storage, which is asked again when it can't be reached. */
export async function openTarget(
  target: OffsiteTarget,
  signal?: AbortSignal,
): Promise<Storage> {
  return new RetryingStorage(await openStorage(target), {
    ...DEFAULT_PATIENCE,
    clock: systemClock,
    ...(signal === undefined ? {} : { signal }),
  });
}

/** @throws {DrError} ENVIRONMENT_INVALID. */
export function requireRetentionDays({ retention }: DrConfig): number {
  const { offsiteDays } = retention;
  if (!Number.isInteger(offsiteDays) || offsiteDays < 1) {
    throw new DrError("ENVIRONMENT_INVALID", {
      name: "RETENTION_DAYS",
      value: String(process.env.RETENTION_DAYS),
      expected: "a whole number of days",
    });
  }
  return offsiteDays;
}

/** Milliseconds. @throws {DrError} OPTION_INVALID. */
export function parseAge(option: string, value: string): number {
  const seconds = parseDuration(value);
  if (seconds === undefined) {
    const expected = "a time such as 12h, 7d or 2w";
    throw new DrError("OPTION_INVALID", { option, value, expected });
  }
  return Number(seconds) * 1000;
}

/** @throws {DrError} OPTION_INVALID. */
export function parseTime(option: string, value: string): Date {
  const time = new Date(value);
  if (!/^\d{4}-\d\d-\d\d/.test(value) || Number.isNaN(time.getTime())) {
    const expected = "a time such as 2024-01-15T14:00:00Z";
    throw new DrError("OPTION_INVALID", { option, value, expected });
  }
  return time;
}
