import { DrError } from "../core/errors.js";
import { loadOptional } from "../core/optional-package.js";

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
  return await loadOptional(
    load,
    (cause) =>
      new DrError(
        "OFFSITE_PACKAGE_MISSING",
        { storage, package: name },
        { cause },
      ),
  );
}
