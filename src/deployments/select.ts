import { DrError } from "../core/errors.js";
import { findClosest } from "./closest.js";
import type { ContractRecord, DeployFile } from "./deploy-file.js";

export interface NamedContract {
  readonly name: string;
  readonly record: ContractRecord;
}

/** @throws {DrError} CONTRACT_UNKNOWN, with the name that may have been meant. */
export function findContract(file: DeployFile, name: string): ContractRecord {
  const record = Object.hasOwn(file.contracts, name)
    ? file.contracts[name]
    : undefined;
  if (record === undefined) {
    const closest = findClosest(name, Object.keys(file.contracts));
    throw new DrError("CONTRACT_UNKNOWN", {
      name,
      suggestion: closest === undefined ? "" : ` Did you mean ${closest}?`,
      known: knownNames(file),
    });
  }
  return record;
}

/**
 * The contracts a command is for: those named, each once and in that order, or
 * all in the file's order.
 *
 * @throws {DrError} NO_CONTRACTS_NAMED, NAMES_AND_ALL, CONTRACT_UNKNOWN.
 */
export function selectContracts(
  file: DeployFile,
  names: readonly string[],
  all: boolean,
): NamedContract[] {
  if (all && names.length > 0) {
    throw new DrError("NAMES_AND_ALL", { names: names.join(", ") });
  }
  if (!all && names.length === 0) {
    throw new DrError("NO_CONTRACTS_NAMED", { known: knownNames(file) });
  }
  const chosen = all ? Object.keys(file.contracts) : [...new Set(names)];
  return chosen.map((name) => ({ name, record: findContract(file, name) }));
}

function knownNames(file: DeployFile): string {
  return Object.keys(file.contracts).join(", ") || "(deploy.json has none)";
}
