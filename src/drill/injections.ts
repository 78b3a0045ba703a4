import type { Copies } from "./copies.js";
import type { Part } from "./copies/copy.js";
import type { CustomInjection, InjectionSpec } from "./scenario.js";

const BREAKS: Readonly<Record<InjectionSpec["kind"], Part>> = {
  "drop-table": "database",
  "corrupt-rows": "database",
  "lose-database": "database",
  "bad-upgrade": "contracts",
  "lose-deployments": "deployments",
  "lose-files": "files",
  "damage-backups": "backups",
  "lose-backups": "backups",
  "offsite-unavailable": "offsite",
  "kill-service": "service",
};

export const INJECTION_KINDS = Object.keys(
  BREAKS,
) as readonly InjectionSpec["kind"][];

/** Which copy is broken. */
export function partBroken(injection: InjectionSpec | CustomInjection): Part {
  return "kind" in injection ? BREAKS[injection.kind] : injection.breaks;
}

export function titleOf(injection: InjectionSpec | CustomInjection): string {
  return "kind" in injection ? injection.kind : injection.title;
}

/**
 * Breaks a copy.
 *
 * @returns what was broken, for people.
 * @throws {DrError} DRILL_NOT_ITS_OWN, and whatever keeps it from being broken.
 */
export async function inject(
  injection: InjectionSpec | CustomInjection,
  copies: Copies,
): Promise<string> {
  if (!("kind" in injection)) {
    await injection.inject(copies);
    return injection.title;
  }
  const { database, contracts, backups, offsite } = copies;
  switch (injection.kind) {
    case "drop-table":
      return `dropped ${String(await database?.dropTable(injection.table))}`;
    case "corrupt-rows":
      return `overwrote rows of ${String(await database?.corruptRows(injection.table))}`;
    case "lose-database":
      await database?.lose();
      return "dropped the database";
    case "bad-upgrade": {
      const names = injection.contracts ?? [];
      const upgraded = await contracts?.upgradeBadly(names, injection.to);
      return `upgraded ${upgraded?.join(", ") ?? ""} to a bad implementation`;
    }
    case "lose-deployments":
      await copies.deployments?.lose();
      return "removed the deployments folder";
    case "lose-files":
      await copies.files?.lose();
      return "removed the files";
    case "damage-backups": {
      const names = await backups?.flipBytes();
      return `flipped bytes in ${names?.join(", ") ?? ""}`;
    }
    case "lose-backups":
      await backups?.lose();
      return "removed this machine's backups";
    case "offsite-unavailable":
      return `${String(await offsite?.makeUnavailable())} answers 503`;
    case "kill-service":
      await copies.service?.kill();
      return "killed the service's process";
  }
}
