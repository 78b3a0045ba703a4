import { readdir } from "node:fs/promises";
import { delimiter, join } from "node:path";

import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { DrError } from "../core/errors.js";

export const TOOL_NAMES = [
  "pg_dump",
  "pg_dumpall",
  "pg_restore",
  "psql",
] as const;

export type ToolName = (typeof TOOL_NAMES)[number];

/** A program of PostgreSQL on this machine. */
export interface Tool {
  readonly path: string;
  readonly version: ToolVersion;
}

/** `15.18`; `minor` is 0 of a beta. */
export interface ToolVersion {
  readonly major: number;
  readonly minor: number;
}

/** Where packages put those of several versions, besides the PATH. */
const PLACES = ["/usr/lib/postgresql", "/usr/local/pgsql", "/opt/homebrew/opt"];
const run = promisify(execFile);

/**
 * Finds a program that is no older than the server: it couldn't read all that
 * is there. The PATH's own comes first, then the oldest that will do.
 *
 * @param serverMajor - 0: any will do.
 * @throws {DrError} DATABASE_TOOL_MISSING, DATABASE_TOOL_TOO_OLD.
 */
export async function findTool(
  name: ToolName,
  serverMajor: number,
  folders?: readonly string[],
): Promise<Tool> {
  const found: Tool[] = [];
  for (const folder of folders ?? (await foldersOf())) {
    const path = join(folder, name);
    const version = await versionOf(path);
    if (version === undefined) {
      continue;
    }
    if (version.major >= serverMajor) {
      return { path, version };
    }
    found.push({ path, version });
  }
  const server = String(serverMajor);
  const newest = found.toSorted((a, b) => b.version.major - a.version.major)[0];
  throw newest === undefined
    ? new DrError("DATABASE_TOOL_MISSING", { tool: name, server })
    : new DrError("DATABASE_TOOL_TOO_OLD", {
        tool: newest.path,
        version: formatVersion(newest.version),
        server,
      });
}

export function formatVersion({ major, minor }: ToolVersion): string {
  return `${String(major)}.${String(minor)}`;
}

/** `pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`; undefined where there is no such program. */
async function versionOf(path: string): Promise<ToolVersion | undefined> {
  try {
    const { stdout } = await run(path, ["--version"]);
    const [, major, minor = "0"] = /\) (\d+)(?:\.(\d+))?/.exec(stdout) ?? [];
    return major === undefined
      ? undefined
      : { major: Number(major), minor: Number(minor) };
  } catch {
    return undefined;
  }
}

async function foldersOf(): Promise<string[]> {
  const onPath = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  const packaged = await Promise.all(
    PLACES.map(async (place) => {
      const versions = await readdir(place).catch(() => []);
      return versions
        .filter((version) => /^(\d+|postgresql@\d+|bin)$/.test(version))
        .toSorted((a, b) => digitsOf(a) - digitsOf(b))
        .map((version) =>
          version === "bin"
            ? join(place, version)
            : join(place, version, "bin"),
        );
    }),
  );
  return [...onPath, ...packaged.flat()];
}

function digitsOf(text: string): number {
  return Number(/\d+/.exec(text)?.[0] ?? 0);
}

/** Minor versions of the client from which restoring can no longer run what a dump's maker wants, CVE-2026-116314. */
const SAFE_MINORS: Readonly<Record<number, number>> = {
  14: 25,
  15: 20,
  16: 16,
  17: 12,
  18: 7,
};

/** Whether whoever made a dump may run programs here when this client restores it. */
export function isRestoreUnsafe({ major, minor }: ToolVersion): boolean {
  const safe = SAFE_MINORS[major];
  const oldest = Math.min(...Object.keys(SAFE_MINORS).map(Number));
  return safe === undefined ? major < oldest : minor < safe;
}
