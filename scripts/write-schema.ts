import { writeFile } from "node:fs/promises";

import { format } from "prettier";

import { deployJsonSchema } from "../src/deployments/json-schema.js";

/** The JSON Schema that is published with the package, as it is committed. */
export async function formatPublishedSchema(): Promise<string> {
  return await format(JSON.stringify(deployJsonSchema()), { parser: "json" });
}

export const PUBLISHED_SCHEMA = new URL(
  "../schema/deploy.schema.json",
  import.meta.url,
);

if (import.meta.main) {
  await writeFile(PUBLISHED_SCHEMA, await formatPublishedSchema());
}
