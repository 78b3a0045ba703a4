import { canonicalJson, type Json } from "../core/canonical-json.js";

/** What of a Safe decides who may act for it, as text. */
interface SafeState {
  readonly threshold: string;
  readonly owners: string;
}

/**
 * How those who may make a call are others than before; undefined when they
 * are the same. Whether the chain was seen to let them doesn't count: that
 * changes with whether a contract is paused.
 *
 * @param before - As `dr:status --json` has it; so the other.
 * @returns a text without a full stop.
 */
export function describeAuthorityChange(
  before: Json,
  after: Json,
): string | undefined {
  if (canonicalJson(comparable(before)) === canonicalJson(comparable(after))) {
    return undefined;
  }
  const [old, now] = [safesIn(before), safesIn(after)];
  const changes = [...now].flatMap(([address, safe]) => {
    const was = old.get(address);
    if (was === undefined) {
      return [];
    }
    return [
      ...(was.threshold === safe.threshold
        ? []
        : [
            `the threshold of the Safe ${address} was ${was.threshold} and is ${safe.threshold}`,
          ]),
      ...(was.owners === safe.owners
        ? []
        : [`the Safe ${address} has other owners`]),
    ];
  });
  return changes.join(", ") || "somebody else has the authority";
}

/** Without what may differ though the authority doesn't; lists are sets here. */
function comparable(value: Json): Json {
  if (Array.isArray(value)) {
    return value
      .map((one) => comparable(one as Json))
      .toSorted((a, b) => (canonicalJson(a) < canonicalJson(b) ? -1 : 1));
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([key]) => key !== "confirmed" && key !== "refused")
        .map(([key, one]) => [key, comparable(one)]),
    );
  }
  return typeof value === "string" ? value.toLowerCase() : value;
}

/** By their addresses, wherever they stand. */
function safesIn(value: Json): ReadonlyMap<string, SafeState> {
  if (typeof value !== "object" || value === null) {
    return new Map();
  }
  const inner = Object.values(value).flatMap((one: Json) => [...safesIn(one)]);
  if (!("kind" in value) || value.kind !== "safe") {
    return new Map(inner);
  }
  const { address = null, threshold = null, owners = null } = value;
  const own = {
    threshold: canonicalJson(threshold),
    owners: canonicalJson(comparable(owners)),
  };
  return new Map([...inner, [typeof address === "string" ? address : "", own]]);
}
