import { randomBytes } from "node:crypto";
import {
  mkdir,
  open,
  realpath,
  rename,
  rm,
  stat,
} from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { DrError, isDrError, messageOf } from "../core/errors.js";
import { withChecksums } from "./normalise.js";
import type { DeployFile } from "./deploy-file.js";
import { digestText, readDeployText, type DeployDocument } from "./read.js";

/** The one moment at which the new file takes the old one's place. */
export interface Disk {
  rename(from: string, to: string): Promise<void>;
}

const PUBLIC_FILE_MODE = 0o644;

/**
 * Replaces a deploy.json: whoever reads it, and whatever fails, sees all of
 * the old text or all of the new.
 *
 * @param document - What was read before, or where a new file shall be (then
 * without a digest).
 * @returns the document as it is now, to be given to the next write.
 * @throws {DrError} DEPLOY_FILE_CHANGED when the text on disk is no longer the
 * one that was read; DEPLOY_FILE_INVALID when `file` couldn't be read again;
 * DEPLOY_FILE_NOT_WRITTEN.
 */
export async function writeDeployFile(
  document: { readonly path: string; readonly digest?: string },
  file: DeployFile,
  disk: Disk = { rename },
): Promise<DeployDocument> {
  const { path, digest } = document;
  const { parseDeployFile } = await import("./schema.js");
  const text = formatDeployFile(file);
  const parsed = parseDeployFile(JSON.parse(text), path);
  try {
    await replace(await resolveLink(path), text, disk, async () => {
      await refuseChanged(path, digest);
    });
  } catch (error) {
    if (isDrError(error)) {
      throw error;
    }
    throw new DrError(
      "DEPLOY_FILE_NOT_WRITTEN",
      { file: path, reason: messageOf(error) },
      { cause: error },
    );
  }
  return { path, file: withChecksums(parsed), digest: digestText(text) };
}

export function formatDeployFile(file: DeployFile): string {
  return `${JSON.stringify(withChecksums(file), undefined, 2)}\n`;
}

async function replace(
  path: string,
  text: string,
  disk: Disk,
  beforeRename: () => Promise<void>,
): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const temporary = join(
    folder,
    `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`,
  );
  try {
    await writeDurably(temporary, text, await modeOf(path));
    await beforeRename();
    await disk.rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

async function writeDurably(
  path: string,
  text: string,
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
async function syncFolder(folder: string): Promise<void> {
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

async function refuseChanged(
  path: string,
  digest: string | undefined,
): Promise<void> {
  const text = await readDeployText(path);
  const now = text === undefined ? undefined : digestText(text);
  if (now !== digest) {
    throw new DrError("DEPLOY_FILE_CHANGED", { file: path });
  }
}

/** A rename onto a symbolic link would replace the link. */
async function resolveLink(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    return path;
  }
}

async function modeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).mode & 0o777;
  } catch {
    return PUBLIC_FILE_MODE;
  }
}
