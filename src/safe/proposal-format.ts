import { createHash } from "node:crypto";

import * as OxAddress from "ox/Address";
import * as z from "zod";

import { canonicalJson, type Json } from "../core/canonical-json.js";
import { DrError, messageOf } from "../core/errors.js";
import type { Address, Hex } from "../core/hex.js";
import type { SafeSignature } from "./owner-signature.js";
import { hashSafeTransaction, type SafeTransaction } from "./transaction.js";

export const PROPOSAL_SCHEMA_VERSION = 1;

/**
 * A Safe transaction on its way to being executed, as it stands in
 * `deployments/<network>/safe/<safeTxHash>.json`. What is shown to a signer is
 * decoded from `transaction`, never read from the rest.
 */
export interface Proposal {
  readonly chainId: number;
  readonly safe: Address;
  readonly safeVersion: string;
  readonly safeTxHash: Hex;
  readonly transaction: SafeTransaction;
  /** The block at which all of this was found out. */
  readonly block: number;
  /** ISO 8601, UTC. */
  readonly proposedAt: string;
  readonly contracts: readonly ProposedContract[];
  readonly simulation?: SimulationReport;
  readonly signatures: readonly SafeSignature[];
}

/** A contract as it was when something was proposed for it. */
export interface ProposedContract {
  readonly name: string;
  readonly proxy: Address;
  readonly implementation?: Address;
  readonly admin?: Address;
  readonly paused?: boolean;
  /** The implementation it shall get, and keccak-256 of the code there. */
  readonly target?: Address;
  readonly targetCodeHash?: Hex;
}

/** What a proposal did when it was executed on a fork. */
export interface SimulationReport {
  readonly block: number;
  readonly status: "success" | "failed";
  /** Why it failed. */
  readonly reason?: string;
  readonly gasUsed?: number;
  /** A line each: `SkillProfile implementation: 0x… → 0x…`. */
  readonly changes: readonly string[];
}

const address = z
  .string()
  .refine(isChecksummed, { error: "isn't a checksummed address" })
  .transform((text) => text as Address);
const hex = z
  .string()
  .regex(/^0x([0-9a-f]{2})*$/, { error: "isn't lower-case hexadecimal" })
  .transform((text) => text as Hex);
const hash = hex.refine((text) => text.length === 66, {
  error: "isn't a hash of 32 bytes",
});
const amount = z
  .string()
  .regex(/^(0|[1-9]\d{0,77})$/, { error: "isn't a decimal number" })
  .transform(BigInt)
  .refine((value) => value < 2n ** 256n, { error: "has more than 256 bits" });
const count = z.int().nonnegative();

const transaction = z.strictObject({
  to: address,
  value: amount,
  data: hex,
  operation: z.literal([0, 1]),
  safeTxGas: amount,
  baseGas: amount,
  gasPrice: amount,
  gasToken: address,
  refundReceiver: address,
  nonce: amount,
});

const signature = z.strictObject({
  signer: address,
  kind: z.enum(["eip712", "eth-sign", "approved", "contract"]),
  signature: hex,
  at: z.iso.datetime(),
  get nested(): z.ZodOptional<z.ZodArray<typeof signature>> {
    return z.array(signature).optional();
  },
});

const file = z.strictObject({
  schemaVersion: z.literal(PROPOSAL_SCHEMA_VERSION),
  chainId: count,
  safe: address,
  safeVersion: z.string(),
  safeTxHash: hash,
  transaction,
  block: count,
  proposedAt: z.iso.datetime(),
  contracts: z.array(
    z.strictObject({
      name: z.string(),
      proxy: address,
      implementation: address.optional(),
      admin: address.optional(),
      paused: z.boolean().optional(),
      target: address.optional(),
      targetCodeHash: hash.optional(),
    }),
  ),
  simulation: z
    .strictObject({
      block: count,
      status: z.enum(["success", "failed"]),
      reason: z.string().optional(),
      gasUsed: count.optional(),
      changes: z.array(z.string()),
    })
    .optional(),
  signatures: z.array(signature),
  digest: z.string(),
});

/** The one text of a proposal. */
export function encodeProposal(proposal: Proposal): string {
  const body = {
    schemaVersion: PROPOSAL_SCHEMA_VERSION,
    ...proposal,
  };
  const json = toJson(body) as Readonly<Record<string, Json>>;
  return `${JSON.stringify({ ...json, digest: digestOf(json) }, undefined, 2)}\n`;
}

function digestOf(body: Json): string {
  return createHash("sha256").update(canonicalJson(body)).digest("hex");
}

/** Keys sorted at every depth, amounts as decimal text, nothing that is absent. */
function toJson(value: unknown): Json {
  if (typeof value === "bigint") {
    return value.toString();
  }
  if (Array.isArray(value)) {
    return value.map(toJson);
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([, member]) => member !== undefined)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, member]) => [key, toJson(member)]),
    );
  }
  return value as Json;
}

/**
 * Reads a proposal, and refuses it unless it is byte for byte what
 * {@link encodeProposal} wrote: any changed byte is noticed.
 *
 * @param path - For messages.
 * @throws {DrError} PROPOSAL_INVALID, PROPOSAL_TOO_NEW, PROPOSAL_CHANGED.
 */
export function parseProposal(bytes: Uint8Array, path: string): Proposal {
  const raw = parseJson(bytes, path);
  refuseNewer(raw, path);
  const parsed = file.safeParse(raw);
  if (!parsed.success) {
    const reasons = parsed.error.issues.map(
      ({ path: at, message }) => `${at.join(".")} ${message}`,
    );
    throw new DrError("PROPOSAL_INVALID", {
      file: path,
      reason: reasons.join("; "),
    });
  }
  const proposal = withoutUndefined({
    ...parsed.data,
    schemaVersion: undefined,
    digest: undefined,
  }) as Proposal;
  refuseChanged(proposal, bytes, path);
  return proposal;
}

function parseJson(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new DrError(
      "PROPOSAL_INVALID",
      { file: path, reason: `it isn't JSON: ${messageOf(error)}` },
      { cause: error },
    );
  }
}

function refuseNewer(raw: unknown, path: string): void {
  const version = (raw as { readonly schemaVersion?: unknown } | null)
    ?.schemaVersion;
  if (typeof version === "number" && version > PROPOSAL_SCHEMA_VERSION) {
    throw new DrError("PROPOSAL_TOO_NEW", {
      file: path,
      version,
      supported: PROPOSAL_SCHEMA_VERSION,
    });
  }
}

function refuseChanged(
  proposal: Proposal,
  bytes: Uint8Array,
  path: string,
): void {
  if (!Buffer.from(encodeProposal(proposal)).equals(bytes)) {
    throw new DrError("PROPOSAL_CHANGED", {
      file: path,
      what: "it isn't byte for byte what was written",
    });
  }
  const { safeTxHash } = hashOfProposal(proposal);
  if (safeTxHash !== proposal.safeTxHash) {
    throw new DrError("PROPOSAL_CHANGED", {
      file: path,
      what: `its transaction has the hash ${safeTxHash}, not ${proposal.safeTxHash}`,
    });
  }
}

/** The hashes of what a proposal holds. */
export function hashOfProposal({
  chainId,
  safe,
  safeVersion,
  transaction,
}: Omit<Proposal, "safeTxHash">): ReturnType<typeof hashSafeTransaction> {
  return hashSafeTransaction(
    { chainId: BigInt(chainId), safe, version: safeVersion },
    transaction,
  );
}

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withoutUndefined);
  }
  return typeof value === "object" && value !== null
    ? Object.fromEntries(
        Object.entries(value)
          .filter(([, member]) => member !== undefined)
          .map(([key, member]) => [key, withoutUndefined(member)]),
      )
    : value;
}

function isChecksummed(text: string): boolean {
  return /^0x[0-9a-fA-F]{40}$/.test(text) && OxAddress.checksum(text) === text;
}
