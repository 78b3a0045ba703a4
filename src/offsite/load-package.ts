import { DrError } from "../core/errors.js";

/**
 * An optional package.
 *
 * @param storage - What needs it, for people.
 * @throws {DrError} OFFSITE_PACKAGE_MISSING.
 */
export async function loadPackage<T>(
  storage: string,
  name: string,
  load: () => Promise<T>,
): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (
      error instanceof Error &&
      "code" in error &&
      error.code === "ERR_MODULE_NOT_FOUND"
    ) {
      throw new DrError(
        "OFFSITE_PACKAGE_MISSING",
        { storage, package: name },
        { cause: error },
      );
    }
    throw error;
  }
}
