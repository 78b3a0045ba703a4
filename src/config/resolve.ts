import { basename, resolve } from "node:path";

import type { ConfigurationVariableResolver } from "hardhat/types/config";

import { ROLES } from "../core/contact.js";
import type { Environment } from "./environment.js";
import { resolveBackupConfig } from "./resolve-backup.js";
import { resolveTelling } from "./resolve-notify.js";
import type { DrConfig, DrUserConfig } from "./types.js";

/**
 * Fills in the defaults.
 *
 * @param root - The project's folder, absolute.
 * @param resolveVariable - Hardhat's own: what it makes is read when needed.
 * @param environment - For what the old scripts were told there.
 */
export function resolveDrConfig(
  section: DrUserConfig = {},
  root: string,
  resolveVariable: ConfigurationVariableResolver,
  environment: Environment,
): DrConfig {
  const { project, paths, transactions, safeContracts, goBag, verify } =
    section;
  return {
    project: project ?? nameOf(root),
    paths: {
      deployments: resolve(root, paths?.deployments ?? "deployments"),
      incidents: resolve(root, paths?.incidents ?? "docs/incidents"),
      exercises: resolve(
        root,
        paths?.exercises ?? "docs/recovery-exercises.md",
      ),
      backups: resolve(root, paths?.backups ?? "backups"),
      logs: resolve(root, paths?.logs ?? "logs"),
    },
    ...resolveBackupConfig(section, root, resolveVariable, environment),
    ...resolveTelling(section, root, resolveVariable),
    rpcQuorum: resolveQuorum(section.rpcQuorum ?? [], resolveVariable),
    transactions: {
      ...transactions,
      stuckAfterSeconds: transactions?.stuckAfterSeconds ?? 30,
      giveUpAfterSeconds: transactions?.giveUpAfterSeconds ?? 1800,
    },
    safeContracts: (safeContracts ?? {}) as DrConfig["safeContracts"],
    ...(goBag === undefined ? {} : { goBag: resolveGoBag(goBag, root) }),
    contacts: resolveContacts(section.contacts),
    verify: verify ?? {},
    objectives: resolveObjectives(section.objectives),
    drill: {
      documents: (section.drill?.documents ?? []).map((file) =>
        resolve(root, file),
      ),
      scenarios: resolve(root, section.drill?.scenarios ?? "drills"),
    },
  };
}

/** Those of the platform that drills were first written for. */
function resolveObjectives(
  objectives: DrUserConfig["objectives"],
): DrConfig["objectives"] {
  const { contracts, database } = objectives?.rtoMinutes ?? {};
  return {
    rtoMinutes: { contracts: contracts ?? 15, database: database ?? 30 },
    rpoHours: objectives?.rpoHours ?? 24,
  };
}

/** The folder's, as far as an artifact may be called so. */
function nameOf(root: string): string {
  const name = basename(root).replace(/[^\w.-]+/g, "-");
  return name.replace(/^[^A-Za-z0-9]+/, "") || "project";
}

function resolveGoBag(
  { recipients, identityFile }: NonNullable<DrUserConfig["goBag"]>,
  root: string,
): NonNullable<DrConfig["goBag"]> {
  return {
    recipients,
    ...(identityFile === undefined
      ? {}
      : { identityFile: resolve(root, identityFile) }),
  };
}

function resolveContacts(
  contacts: DrUserConfig["contacts"] = {},
): DrConfig["contacts"] {
  return ROLES.flatMap((role) => {
    const contact = contacts[role];
    return contact === undefined ? [] : [{ role, ...contact }];
  });
}

function resolveQuorum(
  quorum: NonNullable<DrUserConfig["rpcQuorum"]>,
  resolveVariable: ConfigurationVariableResolver,
): DrConfig["rpcQuorum"] {
  if (isList(quorum)) {
    return { every: quorum.map(resolveVariable), byNetwork: {} };
  }
  const byNetwork = Object.entries(quorum).map(
    ([network, urls]) => [network, urls.map(resolveVariable)] as const,
  );
  return { every: [], byNetwork: Object.fromEntries(byNetwork) };
}

/** `Array.isArray` doesn't know lists that are read only. */
function isList<T>(
  value: readonly T[] | Readonly<Record<string, readonly T[]>>,
): value is readonly T[] {
  return Array.isArray(value);
}
