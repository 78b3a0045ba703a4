import { readFile } from "node:fs/promises";
import { join } from "node:path";

import * as Address from "ox/Address";
import { DrError, messageOf } from "../core/errors.js";
import type { Address as AddressType, Hex } from "../core/hex.js";
import type { StorageLayout } from "./storage-layout.js";

/**
 * What is kept of a deployed implementation beside deploy.json, so that its
 * layout is known when its source is gone: `layouts/<address>.json`.
 */
export interface LayoutRecord {
  readonly schemaVersion: 1;
  readonly address: AddressType;
  /** Keccak-256 of the runtime code the layout belongs to. */
  readonly codeHash: Hex;
  /** Fully qualified. */
  readonly contract: string;
  readonly solcVersion?: string;
  readonly abi: readonly unknown[];
  readonly layout: StorageLayout;
}

/** Puts a whole text in place of a file, or leaves the file alone; makes its folder. */
export type WriteAtomic = (path: string, text: string) => Promise<void>;

/** @param folder - `deployments/<network>`. */
export function layoutRecordPath(folder: string, address: string): string {
  return join(folder, "layouts", `${Address.checksum(address)}.json`);
}

export async function writeLayoutRecord(
  folder: string,
  record: LayoutRecord,
  writeAtomic: WriteAtomic,
): Promise<void> {
  const path = layoutRecordPath(folder, record.address);
  await writeAtomic(path, encodeLayoutRecord(record));
}

/** The file's text. */
export function encodeLayoutRecord(record: LayoutRecord): string {
  return `${JSON.stringify(record, undefined, 2)}\n`;
}

/**
 * @returns undefined when nothing is recorded of this address.
 * @throws {DrError} LAYOUT_RECORD_BROKEN when the file isn't a record of it.
 */
export async function readLayoutRecord(
  folder: string,
  address: string,
): Promise<LayoutRecord | undefined> {
  const path = layoutRecordPath(folder, address);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return undefined;
    }
    throw broken(path, messageOf(error));
  }
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw broken(path, messageOf(error));
  }
  const fault = faultOf(found, address);
  if (fault !== undefined) {
    throw broken(path, fault);
  }
  return found as LayoutRecord;
}

function broken(path: string, reason: string): DrError {
  return new DrError("LAYOUT_RECORD_BROKEN", { path, reason });
}

function faultOf(found: unknown, address: string): string | undefined {
  if (typeof found !== "object" || found === null) {
    return "it holds no object";
  }
  const record = found as Partial<Record<keyof LayoutRecord, unknown>>;
  if (record.schemaVersion !== 1) {
    return `schemaVersion is ${String(record.schemaVersion)}, not 1`;
  }
  if (String(record.address).toLowerCase() !== address.toLowerCase()) {
    return `it is about ${String(record.address)}`;
  }
  if (!/^0x[0-9a-f]{64}$/i.test(String(record.codeHash))) {
    return "codeHash isn't a 32-byte hash";
  }
  if (typeof record.contract !== "string" || !Array.isArray(record.abi)) {
    return "contract or abi is missing";
  }
  const layout = record.layout as Partial<StorageLayout> | undefined;
  return Array.isArray(layout?.storage) && typeof layout.types === "object"
    ? undefined
    : "layout isn't a storage layout";
}
