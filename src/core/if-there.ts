import { readFile } from "node:fs/promises";

import { hasCode } from "./errors.js";

/** What the work gives; undefined when the file or folder that it is about isn't there. */
export async function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (hasCode(error, "ENOENT")) {
      return undefined;
    }
    throw error;
  }
}

/** A file's text, UTF-8; undefined when there is no such file. */
export async function readIfThere(path: string): Promise<string | undefined> {
  return await ifThere(readFile(path, "utf8"));
}
