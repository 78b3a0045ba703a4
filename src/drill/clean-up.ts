import { readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";

import type { DrConfig } from "../config/types.js";
import { parseDatabaseUrl } from "../database/access.js";
import { ifThere } from "../core/if-there.js";
import { removeTree } from "../core/remove-tree.js";
import { messageOf } from "../core/errors.js";
import { openStorage } from "../offsite/open-storage.js";
import { listObjects } from "../offsite/storage.js";
import { dropCopies, nameOfServer } from "./copies/postgres.js";
import { prefixOf } from "./copies/offsite.js";
import { findLeftBehind, type Made } from "./made.js";
import { isMarkedFolder, type Mark } from "./mark.js";
import { serverUrlOf } from "./with-copies.js";

/** What something made is called, for people. */
export function describeMade(made: Made): string {
  switch (made.kind) {
    case "folder":
      return `the folder ${made.path}`;
    case "database":
      return `the database ${made.name} at ${made.server}`;
    case "objects":
      return `objects below ${made.prefix} in ${made.target}`;
  }
}

/**
 * Removes what drills have left that were killed, after telling what that is.
 *
 * @param folder - Of the reports.
 * @returns sentences about what couldn't be removed: the next drill tries again.
 */
export async function removeLeftBehind(
  folder: string,
  config: DrConfig,
  tell: (line: string) => void,
): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const { mark, made, forget } of await findLeftBehind(folder)) {
    for (const one of made) {
      tell(`Left by ${mark.drillId}: ${describeMade(one)}`);
    }
    const failed = await removeAll(made.toReversed(), mark, config);
    if (failed.length === 0) {
      await forget();
      tell(`Removed what ${mark.drillId} had left.`);
    }
    problems.push(...failed);
  }
  return problems;
}

/** @returns sentences about what couldn't be removed. */
export async function removeAll(
  all: readonly Made[],
  mark: Mark,
  config: DrConfig,
  onRemoved: (made: Made) => Promise<void> = async () => {
    // Nobody keeps book of it.
  },
): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const made of all) {
    try {
      const reason = await remove(made, mark, config);
      if (reason === undefined) {
        await onRemoved(made);
      } else {
        problems.push(`${describeMade(made)} is left: ${reason}.`);
      }
    } catch (error) {
      problems.push(`${describeMade(made)} is left: ${messageOf(error)}`);
    }
  }
  return problems;
}

/** @returns why it may not be removed from here. */
async function remove(
  made: Made,
  mark: Mark,
  config: DrConfig,
): Promise<string | undefined> {
  switch (made.kind) {
    case "folder":
      return await removeFolder(made.path, mark);
    case "database": {
      const server = parseDatabaseUrl(await serverUrlOf(config));
      if (nameOfServer(server) !== made.server) {
        return "the configuration names another server now";
      }
      await dropCopies(server, made.name);
      return undefined;
    }
    case "objects":
      return await removeObjects(made, mark, config);
  }
}

async function removeFolder(
  path: string,
  mark: Mark,
): Promise<string | undefined> {
  const names = await ifThere(readdir(path));
  if (names === undefined) {
    return undefined;
  }
  if (names.length === 0) {
    await rmdir(path);
    return undefined;
  }
  if (!(await isMarkedFolder(path, mark))) {
    return "it doesn't bear the drill's mark";
  }
  await removeTree(path);
  return undefined;
}

async function removeObjects(
  { target, prefix }: Extract<Made, { kind: "objects" }>,
  mark: Mark,
  { offsite }: DrConfig,
): Promise<string | undefined> {
  const found = offsite.targets.find(({ name }) => name === target);
  if (found === undefined) {
    return "the configuration doesn't name that target any more";
  }
  if (!prefix.endsWith(prefixOf(mark))) {
    return "that isn't where a drill keeps its objects";
  }
  const storage = await openStorage({ ...found, prefix });
  for await (const { key } of listObjects(storage)) {
    await storage.delete(key);
  }
  if (found.kind === "fs") {
    await removeTree(join(found.directory, prefix));
    await removeIfEmpty(join(found.directory, prefix, ".."));
  }
  return undefined;
}

/** Other drills may keep something in it. */
async function removeIfEmpty(folder: string): Promise<void> {
  if ((await ifThere(readdir(folder)))?.length === 0) {
    await rmdir(folder);
  }
}
