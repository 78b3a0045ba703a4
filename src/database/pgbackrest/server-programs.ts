import { access, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { DrError } from "../../core/errors.js";
import { ifThere } from "../../core/if-there.js";
import { runProgram } from "./program.js";
import type { PgbackrestSettings } from "./settings.js";

const PLACES = ["/usr/lib/postgresql", "/usr/local/pgsql"];

/**
 * The folder of the server's programs, of the very major version that a data
 * folder is of: no other can read it.
 *
 * @throws {DrError} DATABASE_TOOL_MISSING.
 */
export async function findServerPrograms(
  major: string,
  { programs, identity }: PgbackrestSettings,
): Promise<string> {
  for (const folder of await foldersFor(major, programs)) {
    const path = join(folder, "postgres");
    const version = await access(path)
      .then(async () => await runProgram(path, ["--version"], { identity }))
      .catch(() => "");
    if (/\) (\d+)/.exec(version)?.[1] === major) {
      return folder;
    }
  }
  throw new DrError("DATABASE_TOOL_MISSING", {
    tool: "server (postgres)",
    server: major,
  });
}

async function foldersFor(
  major: string,
  programs: string | undefined,
): Promise<readonly string[]> {
  if (programs !== undefined) {
    return [programs];
  }
  const onPath = (process.env.PATH ?? "").split(":").filter(Boolean);
  const packaged = await Promise.all(
    PLACES.map(async (place) =>
      ((await ifThere(readdir(place))) ?? []).flatMap((name) =>
        name === major || name === `pgsql-${major}`
          ? [join(place, name, "bin")]
          : name === "bin"
            ? [join(place, name)]
            : [],
      ),
    ),
  );
  return [...packaged.flat(), ...onPath];
}

/** `15`, of a data folder; undefined where there is none. */
export async function majorOf(dataFolder: string): Promise<string | undefined> {
  const text = await ifThere(readFile(join(dataFolder, "PG_VERSION"), "utf8"));
  return text?.trim();
}
