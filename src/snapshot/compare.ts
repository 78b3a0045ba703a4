import { canonicalJson, type Json } from "../core/canonical-json.js";
import type { Snapshot } from "./snapshot.js";

/** Something about a contract that isn't as it was. */
export interface Change {
  readonly contract: string;
  /** Down to what differs: `upgradeAuthority.holders.0.threshold`. */
  readonly field: string;
  /** Null when it wasn't there. */
  readonly before: Json;
  /** Null when it isn't there any more. */
  readonly now: Json;
}

/** What is otherwise now, contract by contract, field by field. */
export function compareContracts(
  before: Snapshot["contracts"],
  now: Snapshot["contracts"],
): Change[] {
  return Object.entries(before).flatMap(([contract, state]) =>
    differences(state as unknown as Json, now[contract] as unknown as Json).map(
      (difference) => ({ contract, ...difference }),
    ),
  );
}

type Difference = Omit<Change, "contract">;

/** Lists are compared place by place when they are as long as each other, else as a whole. */
function differences(before: Json, now: Json, field = ""): Difference[] {
  const [then, later] = [membersOf(before), membersOf(now)];
  const isList = Array.isArray(before) || Array.isArray(now);
  const isComparable =
    then !== undefined &&
    later !== undefined &&
    Array.isArray(before) === Array.isArray(now) &&
    (!isList || Object.keys(then).length === Object.keys(later).length);
  if (!isComparable) {
    return canonicalJson(before) === canonicalJson(now)
      ? []
      : [{ field, before, now }];
  }
  const keys = [...new Set([...Object.keys(then), ...Object.keys(later)])];
  return keys.flatMap((key) =>
    differences(
      then[key] ?? null,
      later[key] ?? null,
      field === "" ? key : `${field}.${key}`,
    ),
  );
}

function membersOf(value: Json): Readonly<Record<string, Json>> | undefined {
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, Json>>)
    : undefined;
}
