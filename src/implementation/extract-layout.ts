import type { SolcInput, SolcOutput } from "@openzeppelin/upgrades-core";

import type { CompilerBuild, ContractArtifact } from "./artifact-source.js";
import { withPlacement } from "./placement.js";
import type { StorageLayout } from "./storage-layout.js";

type OpenZeppelin = typeof import("@openzeppelin/upgrades-core");

/** What OpenZeppelin finds out about the contracts of one build. */
export type ValidationRun = ReturnType<OpenZeppelin["validate"]>;

/** A contract under OpenZeppelin's eyes. */
export interface Validation {
  readonly run: ValidationRun;
  /** The contract's fully qualified name in that run. */
  readonly name: string;
}

/** Loaded when first needed: it takes a quarter of a second. */
export async function loadOpenZeppelin(): Promise<OpenZeppelin> {
  return await import("@openzeppelin/upgrades-core");
}

/**
 * Runs OpenZeppelin's analysis on one contract and the sources it is made of.
 *
 * @throws {Error} OpenZeppelin's `UpgradesError` about sources it can't take.
 */
export async function validateContract(
  artifact: ContractArtifact,
  build: CompilerBuild,
): Promise<Validation> {
  const { validate, solcInputOutputDecoder } = await loadOpenZeppelin();
  const input = build.input as SolcInput;
  const source = artifact.inputSourceName ?? artifact.sourceName;
  const output = onlyWhatIsNeeded(build.output as SolcOutput, source);
  const run = validate(
    output,
    solcInputOutputDecoder(input, output),
    build.solcVersion,
    input,
  );
  return { run, name: `${source}:${artifact.contractName}` };
}

/** @returns undefined when OpenZeppelin's layout is one without sizes or places. */
export async function layoutOf({
  run,
  name,
}: Validation): Promise<StorageLayout | undefined> {
  const contract = run[name];
  if (contract?.version === undefined) {
    return undefined;
  }
  const { getStorageLayout } = await loadOpenZeppelin();
  const layout = getStorageLayout(run, contract.version);
  const { baseSlot } = contract.layout;
  return withPlacement(
    baseSlot === undefined ? layout : { ...layout, baseSlot },
  );
}

/**
 * The part of a build that a source can reach through imports: a complaint
 * about anything else is none of ours. Transient variables are taken out,
 * OpenZeppelin counts them as storage.
 */
function onlyWhatIsNeeded(output: SolcOutput, source: string): SolcOutput {
  const reached = new Set([source]);
  for (const path of reached) {
    for (const node of output.sources[path]?.ast.nodes ?? []) {
      if (node.nodeType === "ImportDirective") {
        reached.add(node.absolutePath);
      }
    }
  }
  const paths = [...reached];
  return {
    ...output,
    contracts: Object.fromEntries(
      paths.map((path) => [path, output.contracts[path] ?? {}]),
    ),
    sources: Object.fromEntries(
      paths.flatMap((path) => {
        const unit = output.sources[path];
        return unit === undefined ? [] : [[path, withoutTransient(unit)]];
      }),
    ),
  };
}

type SourceUnit = SolcOutput["sources"][string];

function withoutTransient(unit: SourceUnit): SourceUnit {
  const nodes = unit.ast.nodes.map((node) =>
    node.nodeType === "ContractDefinition"
      ? {
          ...node,
          nodes: node.nodes.filter(
            (member) =>
              member.nodeType !== "VariableDeclaration" ||
              member.storageLocation !== "transient",
          ),
        }
      : node,
  );
  return { ...unit, ast: { ...unit.ast, nodes } };
}
