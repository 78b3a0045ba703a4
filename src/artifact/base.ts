import * as z from "zod";

import type { Manifest } from "./manifest.js";

/** What an incremental artifact builds on: without it it can't be restored. */
export interface ArtifactBase {
  /** Its name, of the same kind. */
  readonly artifact: string;
  /** SHA-256 of its manifest's text. */
  readonly manifest: string;
}

const schema = z.object({
  base: z.object({
    artifact: z.string(),
    manifest: z.string().regex(/^[0-9a-f]{64}$/),
  }),
});

/** @returns undefined when the artifact stands on its own. */
export function baseOf({
  contents,
}: Pick<Manifest, "contents">): ArtifactBase | undefined {
  return schema.safeParse(contents).data?.base;
}
