import { DrError, messageOf } from "../core/errors.js";

/**
 * Reads something that is to be backed up.
 *
 * @param path - What is read, for the error.
 * @throws {DrError} BACKUP_SOURCE_UNREADABLE.
 */
export async function reading<T>(
  path: string,
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw unreadable(path, error);
  }
}

export function unreadable(path: string, error: unknown): DrError {
  return error instanceof DrError
    ? error
    : new DrError(
        "BACKUP_SOURCE_UNREADABLE",
        { path, reason: messageOf(error) },
        { cause: error },
      );
}
