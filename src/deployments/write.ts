import { rename } from "node:fs/promises";

import { writeAtomically } from "../core/atomic-write.js";
import { DrError, isDrError, messageOf } from "../core/errors.js";
import { withChecksums } from "./normalise.js";
import type { DeployFile } from "./deploy-file.js";
import { digestText, readDeployText, type DeployDocument } from "./read.js";

/** The one moment at which the new file takes the old one's place. */
export interface Disk {
  readonly rename: (from: string, to: string) => Promise<void>;
}

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
    await writeAtomically(path, text, {
      beforeRename: async () => {
        await refuseChanged(path, digest);
      },
      rename: disk.rename,
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
