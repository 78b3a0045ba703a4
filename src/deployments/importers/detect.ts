import { DrError } from "../../core/errors.js";
import { foundry } from "./foundry.js";
import { hardhatDeploy } from "./hardhat-deploy.js";
import { ignition } from "./ignition.js";
import {
  TOOLS,
  type Findings,
  type ImportedContract,
  type Importer,
  type Place,
  type Tool,
} from "./importer.js";
import { openzeppelin } from "./openzeppelin.js";
import { wrongChain } from "./record-file.js";
import { rocketh } from "./rocketh.js";

const IMPORTERS: Readonly<Record<Tool, Importer>> = {
  openzeppelin,
  "hardhat-deploy": hardhatDeploy,
  rocketh,
  ignition,
  foundry,
};

export interface ImportedRecords {
  readonly tool: Tool;
  readonly contracts: readonly ImportedContract[];
}

/**
 * What another tool has written down about a chain's contracts.
 *
 * @param tool - The tool's name; without one it is found out by looking.
 * @throws {DrError} IMPORT_TOOL_UNKNOWN, IMPORT_NOTHING_FOUND,
 * IMPORT_AMBIGUOUS, IMPORT_WRONG_CHAIN, IMPORT_BROKEN.
 */
export async function importRecords(
  place: Place,
  tool?: string,
): Promise<ImportedRecords> {
  const candidates =
    tool === undefined ? Object.values(IMPORTERS) : [findImporter(tool)];
  const looked = await Promise.all(
    candidates.map(async (importer) => ({
      importer,
      findings: await importer.find(place),
    })),
  );
  const importer = chooseImporter(looked, place);
  const contracts = await importer.read(place);
  if (contracts.length === 0) {
    throw nothingFound(looked, place);
  }
  return { tool: importer.tool, contracts };
}

function findImporter(tool: string): Importer {
  const known = TOOLS.find((name) => name === tool);
  if (known === undefined) {
    throw new DrError("IMPORT_TOOL_UNKNOWN", { tool, known: TOOLS.join(", ") });
  }
  return IMPORTERS[known];
}

interface Looked {
  readonly importer: Importer;
  readonly findings: Findings;
}

function chooseImporter(looked: readonly Looked[], place: Place): Importer {
  const found = looked.filter(({ findings }) => findings.sources.length > 0);
  const [first, ...others] = found;
  if (first === undefined) {
    throw foreignOnly(looked, place) ?? nothingFound(looked, place);
  }
  if (others.length > 0) {
    throw new DrError("IMPORT_AMBIGUOUS", {
      tools: found
        .map(
          ({ importer, findings }) =>
            `${importer.tool} (${findings.sources.join(", ")})`,
        )
        .join("; "),
      example: first.importer.tool,
    });
  }
  return first.importer;
}

function foreignOnly(
  looked: readonly Looked[],
  { chainId }: Place,
): DrError | undefined {
  const [foreign] = looked.flatMap(({ findings }) => findings.foreign);
  return foreign === undefined
    ? undefined
    : wrongChain(foreign.path, foreign.chainId, chainId);
}

function nothingFound(
  looked: readonly Looked[],
  { chainId }: Place,
): DrError {
  return new DrError("IMPORT_NOTHING_FOUND", {
    tools: looked.map(({ importer }) => importer.tool).join(", "),
    chainId,
    places: looked.map(({ findings }) => findings.lookedFor).join(", "),
  });
}
