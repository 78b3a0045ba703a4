import type { Hex } from "../core/hex.js";
import type { ContractArtifact } from "./artifact-source.js";

/**
 * How code on a chain relates to a compiled contract. `exact`: byte for byte
 * once immutables and library addresses are set aside, so its source is the
 * same to the last comment. `code`: but for the metadata at the end.
 */
export type CodeMatch = "exact" | "code" | "none";

/**
 * Immutables (a UUPS implementation's own address is one) and libraries are
 * filled in at deployment: on both sides they are blanked out first.
 */
export function matchCode(onChain: Hex, artifact: ContractArtifact): CodeMatch {
  const compiled = artifact.deployedBytecode;
  if (compiled.length <= 2) {
    return "none";
  }
  const ranges = [
    ...Object.values(artifact.immutableReferences ?? {}).flat(),
    ...Object.values(artifact.deployedLinkReferences)
      .flatMap((libraries) => Object.values(libraries))
      .flat(),
  ];
  const ours = blank(compiled.slice(2).toLowerCase(), ranges);
  const theirs = blank(onChain.slice(2).toLowerCase(), ranges);
  if (ours === theirs) {
    return "exact";
  }
  return withoutMetadata(ours) === withoutMetadata(theirs) ? "code" : "none";
}

function blank(
  digits: string,
  ranges: readonly { readonly start: number; readonly length: number }[],
): string {
  let result = digits;
  for (const { start, length } of ranges) {
    if ((start + length) * 2 <= digits.length) {
      result =
        result.slice(0, start * 2) +
        "0".repeat(length * 2) +
        result.slice((start + length) * 2);
    }
  }
  return result;
}

/**
 * Without the CBOR map that solc appends, whose length its last two bytes are.
 *
 * @see https://docs.soliditylang.org/en/latest/metadata.html#encoding-of-the-metadata-hash-in-the-bytecode
 */
function withoutMetadata(digits: string): string {
  const start = digits.length - 4 - parseInt(digits.slice(-4), 16) * 2;
  // A CBOR map of one to fifteen entries begins with 0xa1 … 0xaf.
  return start >= 0 && /^a[1-9a-f]/.test(digits.slice(start))
    ? digits.slice(0, start)
    : digits;
}
