import {
  mkdir,
  open,
  readlink,
  realpath,
  rename,
  rm,
  stat,
} from "node:fs/promises";
import { dirname, resolve } from "node:path";

import { removeAbandoned, temporaryBeside } from "./temporary-file.js";

const PUBLIC_FILE_MODE = 0o644;

export interface AtomicWriteOptions {
  /** The last chance to call it off, by throwing. */
  readonly beforeRename?: () => Promise<void>;
  /** The one moment at which the new file takes the old one's place. */
  readonly rename?: (from: string, to: string) => Promise<void>;
}

/**
 * Puts a whole text, or bytes, in place of a file, or leaves the file alone: whoever
 * reads it, and whatever fails, sees all of the old or all of the new. Makes
 * the folder, keeps the mode, follows a symbolic link.
 */
export async function writeAtomically(
  file: string,
  text: string | Uint8Array,
  { beforeRename, rename: move = rename }: AtomicWriteOptions = {},
): Promise<void> {
  const path = await resolveLink(file);
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  await removeAbandoned(folder);
  const temporary = temporaryBeside(path);
  try {
    await writeDurably(temporary, text, await modeOf(path));
    await beforeRename?.();
    await move(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

async function writeDurably(
  path: string,
  text: string | Uint8Array,
  mode: number,
): Promise<void> {
  const handle = await open(path, "wx", mode);
  try {
    await handle.writeFile(text);
    // The process's umask has taken its part of the mode given to open.
    await handle.chmod(mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Without this a power cut may undo the rename. */
export async function syncFolder(folder: string): Promise<void> {
  // Windows can't open a folder, and needs no such thing.
  if (process.platform === "win32") {
    return;
  }
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A rename onto a symbolic link would replace the link, even one that leads nowhere yet. */
export async function resolveLink(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const target = await readlink(path).catch(() => undefined);
    return target === undefined ? path : resolve(dirname(path), target);
  }
}

async function modeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).mode & 0o777;
  } catch {
    return PUBLIC_FILE_MODE;
  }
}
