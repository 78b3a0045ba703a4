import { sameAddress, type Address } from "../core/hex.js";
import type {
  ContractRecord,
  HistoryEntry,
  ImplementationRecord,
} from "./deploy-file.js";
import { findImplementation } from "./history.js";

/**
 * A contract's record with the chain's facts in place of older ones. What only
 * a person can know stays: contract names, bad marks, reasons, fields of their
 * own, the order of things.
 *
 * @param isComplete - Whether the chain's history has no gaps, so that an entry
 * it doesn't know of never was.
 */
export function mergeRecord(
  written: ContractRecord,
  chain: ContractRecord,
  isComplete: boolean,
): ContractRecord {
  const isSame = sameAddress(written.proxy, chain.proxy);
  // What was true of another kind of proxy would be left behind otherwise.
  const kept = Object.entries(written).filter(
    ([key]) => (key !== "admin" && key !== "beacon") || key in chain,
  );
  return {
    ...Object.fromEntries(kept),
    ...chain,
    implementations: isSame
      ? mergeImplementations(written, chain)
      : chain.implementations,
    history: isSame
      ? mergeHistory(written.history, chain.history, isComplete)
      : chain.history,
  };
}

function mergeImplementations(
  written: ContractRecord,
  chain: ContractRecord,
): ContractRecord["implementations"] {
  const merged: Record<Address, ImplementationRecord> = {};
  for (const [address, record] of entriesOf(written)) {
    const facts = findImplementation(chain, address);
    merged[address] = { ...record, ...facts, ...onlyPeopleKnow(record) };
  }
  for (const [address, facts] of entriesOf(chain)) {
    merged[address] ??= facts;
  }
  return merged;
}

function onlyPeopleKnow({
  contract,
  bad,
}: ImplementationRecord): Partial<ImplementationRecord> {
  return {
    ...(contract === undefined ? {} : { contract }),
    ...(bad === undefined ? {} : { bad }),
  };
}

function entriesOf({
  implementations,
}: ContractRecord): [Address, ImplementationRecord][] {
  return Object.entries(implementations) as [Address, ImplementationRecord][];
}

/** The chain's entries, each with what was written about it. */
function mergeHistory(
  written: readonly HistoryEntry[],
  chain: readonly HistoryEntry[],
  isComplete: boolean,
): readonly HistoryEntry[] {
  const unmatched = [...written];
  const merged = chain.map((entry) => {
    const index = unmatched.findIndex((other) => isSameEvent(other, entry));
    const [match] = index < 0 ? [] : unmatched.splice(index, 1);
    return match === undefined ? entry : mergeEntry(match, entry);
  });
  return isComplete ? merged : [...earlierThan(merged, unmatched), ...merged];
}

/** What was written about times the chain is silent on. */
function earlierThan(
  merged: readonly HistoryEntry[],
  unmatched: readonly HistoryEntry[],
): HistoryEntry[] {
  const first = merged[0]?.block ?? Number.POSITIVE_INFINITY;
  return unmatched.filter(({ block }) => (block ?? 0) <= first);
}

function mergeEntry(written: HistoryEntry, chain: HistoryEntry): HistoryEntry {
  const { reason } = written.reason === "found" ? chain : written;
  const merged = { ...written, ...chain, reason };
  const isSameTime =
    written.at !== undefined &&
    chain.at !== undefined &&
    Date.parse(written.at) === Date.parse(chain.at);
  return isSameTime ? { ...merged, at: written.at } : merged;
}

function isSameEvent(a: HistoryEntry, b: HistoryEntry): boolean {
  return (
    sameAddress(a.implementation, b.implementation) &&
    agree(a.block, b.block) &&
    agree(a.tx?.toLowerCase(), b.tx?.toLowerCase())
  );
}

function agree<T>(a: T | undefined, b: T | undefined): boolean {
  return a === undefined || b === undefined || a === b;
}
