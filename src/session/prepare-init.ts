import { access } from "node:fs/promises";
import { join, relative } from "node:path";

import { BlockReader, readChainId } from "../chain/block-reader.js";
import { DrError } from "../core/errors.js";
import {
  discoverContracts,
  type Discovery,
  type DiscoveryPorts,
  type Sought,
} from "../deployments/discover.js";
import { importRecords } from "../deployments/importers/detect.js";
import { parseInitArguments } from "../deployments/init-arguments.js";
import { planInit, type InitPlan } from "../deployments/init.js";
import {
  readDeployFileIfThere,
  type DeployDocument,
} from "../deployments/read.js";
import {
  fullyQualifiedName,
  remembering,
  type ArtifactSource,
} from "../implementation/artifact-source.js";
import { identifyImplementation } from "../implementation/identify.js";
import { readVersion } from "../proxy/getters.js";
import { inspectProxy } from "../proxy/inspect.js";
import type { RecoveryPorts } from "../recovery/ports.js";
import type { Session } from "./open-session.js";

export interface InitOptions {
  /** `NAME=0xPROXY`. */
  readonly contracts: readonly string[];
  /** Also read other tools' records: `auto` for whichever are there. */
  readonly importFrom?: string;
}

/** What `dr:init` would write, and from what. */
export interface PreparedInit {
  readonly plan: InitPlan;
  /** Where it goes, and what was there. */
  readonly target: Pick<DeployDocument, "path"> & Partial<DeployDocument>;
  readonly discovery: Discovery;
  readonly block: bigint;
}

/**
 * Reads contracts from the chain: those named, those other tools recorded, or,
 * when neither is asked for, those deploy.json has.
 *
 * @throws {DrError} INIT_NOTHING_NAMED, INIT_ARGUMENT_INVALID, WRONG_CHAIN,
 * NO_CODE, the importers' errors, and whatever is wrong with deploy.json.
 */
export async function prepareInit(
  { ports }: Session,
  options: InitOptions,
): Promise<PreparedInit> {
  const path = join(ports.folder, "deploy.json");
  const named = parseInitArguments(options.contracts);
  const [existing, chainId, reader] = await Promise.all([
    readDeployFileIfThere(path),
    readChainId(ports.rpc),
    BlockReader.at(ports.rpc),
  ]);
  refuseOtherChain(ports, existing, chainId);
  const sought = await listSought(ports, options, named, Number(chainId), {
    path,
    ...existing,
  });
  const discovery = await discoverContracts(
    reader,
    sought,
    discoveryPorts(ports.artifacts),
  );
  refuseMissing(discovery);
  const schema = await findSchema(ports);
  const plan = planInit({
    chainId: Number(chainId),
    found: discovery.found,
    ...(existing === undefined ? {} : { existing: existing.file }),
    ...(schema === undefined ? {} : { schema }),
  });
  return {
    plan,
    target: { path, ...existing },
    discovery,
    block: reader.block.number,
  };
}

function refuseOtherChain(
  { network }: RecoveryPorts,
  existing: DeployDocument | undefined,
  chainId: bigint,
): void {
  if (existing !== undefined && BigInt(existing.file.chainId) !== chainId) {
    throw new DrError("WRONG_CHAIN", {
      network,
      actual: chainId,
      file: existing.path,
      expected: existing.file.chainId,
    });
  }
}

async function listSought(
  { root, network }: RecoveryPorts,
  { importFrom }: InitOptions,
  named: readonly Sought[],
  chainId: number,
  { path, file }: PreparedInit["target"],
): Promise<readonly Sought[]> {
  if (importFrom !== undefined) {
    const tool = importFrom === "auto" ? undefined : importFrom;
    const { contracts } = await importRecords({ root, network, chainId }, tool);
    return withoutNamed(contracts, named);
  }
  if (named.length > 0) {
    return named;
  }
  if (file === undefined) {
    throw new DrError("INIT_NOTHING_NAMED", { file: path });
  }
  return Object.entries(file.contracts).map(([name, { proxy }]) => ({
    name,
    address: proxy,
  }));
}

/** A person's name for a contract comes before a record's. */
function withoutNamed(
  recorded: readonly Sought[],
  named: readonly Sought[],
): readonly Sought[] {
  const taken = new Set(
    named.flatMap(({ name, address }) => [name, address as string]),
  );
  return [
    ...named,
    ...recorded.filter(
      ({ name, address }) => !taken.has(name) && !taken.has(address),
    ),
  ];
}

/** A person's own address must have code; of a record's, one does. */
function refuseMissing({ found, missing }: Discovery): void {
  const own = missing.find(({ source }) => source === undefined);
  const wrong = own ?? (found.length === 0 ? missing[0] : undefined);
  if (wrong !== undefined) {
    throw new DrError("NO_CODE", { address: wrong.address, what: wrong.name });
  }
}

function discoveryPorts(artifacts: ArtifactSource): DiscoveryPorts {
  const source = remembering(artifacts);
  return {
    inspect: inspectProxy,
    readVersion,
    identify: async (reader, address, hint) => {
      const code = await reader.code(address);
      const found = await identifyImplementation(code, source, hint);
      return found.status === "identified"
        ? fullyQualifiedName(found.artifact)
        : undefined;
    },
  };
}

/** Where an editor finds the schema from deploy.json, when it is installed. */
async function findSchema({
  root,
  folder,
}: RecoveryPorts): Promise<string | undefined> {
  const schema = join(
    root,
    "node_modules/hardhat-dr/schema/deploy.schema.json",
  );
  try {
    await access(schema);
    return relative(folder, schema).replaceAll("\\", "/");
  } catch {
    return undefined;
  }
}
