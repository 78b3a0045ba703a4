import * as z from "zod";

import { canonicalJson, type Json } from "../core/canonical-json.js";
import { DrError, messageOf } from "../core/errors.js";
import type { Address, Hex } from "../core/hex.js";
import { isCleanPath, type Snapshot } from "./snapshot.js";

const SCHEMA_VERSION = 1;

const hex = z.custom<Hex>(isHex);
const hash = z.custom<Hex>((value) => isHex(value) && value.length === 66);
const address = z.custom<Address>(
  (value) => isHex(value) && value.length === 42,
);
const addressKey = z.string().regex(/^0x[0-9a-fA-F]{40}$/);
const json = z.json();
const network = z
  .string()
  .refine((name) => isCleanPath(name) && !name.includes("/"));
const path = z.string().refine(isCleanPath);

function isHex(value: unknown): value is Hex {
  return typeof value === "string" && /^0x([0-9a-fA-F]{2})*$/.test(value);
}

const view = z.discriminatedUnion("status", [
  z.strictObject({ status: z.literal("answered"), value: json }),
  z.strictObject({ status: z.literal("reverts") }),
  z.strictObject({ status: z.literal("other"), data: hex }),
]);

const contract = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("missing"), proxy: address }),
  z.strictObject({
    kind: z.enum(["transparent", "uups", "beacon", "zos", "plain"]),
    proxy: address,
    proxyCodeHash: hash.nullable(),
    implementation: address,
    codeHash: hash.nullable(),
    admin: address.nullable(),
    adminCodeHash: hash.nullable(),
    beacon: address.nullable(),
    beaconCodeHash: hash.nullable(),
    slots: z.record(z.string(), hash),
    implementations: z.record(addressKey, hash.nullable()),
    version: z.string().nullable(),
    paused: z.boolean().nullable(),
    owner: address.nullable(),
    pendingOwner: address.nullable(),
    roles: z
      .array(
        z.strictObject({
          role: hash,
          name: z.string().nullable(),
          members: z.array(address),
        }),
      )
      .nullable(),
    pauseAuthority: json,
    upgradeAuthority: json,
    views: z.record(z.string(), view),
  }),
]);

const source = z.discriminatedUnion("status", [
  z.strictObject({
    status: z.literal("known"),
    contract: z.string(),
    artifact: path,
    match: z.enum(["exact", "code", "none"]),
    buildInfo: path.nullable(),
    metadata: path.nullable(),
  }),
  z.strictObject({ status: z.literal("unknown"), reason: z.string() }),
]);

const schema = z.strictObject({
  schemaVersion: z.literal(SCHEMA_VERSION),
  network,
  chainId: z.int().positive(),
  block: z.strictObject({
    number: z.int().nonnegative(),
    hash,
    timestamp: z.int().nonnegative(),
  }),
  contracts: z.record(z.string(), contract),
  code: z.record(
    addressKey,
    z.strictObject({ codeHash: hash, source, layout: path.nullable() }),
  ),
  files: z.record(
    path,
    z.strictObject({
      sizeBytes: z.int().nonnegative(),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
});

/** The text of `snapshot.json`: canonical, so that the same state gives the same bytes. */
export function encodeSnapshot(snapshot: Snapshot): string {
  return `${canonicalJson({
    schemaVersion: SCHEMA_VERSION,
    ...(snapshot as unknown as Readonly<Record<string, Json>>),
  })}\n`;
}

/**
 * @param name - The snapshot's, for the errors.
 * @throws {DrError} SNAPSHOT_INVALID, SNAPSHOT_TOO_NEW.
 */
export function parseSnapshot(text: string, name: string): Snapshot {
  const raw = parseJson(text, name);
  const { schemaVersion: version } = (raw ?? {}) as { schemaVersion?: unknown };
  if (typeof version === "number" && version > SCHEMA_VERSION) {
    throw new DrError("SNAPSHOT_TOO_NEW", { name, version });
  }
  const parsed = schema.safeParse(raw);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const reason = `${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`;
    throw new DrError("SNAPSHOT_INVALID", { name, reason });
  }
  const { schemaVersion, ...snapshot } = parsed.data;
  if (`${canonicalJson({ schemaVersion, ...snapshot })}\n` !== text) {
    const reason = "it isn't byte for byte what was written";
    throw new DrError("SNAPSHOT_INVALID", { name, reason });
  }
  return snapshot as Snapshot;
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DrError(
      "SNAPSHOT_INVALID",
      { name, reason: messageOf(error) },
      { cause: error },
    );
  }
}
