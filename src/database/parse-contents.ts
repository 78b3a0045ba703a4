import type { ZodType } from "zod";

import type { Json } from "../core/canonical-json.js";
import { DrError } from "../core/errors.js";

/**
 * Reads a part of what a manifest says that is inside.
 *
 * @param part - Its name in `contents`.
 * @throws {DrError} MANIFEST_INVALID.
 */
export function parseContents<T>(
  schema: ZodType<T>,
  contents: Json,
  part: string,
): T {
  const found = ((contents ?? {}) as Readonly<Record<string, unknown>>)[part];
  const parsed = schema.safeParse(found);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const place = ["contents", part, ...(issue?.path ?? [])].join(".");
    throw new DrError("MANIFEST_INVALID", {
      file: "the manifest",
      reason: `${place}: ${issue?.message ?? ""}`,
    });
  }
  return parsed.data;
}
