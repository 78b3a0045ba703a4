import type { Hex } from "../core/hex.js";
import {
  fullyQualifiedName,
  readArtifactIfUnique,
  type ArtifactSource,
  type ContractArtifact,
} from "./artifact-source.js";
import { matchCode, type CodeMatch } from "./bytecode.js";

/** Which compiled contract a piece of code on the chain is. */
export type Identification =
  | { readonly status: "identified"; readonly artifact: ContractArtifact }
  | { readonly status: "unidentified" }
  /** Several fit but for their metadata; fully qualified names. */
  | { readonly status: "ambiguous"; readonly candidates: readonly string[] };

/**
 * @param code - Runtime code as deployed.
 * @param hint - The contract it is thought to be, bare or fully qualified: tried
 * first, and decisive between contracts that compile to the same code.
 */
export async function identifyImplementation(
  code: Hex,
  artifacts: ArtifactSource,
  hint?: string,
): Promise<Identification> {
  const hinted =
    hint === undefined
      ? undefined
      : await readArtifactIfUnique(artifacts, hint);
  if (hinted !== undefined && matchCode(code, hinted) !== "none") {
    return { status: "identified", artifact: hinted };
  }
  const matches = await allMatches(code, artifacts);
  const exact = matches.filter(({ match }) => match === "exact");
  const [first, ...others] = exact.length > 0 ? exact : matches;
  if (first === undefined) {
    return { status: "unidentified" };
  }
  return others.length === 0
    ? { status: "identified", artifact: first.artifact }
    : {
        status: "ambiguous",
        candidates: [first, ...others].map(({ artifact }) =>
          fullyQualifiedName(artifact),
        ),
      };
}

async function allMatches(
  code: Hex,
  artifacts: ArtifactSource,
): Promise<{ artifact: ContractArtifact; match: CodeMatch }[]> {
  const matches = [];
  const names = [...(await artifacts.getAllFullyQualifiedNames())].sort();
  // One at a time: a large project has more artifacts than a process may open.
  for (const name of names) {
    const artifact = await artifacts.readArtifact(name);
    const match = matchCode(code, artifact);
    if (match !== "none") {
      matches.push({ artifact, match });
    }
  }
  return matches;
}
