import { join } from "node:path";

import * as z from "zod";

import { readIfThere } from "../core/if-there.js";

const schema = z.object({
  key: z.string(),
  provenAt: z.iso.datetime(),
  how: z.object({
    by: z.string().optional(),
    seconds: z.number().nonnegative().optional(),
  }),
});

/** That a backup of this machine was restored on trial, and was good. */
export interface LocalProof {
  readonly at: Date;
  readonly by: string;
  readonly seconds: number | null;
  readonly file: string;
}

/**
 * Reads a proof that lies beside an artifact. Its name tells when; only where
 * what is in it says the same does it count.
 *
 * @returns a sentence where it doesn't.
 */
export async function parseLocalProof(
  folder: string,
  artifact: string,
  { name, at }: { readonly name: string; readonly at: Date },
): Promise<LocalProof | { readonly problem: string }> {
  const file = join(folder, name);
  const text = (await readIfThere(file)) ?? "";
  const proof = schema.safeParse(parseJson(text)).data;
  if (proof?.key !== artifact || Date.parse(proof.provenAt) !== at.getTime()) {
    return { problem: `${file} isn't what its name says.` };
  }
  const { by = "dr:db:verify", seconds = null } = proof.how;
  return { at, by, seconds, file };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
