import * as z from "zod";

import { DrError } from "../core/errors.js";
import { isChecksumRight } from "./checksum.js";
import { findContradictions } from "./contradictions.js";
import { CONTRACT_NAME } from "./contract-name.js";
import { SCHEMA_VERSION, type DeployFile } from "./deploy-file.js";
import { formatPath, problemsError, type Problem } from "./problem.js";

const address = z
  .string({ error: "an address, 0x and 40 hexadecimal digits" })
  .regex(/^0x[0-9a-fA-F]{40}$/, {
    error: "an address, 0x and 40 hexadecimal digits",
    abort: true,
  })
  .refine(isChecksumRight, {
    error: "an address whose checksum is right: one of its digits is mistyped",
  });

const hash = (what: string): z.ZodString => {
  const expected = `${what}, 0x and 64 hexadecimal digits`;
  return z
    .string({ error: expected })
    .regex(/^0x[0-9a-fA-F]{64}$/, { error: expected });
};

const text = (what: string): z.ZodString =>
  z.string({ error: what }).min(1, { error: what });

const object = "an object, { … }";

const implementation = z.looseObject(
  {
    version: text("a version, such as 1.0.0")
      .describe("What version() returned.")
      .optional(),
    contract: text("a contract, such as contracts/SkillProfile.sol:SkillProfile")
      .describe("Fully qualified name of the contract in this project.")
      .optional(),
    codeHash: hash("the code's keccak-256").describe(
      "keccak-256 of the code at the address.",
    ),
    bad: text("the reason why it is bad, in words")
      .describe("Why nobody may roll back to it.")
      .optional(),
  },
  { error: object },
);

const REASONS = ["deploy", "upgrade", "rollback", "found"] as const;

const historyEntry = z.looseObject(
  {
    implementation: address,
    reason: z.enum(REASONS, { error: `one of ${REASONS.join(", ")}` }),
    block: z
      .int({ error: "a block number" })
      .nonnegative({ error: "a block number" })
      .optional(),
    tx: hash("a transaction hash").optional(),
    at: z.iso
      .datetime({ error: "a time in UTC, such as 2026-11-01T10:00:00Z" })
      .optional(),
  },
  { error: object },
);

const KINDS = ["transparent", "uups", "beacon", "zos", "plain"] as const;

const contract = z.looseObject(
  {
    proxy: address.describe("Where the users' calls go."),
    kind: z.enum(KINDS, { error: `one of ${KINDS.join(", ")}` }),
    admin: address.describe("Of a transparent proxy.").optional(),
    beacon: address.describe("Of a beacon proxy.").optional(),
    implementations: z
      .record(address, implementation, { error: object })
      .describe("By address. For a beacon proxy, the beacon's."),
    history: z
      .array(historyEntry, { error: "a list, [ … ]" })
      .min(1, { error: "a list with at least one entry" })
      .describe("Oldest first; the last is the current implementation."),
  },
  { error: object },
);

export const deployFileSchema = z.looseObject(
  {
    $schema: z.string({ error: "the address of a JSON Schema" }).optional(),
    schemaVersion: z.literal(SCHEMA_VERSION, {
      error: String(SCHEMA_VERSION),
    }),
    chainId: z
      .int({ error: "a chain id, such as 1" })
      .positive({ error: "a chain id, such as 1" }),
    governance: z
      .looseObject(
        { safe: address.optional(), timelock: address.optional() },
        { error: object },
      )
      .optional(),
    contracts: z.record(
      z.string().regex(CONTRACT_NAME, {
        error: "a name of letters, digits, _, $ and -, beginning with a letter",
      }),
      contract,
      { error: object },
    ),
  },
  { error: object },
);

/**
 * The contents of a deploy.json, as they are: nothing a person wrote is
 * dropped or moved.
 *
 * @param path - For messages.
 * @throws {DrError} DEPLOY_FILE_TOO_NEW, DEPLOY_FILE_INVALID.
 */
export function parseDeployFile(raw: unknown, path: string): DeployFile {
  refuseNewer(raw, path);
  const result = deployFileSchema.safeParse(raw);
  const problems = result.success
    ? findContradictions(raw as DeployFile)
    : result.error.issues.map((issue) => toProblem(issue, raw));
  if (problems.length > 0) {
    throw problemsError(path, problems);
  }
  return raw as DeployFile;
}

function refuseNewer(raw: unknown, file: string): void {
  const version =
    typeof raw === "object" && raw !== null && "schemaVersion" in raw
      ? raw.schemaVersion
      : undefined;
  if (typeof version === "number" && version > SCHEMA_VERSION) {
    throw new DrError("DEPLOY_FILE_TOO_NEW", {
      file,
      version,
      supported: SCHEMA_VERSION,
    });
  }
}

function toProblem(issue: z.core.$ZodIssue, raw: unknown): Problem {
  const path = issue.path.map(String);
  if (issue.code === "invalid_key") {
    const key = path.at(-1) ?? "";
    return {
      field: `${formatPath(path.slice(0, -1))} key`,
      found: JSON.stringify(key),
      expected: issue.issues[0]?.message ?? issue.message,
    };
  }
  return {
    field: formatPath(path),
    found: describe(valueAt(raw, path)),
    expected: issue.message,
  };
}

function valueAt(raw: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null
        ? (value as Record<string, unknown>)[key]
        : undefined,
    raw,
  );
}

const LONGEST_SHOWN = 80;

function describe(value: unknown): string {
  if (value === undefined) {
    return "missing";
  }
  const shown = JSON.stringify(value);
  return shown.length > LONGEST_SHOWN
    ? `${shown.slice(0, LONGEST_SHOWN)}…`
    : shown;
}
