import type { ZodType } from "zod";

import type { Manifest } from "../artifact/manifest.js";
import { MANIFEST_SUFFIX } from "../artifact/name.js";
import { DrError } from "../core/errors.js";

/** What says what is inside of an artifact. */
export type Describing = Pick<Manifest, "artifact" | "contents">;

/**
 * Reads a part of what a manifest says that is inside.
 *
 * @param part - Its name in `contents`.
 * @returns undefined where it has no such part.
 * @throws {DrError} MANIFEST_INVALID.
 */
export function parseContents<T>(
  schema: ZodType<T>,
  { artifact, contents }: Describing,
  part: string,
): T | undefined {
  const found = ((contents ?? {}) as Readonly<Record<string, unknown>>)[part];
  const parsed = schema.optional().safeParse(found);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const place = ["contents", part, ...(issue?.path ?? [])].join(".");
    throw new DrError("MANIFEST_INVALID", {
      file: `${artifact}${MANIFEST_SUFFIX}`,
      reason: `${place}: ${issue?.message ?? ""}`,
    });
  }
  return parsed.data;
}
