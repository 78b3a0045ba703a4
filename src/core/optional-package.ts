import { hasCode, type DrError } from "./errors.js";

/**
 * Loads a package that not every project needs.
 *
 * @param missing - What is thrown where it isn't installed.
 */
export async function loadOptional<T>(
  load: () => Promise<T>,
  missing: (cause: unknown) => DrError,
): Promise<T> {
  try {
    return await load();
  } catch (error) {
    throw hasCode(error, "ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND")
      ? missing(error)
      : error;
  }
}
