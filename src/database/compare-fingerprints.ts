import type {
  Fingerprint,
  SequenceFingerprint,
  TableFingerprint,
} from "./fingerprint-shape.js";

/**
 * What a restored database has otherwise than it was when it was backed up, one
 * sentence each; none: it is the same. Not told is what a restore may change:
 * the server, versions of extensions; nor what {@link tellUncompared} names.
 *
 * @param found - Taken with `like: expected`.
 */
export function compareFingerprints(
  expected: Fingerprint,
  found: Fingerprint,
): readonly string[] {
  return [
    ...compareSettings(expected, found),
    ...pairUp("table", expected.tables, found.tables, compareTable),
    ...pairUp("sequence", expected.sequences, found.sequences, compareSequence),
    ...compareLargeObjects(expected, found),
  ];
}

/**
 * What of a restored database can't be held against what was written down:
 * sentences. Another major version shows definitions otherwise.
 */
export function tellUncompared(
  expected: Fingerprint,
  found: Fingerprint,
): readonly string[] {
  if (hasSameRules(expected, found)) {
    return [];
  }
  const by =
    majorOf(expected) === majorOf(found)
      ? "another version of hardhat-dr"
      : `PostgreSQL ${majorOf(expected)}, and this is ${majorOf(found)}`;
  return [
    `Rows and sequences are compared, but not how tables, functions and grants are defined: that was written down by ${by}.`,
  ];
}

function hasSameRules(one: Fingerprint, other: Fingerprint): boolean {
  const [{ schemaRules = 1 }, { schemaRules: others = 1 }] = [one, other];
  return majorOf(one) === majorOf(other) && schemaRules === others;
}

function compareSettings(
  expected: Fingerprint,
  found: Fingerprint,
): readonly string[] {
  const differences: string[] = [];
  if (expected.encoding !== found.encoding) {
    differences.push(
      `The encoding is ${found.encoding} instead of ${expected.encoding}.`,
    );
  }
  const [wanted, is] = [expected, found].map(nameOfLocale);
  if (wanted !== is) {
    differences.push(`The locale is ${is ?? ""} instead of ${wanted ?? ""}.`);
  }
  const present = new Set(found.extensions.map(({ name }) => name));
  for (const { name } of expected.extensions) {
    if (!present.has(name)) {
      differences.push(`The extension ${name} is missing.`);
    }
  }
  if (hasSameRules(expected, found) && expected.schema !== found.schema) {
    differences.push(describeDefinitions(expected, found));
  }
  return differences;
}

const MOST_NAMED = 10;

function describeDefinitions(
  { definitions: expected }: Fingerprint,
  { definitions: found }: Fingerprint,
): string {
  if (expected === undefined || found === undefined) {
    return "Something is defined otherwise: a table, index, constraint, function, policy, owner or grant.";
  }
  const names = Object.keys({ ...expected, ...found }).toSorted();
  const told = names.flatMap((name) => {
    const [before, now] = [expected[name], found[name]];
    if (before === now) {
      return [];
    }
    return before === undefined
      ? [`${name} (new)`]
      : [now === undefined ? `${name} (missing)` : name];
  });
  const rest = told.length - MOST_NAMED;
  return `These are defined otherwise: ${told.slice(0, MOST_NAMED).join(", ")}${rest > 0 ? ` and ${String(rest)} more` : ""}.`;
}

function nameOfLocale({ locale }: Fingerprint): string {
  const { provider, collate, ctype, icu = "", icuRules = "" } = locale;
  return [provider, collate, ctype, icu, icuRules]
    .filter((part) => part !== "")
    .join(" ");
}

function majorOf({ server }: Fingerprint): string {
  return server.split(".")[0] ?? "";
}

function compareTable(
  expected: TableFingerprint,
  found: TableFingerprint,
): string | undefined {
  const { name, rows } = expected;
  if (expected.computed || expected.uncounted) {
    return undefined;
  }
  if (rows !== found.rows) {
    return `The table ${name} has ${found.rows} rows instead of ${rows}.`;
  }
  const isComparable =
    expected.hash !== undefined &&
    found.hash !== undefined &&
    expected.sampled === found.sampled;
  return isComparable && expected.hash !== found.hash
    ? `The table ${name} holds something else in its ${rows} rows.`
    : undefined;
}

/** One that was used while it was backed up may have gone on. */
function compareSequence(
  expected: SequenceFingerprint,
  found: SequenceFingerprint,
): string | undefined {
  const { name, counts } = expected;
  if (counts === "around") {
    return undefined;
  }
  const sign = counts === "down" ? -1n : 1n;
  const ahead = (BigInt(found.last) - BigInt(expected.last)) * sign;
  return ahead < 0n || (ahead === 0n && expected.isCalled && !found.isCalled)
    ? `The sequence ${name} is at ${found.last}, behind ${expected.last}.`
    : undefined;
}

function compareLargeObjects(
  { largeObjects: expected }: Fingerprint,
  { largeObjects: found }: Fingerprint,
): readonly string[] {
  if (expected.count !== found.count) {
    return [
      `There are ${found.count} large objects instead of ${expected.count}.`,
    ];
  }
  const isHashed = expected.hash !== undefined && found.hash !== undefined;
  return isHashed && expected.hash !== found.hash
    ? [`The ${expected.count} large objects hold something else.`]
    : [];
}

function pairUp<T extends { readonly name: string }>(
  what: string,
  expected: readonly T[],
  found: readonly T[],
  compare: (expected: T, found: T) => string | undefined,
): readonly string[] {
  const unmatched = new Map(found.map((one) => [one.name, one]));
  const differences = expected.flatMap((one) => {
    const { name } = one;
    const other = unmatched.get(name);
    unmatched.delete(name);
    const difference =
      other === undefined
        ? `The ${what} ${name} is missing.`
        : compare(one, other);
    return difference === undefined ? [] : [difference];
  });
  const others = [...unmatched.keys()].map(
    (name) => `The ${what} ${name} wasn't in the backup.`,
  );
  return [...differences, ...others];
}
