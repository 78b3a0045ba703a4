import { join } from "node:path";

import type { Address, Hex } from "../../core/hex.js";
import type { Findings, ImportedContract, Place, Tool } from "./importer.js";
import { pairProxies, uniquelyNamed, type Creation } from "./pairing.js";
import {
  asAddress,
  asFields,
  asText,
  broken,
  listFolder,
  parseRecord,
  readRecord,
  readText,
  type Fields,
} from "./record-file.js";

/**
 * What hardhat-deploy and rocketh have in common: deployments/NETWORK/ with one
 * NAME.json a contract, and for a proxy also NAME_Proxy.json and
 * NAME_Implementation.json.
 */
export interface FolderFormat {
  readonly tool: Tool;
  firstArgument(record: Fields): Address | undefined;
  transaction(record: Fields): { readonly tx?: Hex; readonly block?: number };
}

/** Whose folder it is: `.chain` is rocketh's; `.chainId` once was rocketh's too, whose records have `argsData`. */
export async function identifyFolder(
  folder: string,
): Promise<{ readonly tool: Tool; readonly chainId: string } | undefined> {
  const files = await listFolder(folder);
  if (files.includes(".chain")) {
    const file = join(folder, ".chain");
    const { chainId } = await readRecord("rocketh", file);
    return { tool: "rocketh", chainId: String(chainId) };
  }
  if (!files.includes(".chainId")) {
    return undefined;
  }
  const chainId = await readText("hardhat-deploy", join(folder, ".chainId"));
  const sample = files.find(isDeployment);
  const text =
    sample === undefined
      ? ""
      : await readText("hardhat-deploy", join(folder, sample));
  return {
    tool: /"argsData"\s*:/.test(text) ? "rocketh" : "hardhat-deploy",
    chainId: chainId.trim(),
  };
}

/** The folder named like the network; without one, those of the same chain. */
export async function findFolders(
  tool: Tool,
  { root, network, chainId }: Place,
): Promise<Findings> {
  const deployments = join(root, "deployments");
  const found = [];
  for (const name of await listFolder(deployments)) {
    const path = join(deployments, name);
    const identity = await identifyFolder(path);
    if (identity?.tool === tool) {
      found.push({ name, path, chainId: Number(identity.chainId) });
    }
  }
  const mine = found.filter((folder) => folder.chainId === chainId);
  const named = found.find(({ name }) => name === network);
  const sources = named === undefined ? mine : mine.filter((f) => f === named);
  return {
    sources: sources.map(({ path }) => path),
    foreign: found.filter((folder) => !mine.includes(folder)),
    lookedFor: `deployments/${network}/${tool === "rocketh" ? ".chain" : ".chainId"}`,
  };
}

export async function readFolder(
  format: FolderFormat,
  folder: string,
): Promise<ImportedContract[]> {
  const files = (await listFolder(folder)).filter(isDeployment);
  const records = new Map<string, Deployment>();
  for (const file of files) {
    const source = join(folder, file);
    const record = await readRecord(format.tool, source);
    records.set(
      file.slice(0, -".json".length),
      toDeployment(format, record, source),
    );
  }
  return toContracts(records);
}

/** deploy.json is this plugin's own, and may live in the same folder. */
function isDeployment(file: string): boolean {
  return (
    file.endsWith(".json") && !file.startsWith(".") && file !== "deploy.json"
  );
}

interface Deployment extends Omit<Creation, "contract"> {
  readonly implementation?: Address;
  readonly contract?: string;
}

function toDeployment(
  format: FolderFormat,
  record: Fields,
  source: string,
): Deployment {
  const address = asAddress(record.address);
  if (address === undefined) {
    throw broken(format.tool, source, "it has no address");
  }
  const implementation = asAddress(record.implementation);
  const contract = contractOf(format.tool, record, source);
  const firstArgument = format.firstArgument(record);
  return {
    address,
    ...(implementation === undefined ? {} : { implementation }),
    ...(contract === undefined ? {} : { contract }),
    ...(firstArgument === undefined ? {} : { firstArgument }),
    ...format.transaction(record),
    source,
  };
}

/** solc's metadata says what was compiled: `{"contracts/A.sol": "A"}`. */
function contractOf(
  tool: Tool,
  record: Fields,
  source: string,
): string | undefined {
  const text = asText(record.metadata);
  if (!text?.startsWith("{")) {
    return asText(record.contractName);
  }
  const metadata = parseRecord(tool, source, text, " in its metadata");
  const target = asFields(asFields(metadata.settings)?.compilationTarget);
  const [entry] = Object.entries(target ?? {});
  return entry === undefined ? undefined : `${entry[0]}:${String(entry[1])}`;
}

const PROXY_SUFFIX = /_(Proxy|DiamondProxy)$/;
const IMPLEMENTATION_SUFFIX = /_Implementation$/;

function toContracts(
  records: ReadonlyMap<string, Deployment>,
): ImportedContract[] {
  const proxied: ImportedContract[] = [];
  const others: Creation[] = [];
  for (const [name, deployment] of records) {
    const parent = name
      .replace(PROXY_SUFFIX, "")
      .replace(IMPLEMENTATION_SUFFIX, "");
    const isPart = parent !== name && records.has(parent);
    const implementation = records.get(`${name}_Implementation`);
    if (isPart || isAdmin(name, deployment)) {
      continue;
    }
    if (implementation === undefined && deployment.implementation === undefined) {
      others.push({ ...deployment, contract: deployment.contract ?? name, name });
    } else {
      proxied.push(
        toProxied(name, deployment, implementation, records.get(`${name}_Proxy`)),
      );
    }
  }
  return uniquelyNamed([...proxied, ...pairProxies(others)]);
}

function isAdmin(name: string, { contract }: Deployment): boolean {
  return name.endsWith("ProxyAdmin") || contract?.endsWith(":ProxyAdmin") === true;
}

function toProxied(
  name: string,
  deployment: Deployment,
  implementation: Deployment | undefined,
  proxy: Deployment = deployment,
): ImportedContract {
  const address = implementation?.address ?? deployment.implementation;
  const contract = implementation?.contract;
  return {
    name,
    address: proxy.address,
    ...(contract === undefined ? {} : { contract }),
    ...(address === undefined ? {} : { implementation: address }),
    ...(proxy.tx === undefined ? {} : { tx: proxy.tx }),
    ...(proxy.block === undefined ? {} : { block: proxy.block }),
    source: deployment.source,
  };
}
