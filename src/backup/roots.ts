import { realpath, stat } from "node:fs/promises";
import { isAbsolute, parse, relative, resolve, sep } from "node:path";

import { DrError } from "../core/errors.js";
import { reading } from "./reading.js";

/** In an archive, what its other entries are; no root may begin so. */
export const INDEX_PATH = "_index.json";
/** In an archive, what lies outside of the project begins so. */
const OUTSIDE = "_outside";

/** A folder or a file that is backed up with all that is in it. */
export interface BackupRoot {
  /** In archives, and for people: `uploads`, `_outside/var/lib/takumi`. */
  readonly path: string;
  /** Where it lies, absolute; a link to it was followed. */
  readonly at: string;
}

/** What roots are found by. */
export interface Surroundings {
  /** The project's folder, absolute. */
  readonly project: string;
  /** Where backups go, absolute. */
  readonly backups: string;
}

/**
 * What is to be backed up, each once: what lies in another root is part of that.
 *
 * @param configured - Relative to the project, or absolute.
 * @param takes - Folders alone, or files too.
 * @throws {DrError} BACKUP_SOURCE_UNREADABLE, BACKUP_SOURCE_REFUSED.
 */
export async function openRoots(
  configured: readonly string[],
  takes: "folders" | "any",
  surroundings: Surroundings,
): Promise<readonly BackupRoot[]> {
  const { backups } = surroundings;
  const project = await realpath(surroundings.project);
  const roots: BackupRoot[] = [];
  for (const one of configured) {
    const path = rootPath(one, surroundings.project);
    const given = resolve(surroundings.project, one);
    const at = await reading(given, async () => await realpath(given));
    await requireFit(at, takes, project, await realpathIfThere(backups));
    roots.push({ path, at });
  }
  return roots.filter(
    (root, at) =>
      !roots.some(
        (other, before) =>
          isWithin(other.at, root.at) && (other.at !== root.at || before < at),
      ),
  );
}

/**
 * How a configured folder or file is called in archives.
 *
 * @throws {DrError} BACKUP_SOURCE_REFUSED for the project itself.
 */
export function rootPath(configured: string, project: string): string {
  const at = resolve(project, configured);
  const way = relative(project, at);
  if (way === "") {
    const reason = "it is the project itself; name folders in it";
    throw new DrError("BACKUP_SOURCE_REFUSED", { path: at, reason });
  }
  if (leadsOut(way)) {
    const { root } = parse(at);
    const drive = root.replace(/[^A-Za-z]/g, "");
    const parts = [drive, ...at.slice(root.length).split(sep)];
    return [OUTSIDE, ...parts.filter((part) => part !== "")].join("/");
  }
  const path = way.split(sep).join("/");
  if ([INDEX_PATH, OUTSIDE].includes(path.split("/")[0] ?? "")) {
    const reason = "backups keep something else by that name";
    throw new DrError("BACKUP_SOURCE_REFUSED", { path: at, reason });
  }
  return path;
}

/** @throws {DrError} BACKUP_SOURCE_UNREADABLE, BACKUP_SOURCE_REFUSED. */
async function requireFit(
  at: string,
  takes: "folders" | "any",
  project: string,
  backups: string,
): Promise<void> {
  const found = await reading(at, async () => await stat(at));
  const reason =
    takes === "folders" && !found.isDirectory()
      ? "it is no folder"
      : !found.isDirectory() && !found.isFile()
        ? "it is neither a file nor a folder"
        : isWithin(at, project)
          ? "the project lies in it; name folders in it"
          : isWithin(at, backups) || isWithin(backups, at)
            ? "backups lie in it, or it in them"
            : undefined;
  if (reason !== undefined) {
    throw new DrError("BACKUP_SOURCE_REFUSED", { path: at, reason });
  }
}

/** Whether something lies in a folder, or is it. */
function isWithin(folder: string, at: string): boolean {
  return !leadsOut(relative(folder, at));
}

function leadsOut(way: string): boolean {
  return way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way);
}

async function realpathIfThere(path: string): Promise<string> {
  return await realpath(path).catch(() => path);
}
