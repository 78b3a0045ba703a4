import * as z from "zod";

import { deployFileSchema } from "./schema.js";

/** The published JSON Schema of deploy.json: draft 7, which editors know best. */
export function deployJsonSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(deployFileSchema, {
    target: "draft-7",
    io: "input",
  });
  return {
    $schema,
    title: "hardhat-dr deploy.json",
    description:
      "The contracts of one network, their implementations and their history.",
    ...schema,
  };
}
