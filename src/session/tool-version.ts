import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";

/** Of this package, as journals record it. */
export const TOOL_VERSION: string = readVersion();

function readVersion(): string {
  const path = findPackageJSON(import.meta.url);
  const parsed: unknown =
    path === undefined ? {} : JSON.parse(readFileSync(path, "utf8"));
  return (parsed as { version?: string }).version ?? "unknown";
}
