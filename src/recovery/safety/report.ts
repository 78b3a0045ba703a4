import type { BlockReader } from "../../chain/block-reader.js";
import type { Address } from "../../core/hex.js";
import type {
  ImplementationSource,
  KnownImplementation,
} from "../../implementation/implementation-source.js";
import { compareStorage } from "./compare-storage.js";
import {
  readInitialized,
  readInitializedV5,
  type InitializedVersion,
} from "./initialized.js";
import { notesOn, notesOnUnknown } from "./notes.js";
import type { SafetyReport, SafetyVerdict } from "./safety-report.js";
import { selectorsOnlyIn } from "./selectors.js";
import {
  findEnumsOutOfRange,
  readRetyped,
  readStored,
} from "./stored-variables.js";
import { variablesOf } from "./variables.js";

/**
 * Compares what the current implementation (`from`) may have written with how
 * the target (`to`) will read it. Changes nothing and refuses nothing.
 *
 * @param before - A reader at the block before the current implementation
 * came. With it, what that one could have spoilt but hasn't is known.
 */
export async function reportRollbackSafety({
  reader,
  proxy,
  from,
  to,
  before,
}: {
  readonly reader: BlockReader;
  readonly proxy: Address;
  readonly from: ImplementationSource;
  readonly to: ImplementationSource;
  readonly before?: BlockReader;
}): Promise<SafetyReport> {
  if (from.status === "unknown" || to.status === "unknown") {
    return await reportUnknown(reader, proxy, from, to);
  }
  const current = variablesOf(from.layout);
  const target = variablesOf(to.layout);
  const comparison = await compareStorage(current, target);
  const [orphaned, revived, outOfRange, initialized, targetInitialized] =
    await Promise.all([
      readStored(reader, proxy, comparison.orphaned),
      readStored(reader, proxy, comparison.revived),
      findEnumsOutOfRange(reader, proxy, comparison.changed),
      readInitialized(reader, proxy, current),
      readInitialized(reader, proxy, target),
    ]);
  const retyped = await readRetyped(
    reader,
    proxy,
    [...comparison.retyped, ...outOfRange],
    before,
  );
  const facts = {
    orphaned,
    revived,
    retyped,
    ...initializedMember(initialized ?? targetInitialized),
    ...selectorMembers(from, to),
  };
  return {
    verdict: verdictOf(facts),
    proxy,
    block: reader.block.number,
    ...facts,
    notes: notesOn({
      ...facts,
      changed: comparison.changed,
      targetInitialized,
      abisKnown: from.abi !== undefined && to.abi !== undefined,
    }),
  };
}

function verdictOf({
  orphaned,
  retyped,
}: Pick<SafetyReport, "orphaned" | "retyped">): SafetyVerdict {
  if (retyped.some(({ untouched }) => !untouched)) {
    return "corrupts";
  }
  return orphaned.length > 0 ? "orphans" : "clean";
}

async function reportUnknown(
  reader: BlockReader,
  proxy: Address,
  from: ImplementationSource,
  to: ImplementationSource,
): Promise<SafetyReport> {
  const known = from.status === "known" ? from : undefined;
  const initialized =
    known === undefined
      ? await readInitializedV5(reader, proxy)
      : await readInitialized(reader, proxy, variablesOf(known.layout));
  return {
    verdict: "unknown",
    proxy,
    block: reader.block.number,
    orphaned: [],
    revived: [],
    retyped: [],
    ...initializedMember(initialized),
    selectorsLost: [],
    selectorsGained: [],
    notes: notesOnUnknown([from, to], initialized),
  };
}

function initializedMember(
  initialized: InitializedVersion | undefined,
): Pick<SafetyReport, "initialized"> {
  return initialized === undefined ? {} : { initialized };
}

function selectorMembers(
  { abi: current }: KnownImplementation,
  { abi: target }: KnownImplementation,
): Pick<SafetyReport, "selectorsLost" | "selectorsGained"> {
  return current === undefined || target === undefined
    ? { selectorsLost: [], selectorsGained: [] }
    : {
        selectorsLost: selectorsOnlyIn(current, target),
        selectorsGained: selectorsOnlyIn(target, current),
      };
}
