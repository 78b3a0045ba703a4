import { readdir, readFile } from "node:fs/promises";

import * as OxAddress from "ox/Address";

import { DrError, hasCode, messageOf } from "../../core/errors.js";
import type { Address, Hex } from "../../core/hex.js";
import type { Tool } from "./importer.js";

/** An object of a record whose fields are still to be looked at. */
export type Fields = Readonly<Record<string, unknown>>;

/**
 * The JSON object in a file of another tool's.
 *
 * @throws {DrError} IMPORT_BROKEN.
 */
export async function readRecord(tool: Tool, file: string): Promise<Fields> {
  return parseRecord(tool, file, await readText(tool, file));
}

export async function readText(tool: Tool, file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw broken(tool, file, messageOf(error), error);
  }
}

/** @param where - Added to the reason: ` in line 7`. */
export function parseRecord(
  tool: Tool,
  file: string,
  text: string,
  where = "",
): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw broken(tool, file, `it isn't JSON${where}: ${messageOf(error)}`, error);
  }
  const fields = asFields(value);
  if (fields === undefined) {
    throw broken(tool, file, `it holds no JSON object${where}`);
  }
  return fields;
}

export function broken(
  tool: Tool,
  file: string,
  reason: string,
  cause?: unknown,
): DrError {
  return new DrError("IMPORT_BROKEN", { tool, file, reason }, { cause });
}

export function wrongChain(
  file: string,
  found: string | number,
  expected: number,
): DrError {
  return new DrError("IMPORT_WRONG_CHAIN", { file, found, expected });
}

export function asFields(value: unknown): Fields | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : undefined;
}

export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

export function asText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

export function asAddress(value: unknown): Address | undefined {
  return typeof value === "string" && /^0x[0-9a-fA-F]{40}$/.test(value)
    ? OxAddress.checksum(value)
    : undefined;
}

export function asHash(value: unknown): Hex | undefined {
  return typeof value === "string" && /^0x[0-9a-fA-F]{64}$/.test(value)
    ? (value as Hex)
    : undefined;
}

/** A number, which some write in hexadecimal and some as text. */
export function asNumber(value: unknown): number | undefined {
  const number =
    typeof value === "string" && value !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number)
    ? number
    : undefined;
}

/** The names in a folder, sorted; none when there is no such folder. */
export async function listFolder(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) {
      return [];
    }
    throw error;
  }
}
