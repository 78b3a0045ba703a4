import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

import { DrError, hasCode, isDrError, messageOf } from "../core/errors.js";
import { withChecksums } from "./normalise.js";
import type { DeployFile } from "./deploy-file.js";
import { findJsonFault } from "./json-text.js";
import { formatPath, problemsError } from "./problem.js";

/** A deploy.json as it was on disk at one moment. */
export interface DeployDocument {
  readonly path: string;
  readonly file: DeployFile;
  /** SHA-256 of the text: whether it is still the same when it is written. */
  readonly digest: string;
}

/**
 * Reads and checks a deploy.json. Addresses come back in EIP-55 case, fields
 * of a person's own as they are.
 *
 * @throws {DrError} DEPLOY_FILE_MISSING, DEPLOY_FILE_UNREADABLE,
 * DEPLOY_FILE_NOT_JSON, DEPLOY_FILE_TOO_NEW, DEPLOY_FILE_INVALID.
 */
export async function readDeployFile(path: string): Promise<DeployDocument> {
  const text = await readDeployText(path);
  if (text === undefined) {
    throw new DrError("DEPLOY_FILE_MISSING", { file: path });
  }
  const raw = parseText(text, path);
  const { parseDeployFile } = await import("./schema.js");
  const file = withChecksums(parseDeployFile(raw, path));
  return { path, file, digest: digestText(text) };
}

/**
 * The same; undefined when there is none.
 *
 * @throws {DrError} like {@link readDeployFile}, but for DEPLOY_FILE_MISSING.
 */
export async function readDeployFileIfThere(
  path: string,
): Promise<DeployDocument | undefined> {
  try {
    return await readDeployFile(path);
  } catch (error) {
    if (isDrError(error, "DEPLOY_FILE_MISSING")) {
      return undefined;
    }
    throw error;
  }
}

/** The text of a deploy.json; undefined when there is none. */
export async function readDeployText(
  path: string,
): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) {
      return undefined;
    }
    throw new DrError(
      "DEPLOY_FILE_UNREADABLE",
      { file: path, reason: messageOf(error) },
      { cause: error },
    );
  }
}

export function digestText(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function parseText(text: string, file: string): unknown {
  const json = text.replace(/^\uFEFF/, "");
  const fault = findJsonFault(json);
  if (fault?.kind === "duplicate-key") {
    throw problemsError(file, [
      {
        field: formatPath(fault.path),
        found: `there twice, again in line ${String(fault.line)}`,
        expected: "there once",
      },
    ]);
  }
  if (fault !== undefined) {
    const { line, column, reason } = fault;
    throw new DrError("DEPLOY_FILE_NOT_JSON", { file, line, column, reason });
  }
  return JSON.parse(json);
}
