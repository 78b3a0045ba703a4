/** One thing wrong with the `dr` section, and where. */
export interface ConfigProblem {
  readonly path: string[];
  readonly message: string;
}

type Check = (value: unknown) => string | undefined;

/**
 * Checks the `dr` section as written by the user. By hand: a schema library
 * would be loaded by every Hardhat command.
 */
export function validateDrConfig(section: unknown): ConfigProblem[] {
  if (section === undefined) {
    return [];
  }
  return checkObject(section, ["dr"], {
    project: isName,
    paths: { deployments: isText, incidents: isText },
    rpcQuorum: isQuorum,
    transactions: {
      confirmations: isPositiveInteger,
      stuckAfterSeconds: isPositive,
      giveUpAfterSeconds: isPositive,
      pollSeconds: isPositive,
    },
    safeContracts: { multiSend: isAddress, multiSendCallOnly: isAddress },
    goBag: { recipients: isRecipients, identityFile: isText },
    safeService: { url: isUrl, apiKey: isSecret },
    verify: isRecordOfFunctions,
  });
}

interface Shape {
  readonly [key: string]: Check | Shape;
}

function checkObject(
  value: unknown,
  path: string[],
  shape: Shape,
): ConfigProblem[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return [{ path, message: "Expected an object" }];
  }
  return Object.entries(value).flatMap(([key, member]: [string, unknown]) => {
    const expected = shape[key];
    const at = [...path, key];
    if (expected === undefined) {
      const known = Object.keys(shape).join(", ");
      return [{ path: at, message: `Unknown option; known are: ${known}` }];
    }
    if (member === undefined) {
      return [];
    }
    if (typeof expected === "object") {
      return checkObject(member, at, expected);
    }
    const message = expected(member);
    return message === undefined ? [] : [{ path: at, message }];
  });
}

function isText(value: unknown): string | undefined {
  return typeof value === "string" && value.length > 0
    ? undefined
    : "Expected a non-empty text";
}

function isName(value: unknown): string | undefined {
  return typeof value === "string" && /^[a-z0-9][a-z0-9_-]*$/i.test(value)
    ? undefined
    : "Expected a name of letters, digits, - and _: it becomes part of file names";
}

function isAddress(value: unknown): string | undefined {
  return typeof value === "string" && /^0x[0-9a-fA-F]{40}$/.test(value)
    ? undefined
    : "Expected an address: 0x and 40 hexadecimal digits";
}

function isUrl(value: unknown): string | undefined {
  return typeof value === "string" && URL.canParse(value)
    ? undefined
    : "Expected a URL";
}

/** Text, or what `configVariable` makes. */
function isSecret(value: unknown): string | undefined {
  return typeof value === "string" ||
    (typeof value === "object" && value !== null && "_type" in value)
    ? undefined
    : 'Expected configVariable("NAME")';
}

function isRecipients(value: unknown): string | undefined {
  return Array.isArray(value) &&
    value.length > 0 &&
    value.every((one) => typeof one === "string" && /^age1[0-9a-z]+$/.test(one))
    ? undefined
    : 'Expected public keys of age: ["age1…"]; private ones belong into identityFile';
}

function isPositive(value: unknown): string | undefined {
  return typeof value === "number" && value > 0
    ? undefined
    : "Expected a number greater than 0";
}

function isPositiveInteger(value: unknown): string | undefined {
  return Number.isInteger(value) && (value as number) > 0
    ? undefined
    : "Expected a whole number of at least 1";
}

function isRecordOfFunctions(value: unknown): string | undefined {
  const isRecord =
    typeof value === "object" &&
    value !== null &&
    Object.values(value).every((member) => typeof member === "function");
  return isRecord
    ? undefined
    : "Expected functions by contract name: { SkillProfile: async ({ contract }) => … }";
}

/** What is wrong is said without showing any of it: URLs hold keys. */
function isQuorum(value: unknown): string | undefined {
  if (Array.isArray(value)) {
    return isUrlList(value);
  }
  return typeof value === "object" && value !== null
    ? Object.values(value).map(isUrlList).find(Boolean)
    : "Expected URLs, or URLs by network name: { mainnet: [configVariable(…)] }";
}

function isUrlList(value: unknown): string | undefined {
  if (!Array.isArray(value) || value.length === 0) {
    return "Expected a list of at least one URL";
  }
  if (!value.every((member) => isVariable(member) || isHttpUrl(member))) {
    return "Expected http or https URLs or configVariable(…)";
  }
  return new Set(value).size === value.length
    ? undefined
    : "The same URL stands there twice; that confirms nothing";
}

function isVariable(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    "_type" in value &&
    value._type === "ConfigurationVariable"
  );
}

function isHttpUrl(value: unknown): boolean {
  return (
    typeof value === "string" &&
    URL.canParse(value) &&
    /^https?:$/.test(new URL(value).protocol)
  );
}
