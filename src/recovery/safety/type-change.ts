import type { getStorageUpgradeReport } from "@openzeppelin/upgrades-core";

import { messageOf } from "../../core/errors.js";
import { loadOpenZeppelin } from "../../implementation/extract-layout.js";
import {
  structFields,
  typeArguments,
  type StorageLayout,
} from "../../implementation/storage-layout.js";
import type { Variable } from "./variables.js";

/** What it means to read one variable's place as another. */
export type TypeChange =
  | { readonly kind: "same" }
  /** The same but for names inside, or for what one has and the other doesn't know of. */
  | { readonly kind: "compatible"; readonly why: string }
  | { readonly kind: "corrupt"; readonly why: string };

type Report = ReturnType<typeof getStorageUpgradeReport>;
type Operation = Report["ops"][number];
type OpenZeppelinChange = Extract<Operation, { kind: "typechange" }>["change"];

/**
 * Compares the types of two variables at one place: `current` is what wrote
 * there, `target` what will read. OpenZeppelin's comparator decides. It thinks
 * in upgrades: what may follow in one direction can be undone in the other.
 */
export async function compareTypes(
  current: Variable,
  target: Variable,
): Promise<TypeChange> {
  if (describeType(current) === describeType(target)) {
    return { kind: "same" };
  }
  const { getStorageUpgradeReport, withValidationDefaults } =
    await loadOpenZeppelin();
  const compare = (
    from: Variable,
    to: Variable,
    unsafeAllowRenames: boolean,
  ): Report =>
    getStorageUpgradeReport(
      alone(from),
      alone(to),
      withValidationDefaults({ unsafeAllowRenames }),
    );
  try {
    const back = compare(current, target, true);
    if (!back.pass && !compare(target, current, true).pass) {
      return { kind: "corrupt", why: explain(back) };
    }
    const named = compare(current, target, false);
    return named.ops.some(hasMovedMember)
      ? { kind: "corrupt", why: "its members changed places" }
      : { kind: "compatible", why: named.pass ? "" : explain(named) };
  } catch (error) {
    // Its `UpgradesError`: recursive types, which it can't compare.
    return { kind: "corrupt", why: messageOf(error).split("\n")[0] ?? "" };
  }
}

/** A layout of nothing but this variable, under a name that all share. */
function alone({ typeId, retypedFrom, layout }: Variable): StorageLayout {
  return {
    types: layout.types,
    storage: [
      {
        contract: "",
        label: "it",
        src: "",
        type: typeId,
        slot: "0",
        offset: 0,
        ...(retypedFrom === undefined ? {} : { retypedFrom }),
      },
    ],
  };
}

/** OpenZeppelin's explanation on one line, without its heading and its advice. */
function explain(report: Report): string {
  return report
    .explain(false)
    .split("\n")
    .slice(1)
    .map((line) => line.trim().replace(/^- /, ""))
    .filter((line) => line !== "" && !line.startsWith(">"))
    .join("; ");
}

function hasMovedMember(operation: Operation): boolean {
  return operation.kind === "typechange" && hasMoved(operation.change);
}

/** Whether a struct in there has the same member in two places: it was reordered. */
function hasMoved(change: OpenZeppelinChange): boolean {
  if (change.kind === "mapping value" || change.kind === "array value") {
    return hasMoved(change.inner);
  }
  if (change.kind !== "struct members") {
    return false;
  }
  const places = new Map(
    membersOf(change.original).map(({ label, place }) => [label, place]),
  );
  return (
    membersOf(change.updated).some(
      ({ label, place }) => (places.get(label) ?? place) !== place,
    ) ||
    change.ops.some((op) => op.kind === "typechange" && hasMoved(op.change))
  );
}

function membersOf({
  item,
}: OpenZeppelinChange["original"]): { label: string; place: string }[] {
  return (item.members ?? []).flatMap((member) =>
    typeof member === "string"
      ? []
      : [
          {
            label: member.label,
            place: `${String(member.slot)}:${String(member.offset)}`,
          },
        ],
  );
}

/** A text that is the same for types that are the same, whichever build they come from. */
function describeType({ typeId, layout: { types } }: Variable): string {
  const pending = [typeId];
  const seen = new Set<string>();
  const parts: unknown[] = [];
  for (let id = pending.shift(); id !== undefined; id = pending.shift()) {
    if (seen.has(id)) {
      continue;
    }
    seen.add(id);
    const fields = structFields(id, types);
    parts.push([
      withoutAstIds(id),
      types[id]?.numberOfBytes,
      fields?.map(({ label, type, slot, offset }) => [
        label,
        withoutAstIds(type),
        slot,
        offset,
      ]) ?? types[id]?.members,
    ]);
    if (fields !== undefined) {
      pending.push(...fields.map(({ type }) => type));
    } else if (/^t_(mapping|array)\(/.test(id)) {
      pending.push(...typeArguments(id));
    }
  }
  return JSON.stringify(parts);
}

/** `t_struct(Profile)812_storage` → `t_struct(Profile)_storage`. */
function withoutAstIds(typeId: string): string {
  return typeId.replace(
    /(t_(?:struct|enum|contract|userDefinedValueType)\([^()]*\))\d+/g,
    "$1",
  );
}
