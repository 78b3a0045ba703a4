import { readdir } from "node:fs/promises";

import { ifThere } from "./if-there.js";

/** The names in a folder; none where it isn't there. */
export async function namesIn(folder: string): Promise<string[]> {
  return (await ifThere(readdir(folder))) ?? [];
}
