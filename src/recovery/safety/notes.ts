import type { ImplementationSource } from "../../implementation/implementation-source.js";
import type { Retyped } from "./compare-storage.js";
import type { InitializedVersion } from "./initialized.js";
import { isZero } from "./present-value.js";
import type { SafetyReport, StoredVariable } from "./safety-report.js";
import { formatSlot } from "./slot-number.js";
import { slotOf, type Variable } from "./variables.js";

export interface Findings extends Pick<
  SafetyReport,
  "orphaned" | "revived" | "retyped" | "initialized"
> {
  readonly changed: readonly Retyped[];
  /** Where the target keeps its own, if it does. */
  readonly targetInitialized: InitializedVersion | undefined;
  readonly abisKnown: boolean;
}

/** The advice that follows from a comparison, most pressing first. */
export function notesOn(findings: Findings): string[] {
  const { orphaned, revived, retyped, initialized, abisKnown } = findings;
  return [
    ...noteUninitialized(findings.targetInitialized),
    ...noteRetyped(retyped),
    ...noteOrphans(orphaned),
    ...noteRevived(revived),
    ...noteInitialized(initialized),
    ...findings.changed.map(noteChanged),
    ...(abisKnown
      ? []
      : [
          "The ABI of one implementation isn't known, so it can't be said which functions disappear.",
        ]),
  ];
}

/** Why nothing can be said about storage. */
export function notesOnUnknown(
  sources: readonly ImplementationSource[],
  initialized: InitializedVersion | undefined,
): string[] {
  const reasons = sources.flatMap((source) =>
    source.status === "unknown" ? [source.reason] : [],
  );
  return [...reasons, ...noteInitialized(initialized)];
}

function noteUninitialized(
  initialized: InitializedVersion | undefined,
): string[] {
  return initialized?.current === 0n
    ? [
        `The target finds itself uninitialized (\`_initialized\` is 0 in slot ${formatSlot(initialized.slot)}): whoever calls its initializer first takes it over.`,
      ]
    : [];
}

function noteInitialized(
  initialized: InitializedVersion | undefined,
): string[] {
  if (initialized === undefined || initialized.current === 0n) {
    return [];
  }
  const { current } = initialized;
  return [
    `\`_initialized\` stays ${String(current)}: a later upgrade that must initialize needs reinitializer(${String(current + 1n)}) or higher.`,
  ];
}

function noteRetyped(retyped: SafetyReport["retyped"]): string[] {
  const untouched = retyped.filter((one) => one.untouched);
  return [
    ...(retyped.length === untouched.length
      ? []
      : [
          "Where the two implementations disagree on what is in a slot, the current one may have overwritten what the target needs: compare the values with those before the upgrade.",
        ]),
    ...(untouched.length === 0
      ? []
      : [
          `${names(untouched)} ${untouched.length === 1 ? "is" : "are"} something else to the current implementation, which hasn't written there: the target finds what it left.`,
        ]),
  ];
}

function noteOrphans(orphaned: readonly StoredVariable[]): string[] {
  const left = orphaned.filter(
    (variable) =>
      isData(variable) &&
      // A mapping's own slot is always zero.
      (!isZero(variable.value) || variable.type.startsWith("mapping(")),
  );
  return left.length === 0
    ? []
    : [
        `${names(left)} ${left.length === 1 ? "keeps its value" : "keep their values"}: a later upgrade finds there what the bad one left, so it must set them itself.`,
      ];
}

function noteRevived(revived: readonly StoredVariable[]): string[] {
  const data = revived.filter(isData);
  return data.length === 0
    ? []
    : [
        `${names(data)} ${data.length === 1 ? "is" : "are"} unknown to the current implementation: the target goes on with the ${data.length === 1 ? "value" : "values"} from before the upgrade.`,
      ];
}

function noteChanged({ current, target, why }: Retyped): string {
  const name =
    current.label === target.label
      ? `\`${target.label}\``
      : `\`${target.label}\`, called \`${current.label}\` by the current implementation,`;
  const details = why === "" ? "" : `, with a difference inside: ${why}`;
  return `${name} in slot ${formatSlot(slotOf(target))} stays what it is${details}.`;
}

function names(variables: readonly Pick<Variable, "label">[]): string {
  return variables.map(({ label }) => `\`${label}\``).join(", ");
}

/** OpenZeppelin's Initializable has a note of its own. */
function isData({ label }: StoredVariable): boolean {
  return label !== "_initialized" && label !== "_initializing";
}
