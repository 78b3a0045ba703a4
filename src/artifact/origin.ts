import type { Json } from "../core/canonical-json.js";

/** The name of the database that a backup is of, by its manifest's `contents`; absent where they don't say. */
export function originOf(contents: Json): string | undefined {
  return typeof contents === "object" &&
    contents !== null &&
    "database" in contents &&
    typeof contents.database === "string"
    ? contents.database
    : undefined;
}
