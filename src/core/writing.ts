import { DrError, isDrError, messageOf } from "./errors.js";

/**
 * Writes something, and says in our words why it can't be written.
 *
 * @param path - What is written.
 * @throws {DrError} NOT_WRITABLE: the disk is full, read-only or somebody else's.
 */
export async function writing<T>(
  path: string,
  write: () => Promise<T>,
): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (isDrError(error)) {
      throw error;
    }
    throw new DrError(
      "NOT_WRITABLE",
      { path, reason: messageOf(error) },
      { cause: error },
    );
  }
}
