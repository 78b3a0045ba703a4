import { chmod, copyFile } from "node:fs/promises";
import { join } from "node:path";

/** A key that everybody may know, and what its owner has sealed with age. */
export const VECTORS = "test/vectors/go-bag";

/** Of that key. */
export const RECIPIENT =
  "age1wnt64gdxararhr9gshzsz8f4evwhker563xqc2tvawwtwedvwedqwpl6wj";

/** As somebody keeps the key in a folder. */
export async function placeKey(folder: string, mode = 0o600): Promise<string> {
  const file = join(folder, "go-bag.key");
  await copyFile(join(VECTORS, "key.txt"), file);
  await chmod(file, mode);
  return file;
}
