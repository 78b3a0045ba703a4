import { CHANNELS } from "../core/contact.js";
import { SEVERITIES } from "../core/severity.js";
import { ANNOUNCED, NOTIFY_CHANNELS, RUN_STAGES } from "./notify-names.js";
import { defaultTargetName } from "./resolve-backup.js";
import type { DrUserConfig, OffsiteTargetUserConfig } from "./types.js";

/** One thing wrong with the `dr` section, and where. */
export interface ConfigProblem {
  readonly path: string[];
  readonly message: string;
}

type Check = (value: unknown) => string | ConfigProblem[] | undefined;

/**
 * Checks the `dr` section as written by the user. By hand: a schema library
 * would be loaded by every Hardhat command.
 */
export function validateDrConfig(section: unknown): ConfigProblem[] {
  if (section === undefined) {
    return [];
  }
  const problems = checkObject(section, ["dr"], {
    project: isName,
    paths: {
      deployments: isText,
      incidents: isText,
      exercises: isText,
      backups: isText,
      logs: isText,
    },
    backup: { compression: isOneOf("zstd", "gzip"), offsite: isBoolean },
    encryption: {
      format: isOneOf("aes-256-gcm", "aes-256-cbc", "age"),
      keyFile: isText,
      oldKeyFiles: isListOf(isText),
      kmsKey: isKmsKey,
      recipients: isRecipients,
      identityFile: isText,
    },
    signing: { keyFile: isText, trusted: isListOf(isPublicKey) },
    database: {
      url: isSecret,
      engine: isOneOf("postgres", "pglite", "pgbackrest"),
      criticalTables: isListOf(isText),
      verify: isVerifySection,
      timeLimitMinutes: isPositive,
      sampleAboveBytes: isPositive,
      lockTimeoutSeconds: isPositive,
      erased: isRecordOf(isErased),
      recover: { triggers: isOneOf("fire", "skip") },
      pgbackrest: isPgbackrestSection,
    },
    snapshot: { views: isRecordOf(isListOf(isSignature)) },
    files: isListOf(isText),
    configuration: isListOf(isText),
    offsite: { targets: isTargetList, bytesPerSecond: isPositive },
    retention: {
      localDays: isPositiveInteger,
      offsiteDays: isPositiveInteger,
    },
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
    contacts: {
      onCallEngineer: isContact,
      devopsLead: isContact,
      securityLead: isContact,
      cto: isContact,
    },
    notify: {
      slack: isSection(["dr", "notify", "slack"], ["url"], { url: isSecret }),
      pagerduty: isSection(["dr", "notify", "pagerduty"], ["routingKey"], {
        routingKey: isSecret,
        url: isUrlForTokens,
      }),
      email: isSection(["dr", "notify", "email"], ["server", "from", "to"], {
        server: isSecret,
        from: isMailAddress,
        to: isMailAddresses,
        caFile: isText,
        allowPlain: isBoolean,
      }),
      webhook: isSection(["dr", "notify", "webhook"], ["url", "secret"], {
        url: isSecret,
        secret: isSecret,
      }),
      routes: Object.fromEntries(
        [...SEVERITIES, "change"].map((route) => [
          route,
          isListOf(isOneOf(...NOTIFY_CHANNELS)),
        ]),
      ),
      recoveries: Object.fromEntries(
        ANNOUNCED.map((procedure) => [
          procedure,
          isListOf(isOneOf(...RUN_STAGES)),
        ]),
      ),
      developmentChains: isBoolean,
      timeoutSeconds: isPositive,
    },
    banner: isSection(["dr", "banner"], ["network", "file"], {
      network: isText,
      file: isText,
      upload: isSection(["dr", "banner", "upload"], ["url"], {
        url: isSecret,
        headers: isRecordOf(isSecret),
      }),
      message: isText,
    }),
    verify: isRecordOfFunctions,
    objectives: {
      rtoMinutes: { contracts: isPositive, database: isPositive },
      rpoHours: isPositive,
    },
    drill: { documents: isListOf(isText), scenarios: isText },
  });
  return problems.length > 0
    ? problems
    : [
        ...checkKmsFormat(section as DrUserConfig),
        ...checkDatabaseUrl(section as DrUserConfig),
      ];
}

/** Of a folder any path will do. */
function checkDatabaseUrl({ database }: DrUserConfig): ConfigProblem[] {
  const { url, engine } = database ?? {};
  const message =
    url === undefined || engine === "pglite" ? undefined : isDatabaseUrl(url);
  return message === undefined
    ? []
    : [{ path: ["dr", "database", "url"], message }];
}

function checkKmsFormat({ encryption }: DrUserConfig): ConfigProblem[] {
  const { kmsKey, format = "aes-256-gcm" } = encryption ?? {};
  return kmsKey === undefined || format === "aes-256-gcm"
    ? []
    : [
        {
          path: ["dr", "encryption", "kmsKey"],
          message: `Expected format aes-256-gcm: a KMS key can't encrypt as ${format}`,
        },
      ];
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
    const wrong = expected(member) ?? [];
    return typeof wrong === "string" ? [{ path: at, message: wrong }] : wrong;
  });
}

/** A section of which some must be given. */
function isSection(
  path: string[],
  required: readonly string[],
  shape: Shape,
): Check {
  return (value) => {
    const given = new Set(Object.keys(Object(value) as object));
    return [
      ...required
        .filter((key) => !given.has(key))
        .map((key) => ({ path: [...path, key], message: "It must be given" })),
      ...checkObject(value, path, shape),
    ];
  };
}

/** The problems of a target's own options are told at its place. */
function isTargetList(value: unknown): ConfigProblem[] | string | undefined {
  if (!Array.isArray(value)) {
    return "Expected a list of targets";
  }
  const problems = value.flatMap((target: unknown, index) =>
    checkTarget(target, ["dr", "offsite", "targets", String(index)]),
  );
  if (problems.length > 0) {
    return problems;
  }
  const names = (value as OffsiteTargetUserConfig[]).map(
    (target) => target.name ?? defaultTargetName(target),
  );
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined
    ? undefined
    : `Two targets are called ${twice}; give them a \`name\` each`;
}

function checkTarget(target: unknown, path: string[]): ConfigProblem[] {
  const { kind } = (target ?? {}) as { kind?: keyof typeof TARGETS };
  const shape = TARGETS[kind ?? ("" as "fs")] as TargetShape | undefined;
  if (shape === undefined) {
    const known = Object.keys(TARGETS).join(", ");
    return [{ path: [...path, "kind"], message: `Expected one of ${known}` }];
  }
  const missing = shape.required.filter(
    (key) => (target as Record<string, unknown>)[key] === undefined,
  );
  return [
    ...missing.map((key) => ({
      path: [...path, key],
      message: "It must be given",
    })),
    ...checkObject(target, path, {
      kind: isText,
      name: isName,
      prefix: isPrefix,
      ...shape.options,
    }),
  ];
}

interface TargetShape {
  readonly required: readonly string[];
  readonly options: Shape;
}

const TARGETS = {
  fs: { required: ["directory"], options: { directory: isText } },
  s3: {
    required: ["bucket"],
    options: {
      bucket: isText,
      region: isText,
      endpoint: isUrl,
      forcePathStyle: isBoolean,
      credentials: { accessKeyId: isSecret, secretAccessKey: isSecret },
      storageClass: isText,
      encryption: isOneOf("AES256", "aws:kms", "none"),
      kmsKeyId: isText,
      objectLock: {
        mode: isOneOf("governance", "compliance"),
        days: isPositiveInteger,
      },
      checksums: isBoolean,
      conditionalWrites: isBoolean,
    },
  },
  gcs: {
    required: ["bucket"],
    options: {
      bucket: isText,
      projectId: isText,
      keyFile: isText,
      storageClass: isText,
      endpoint: isUrlForTokens,
    },
  },
  azure: {
    required: ["account", "container"],
    options: {
      account: isText,
      container: isText,
      key: isSecret,
      tier: isOneOf("Hot", "Cool", "Cold", "Archive"),
      immutability: {
        mode: isOneOf("unlocked", "locked"),
        days: isPositiveInteger,
      },
      endpoint: isUrl,
    },
  },
} as const satisfies Readonly<Record<string, TargetShape>>;

function isPrefix(value: unknown): string | undefined {
  return typeof value === "string" && /^([\w.-]+\/)*$/.test(value)
    ? undefined
    : "Expected folders, each with a / behind it: `production/`";
}

/** Requests there carry a token that opens the bucket. */
function isUrlForTokens(value: unknown): string | undefined {
  const isSafe =
    typeof value === "string" &&
    /^(https:\/\/|http:\/\/(127\.0\.0\.1|localhost)[:/])/.test(`${value}/`);
  return isSafe ? isUrl(value) : "Expected a URL that begins with https://";
}

function isBoolean(value: unknown): string | undefined {
  return typeof value === "boolean" ? undefined : "Expected true or false";
}

function isOneOf(...known: readonly string[]): Check {
  return (value) =>
    known.some((one) => one === value)
      ? undefined
      : `Expected one of ${known.join(", ")}`;
}

function isListOf(check: Check): Check {
  return (value) =>
    Array.isArray(value) ? value.map(check).find(Boolean) : "Expected a list";
}

function isRecordOf(check: Check): Check {
  return (value) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.values(value).map(check).find(Boolean)
      : "Expected an object";
}

/** Of what is wrong nothing is shown: it is about people. */
function isErased(value: unknown): string | undefined {
  const isKey = (key: unknown): boolean =>
    isTextItself(key) ||
    (Array.isArray(key) && key.length > 0 && key.every(isTextItself));
  const isRight = Array.isArray(value)
    ? value.every(isKey)
    : typeof value === "object" &&
      value !== null &&
      Object.keys(value).join() === "file" &&
      isTextItself((value as { file: unknown }).file);
  return isRight
    ? undefined
    : 'Expected keys as texts: ["7", "8"], [["a", "1"]], or { file: "erased.txt" }';
}

function isTextItself(value: unknown): boolean {
  return isText(value) === undefined;
}

/** Somebody who can't be reached is no contact. */
function isContact(value: unknown): string | undefined {
  const known: readonly string[] = ["name", ...CHANNELS];
  const isRight =
    typeof value === "object" &&
    value !== null &&
    Object.entries(value).every(
      ([key, text]) => known.includes(key) && isTextItself(text),
    ) &&
    CHANNELS.some((channel) => channel in value);
  return isRight
    ? undefined
    : `Expected texts of ${known.join(", ")}, at least one way to reach them among these: { name: "Ada", phone: "+1 555 0100" }`;
}

function isKmsKey(value: unknown): string | undefined {
  return typeof value === "string" &&
    /^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+$/.test(value)
    ? undefined
    : "Expected the ARN of a KMS key, not of an alias: arn:aws:kms:REGION:ACCOUNT:key/ID";
}

function isPublicKey(value: unknown): string | undefined {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value)
    ? undefined
    : "Expected public keys of 64 hexadecimal digits, as `dr:keys:generate --for signing` shows them";
}

function isSignature(value: unknown): string | undefined {
  return typeof value === "string" &&
    /^function \w+\(\) .*returns ?\(.+\)$/.test(value)
    ? undefined
    : "Expected view functions without arguments: `function totalSupply() view returns (uint256)`";
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

/** Plain ones: what else RFC 5322 allows is how headers are smuggled in. */
function isMailAddress(value: unknown): string | undefined {
  return typeof value === "string" &&
    /^[\w.!#$%&'*+/=?^`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/.test(value)
    ? undefined
    : "Expected an e-mail address: incidents@example.org";
}

function isMailAddresses(value: unknown): string | undefined {
  return Array.isArray(value) && value.length > 0
    ? value.map(isMailAddress).find(Boolean)
    : 'Expected e-mail addresses: ["incidents@example.org"]';
}

const PGBACKREST = {
  stanza: isStanza,
  dataFolder: isText,
  configFile: isText,
  processes: isPositiveInteger,
  programs: isText,
  scratchFolder: isText,
  stop: isCommand,
  start: isCommand,
  timeoutSeconds: isPositive,
};

function isPgbackrestSection(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) {
    return "Expected an object with a stanza and a dataFolder";
  }
  const checks: Readonly<
    Record<string, (value: unknown) => string | undefined>
  > = PGBACKREST;
  for (const name of ["stanza", "dataFolder"]) {
    if (!(name in value)) {
      return `Expected a ${name}`;
    }
  }
  for (const [name, option] of Object.entries(value)) {
    const problem =
      checks[name] === undefined
        ? "there is no such option"
        : option === undefined
          ? undefined
          : checks[name](option);
    if (problem !== undefined) {
      return `${name}: ${problem}`;
    }
  }
  return undefined;
}

/** It becomes part of paths, and of an argument. */
function isStanza(value: unknown): string | undefined {
  return typeof value === "string" && /^[A-Za-z0-9][\w.-]*$/.test(value)
    ? undefined
    : "Expected a stanza's name: letters, digits, - and _";
}

function isCommand(value: unknown): string | undefined {
  return isListOf(isText)(value) === undefined &&
    (value as unknown[]).length > 0
    ? undefined
    : 'Expected a program and its arguments: ["systemctl", "stop", "postgresql"]';
}

function isVerifySection(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) {
    return "Expected an object with a url";
  }
  const { url, ...others } = value as { readonly url?: unknown };
  const [other] = Object.keys(others);
  if (other !== undefined) {
    return `There is no option ${other}`;
  }
  return url === undefined ? undefined : isDatabaseUrl(url);
}

/** What is wrong is said without showing any of it: it holds a password. */
function isDatabaseUrl(value: unknown): string | undefined {
  return isVariable(value) ||
    (typeof value === "string" && /^postgres(ql)?:\/\//.test(value))
    ? undefined
    : 'Expected configVariable("DATABASE_URL"), or a URL that begins with postgres://';
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
