import * as OxAddress from "ox/Address";

import { DrError } from "../core/errors.js";
import { sameAddress, type Address } from "../core/hex.js";
import type {
  ContractRecord,
  DeployFile,
  HistoryEntry,
  ImplementationRecord,
} from "./deploy-file.js";
import { findContract } from "./select.js";

/** The last of the history. */
export function currentImplementation(record: ContractRecord): Address {
  const last = record.history.at(-1);
  // The schema demands an entry; a plain contract is its own implementation.
  return last?.implementation ?? record.proxy;
}

/** The newest earlier implementation that isn't the current one and isn't marked bad. */
export function previousImplementation(
  record: ContractRecord,
): Address | undefined {
  const current = currentImplementation(record);
  return record.history.findLast(
    ({ implementation }) =>
      !sameAddress(implementation, current) &&
      findImplementation(record, implementation)?.bad === undefined,
  )?.implementation;
}

export function findImplementation(
  { implementations }: ContractRecord,
  address: Address,
): ImplementationRecord | undefined {
  return Object.entries(implementations).find(([key]) =>
    sameAddress(key, address),
  )?.[1];
}

/**
 * The implementation to go to.
 *
 * @param to - A version, an address, or `previous`, which is the default.
 * @throws {DrError} NO_PREVIOUS_IMPLEMENTATION, TARGET_UNKNOWN,
 * TARGET_AMBIGUOUS, TARGET_IS_CURRENT; TARGET_MARKED_BAD unless it is given by
 * its address, which nobody types by accident.
 */
export function resolveTarget(
  { name, record }: { readonly name: string; readonly record: ContractRecord },
  to = "previous",
): Address {
  if (to === "previous") {
    return requirePrevious(name, record);
  }
  const target = isAddress(to)
    ? findByAddress(name, record, to)
    : findByVersion(name, record, to);
  if (sameAddress(target, currentImplementation(record))) {
    throw new DrError("TARGET_IS_CURRENT", {
      name,
      target: to,
      known: knownTargets(record),
    });
  }
  return target;
}

function requirePrevious(name: string, record: ContractRecord): Address {
  const previous = previousImplementation(record);
  if (previous !== undefined) {
    return previous;
  }
  const current = currentImplementation(record);
  const others = record.history.some(
    ({ implementation }) => !sameAddress(implementation, current),
  );
  throw new DrError("NO_PREVIOUS_IMPLEMENTATION", {
    name,
    reason: others
      ? "all earlier ones are marked bad"
      : `${current} is the only one it ever had`,
    known: knownTargets(record),
  });
}

function findByAddress(
  name: string,
  record: ContractRecord,
  to: Address,
): Address {
  const known = Object.keys(record.implementations) as Address[];
  const target = known.find((address) => sameAddress(address, to));
  if (target === undefined) {
    throw unknownTarget(name, record, to);
  }
  return target;
}

function findByVersion(
  name: string,
  record: ContractRecord,
  to: string,
): Address {
  const matches = (
    Object.entries(record.implementations) as [Address, ImplementationRecord][]
  ).filter(([, { version }]) => version === to);
  const [match] = matches;
  if (match === undefined) {
    throw unknownTarget(name, record, to);
  }
  if (matches.length > 1) {
    throw new DrError("TARGET_AMBIGUOUS", {
      name,
      target: to,
      matches: matches.map(([address]) => address).join(", "),
    });
  }
  const [address, { bad }] = match;
  if (bad !== undefined) {
    throw new DrError("TARGET_MARKED_BAD", {
      name,
      target: to,
      address,
      reason: bad,
    });
  }
  return address;
}

function unknownTarget(
  name: string,
  record: ContractRecord,
  target: string,
): DrError {
  return new DrError("TARGET_UNKNOWN", {
    name,
    target,
    known: knownTargets(record),
  });
}

/** All but the current one: `1.0.0 (0x…), 0x… (bad: …)`. */
function knownTargets(record: ContractRecord): string {
  const current = currentImplementation(record);
  const targets = Object.entries(record.implementations)
    .filter(([address]) => !sameAddress(address, current))
    .map(([address, { version, bad }]) => {
      const named = version === undefined ? address : `${version} (${address})`;
      return bad === undefined ? named : `${named}, marked bad: ${bad}`;
    });
  return targets.join("; ") || "(deploy.json has no other)";
}

export interface EntryOptions {
  /** What is known of the entry's implementation; needed when it is new to the file. */
  readonly implementation?: ImplementationRecord;
  readonly markBad?: {
    readonly implementation: Address;
    readonly reason: string;
  };
}

/**
 * The file with one more history entry. What a person wrote about an
 * implementation stays.
 *
 * @throws {DrError} CONTRACT_UNKNOWN; TARGET_UNKNOWN when the file doesn't know
 * the entry's implementation and nothing is said of it, or not the bad one.
 */
export function withEntry(
  file: DeployFile,
  name: string,
  entry: HistoryEntry,
  { implementation, markBad }: EntryOptions = {},
): DeployFile {
  const record = findContract(file, name);
  const implementations = { ...record.implementations };
  if (implementation === undefined) {
    findByAddress(name, record, entry.implementation);
  } else {
    const key = keyOf(record, entry.implementation);
    implementations[key] = { ...implementations[key], ...implementation };
  }
  if (markBad !== undefined) {
    const key = findByAddress(name, record, markBad.implementation);
    const known = implementations[key];
    if (known !== undefined) {
      implementations[key] = { ...known, bad: markBad.reason };
    }
  }
  const changed = {
    ...record,
    implementations,
    history: [...record.history, entry],
  };
  return { ...file, contracts: { ...file.contracts, [name]: changed } };
}

/** The address as the record writes it. */
function keyOf({ implementations }: ContractRecord, address: Address): Address {
  const known = Object.keys(implementations) as Address[];
  return (
    known.find((key) => sameAddress(key, address)) ??
    OxAddress.checksum(address)
  );
}

function isAddress(text: string): text is Address {
  return /^0x[0-9a-fA-F]{40}$/.test(text);
}
