import { basename, join } from "node:path";

import type { Findings, ImportedContract, Importer, Place } from "./importer.js";
import { UNNAMED, uniquelyNamed } from "./pairing.js";
import {
  asAddress,
  asFields,
  asHash,
  asList,
  asText,
  broken,
  listFolder,
  readRecord,
} from "./record-file.js";

const TOOL = "openzeppelin";

/**
 * OpenZeppelin Upgrades: .openzeppelin/NETWORK.json. Its proxies have no names
 * and no implementations, and its implementations no proxies: who belongs to
 * whom is asked of the chain. Manifests 3.0 and 3.1 list no proxies at all.
 */
export const openzeppelin: Importer = {
  tool: TOOL,

  async find({ root, chainId }: Place): Promise<Findings> {
    const folder = join(root, ".openzeppelin");
    const names = await networkNames();
    const manifests = (await listFolder(folder)).filter((name) =>
      name.endsWith(".json"),
    );
    const found = manifests.flatMap((name) => {
      const id = chainIdOf(name, names);
      return id === undefined ? [] : [{ path: join(folder, name), chainId: id }];
    });
    return {
      sources: found
        .filter((item) => item.chainId === chainId)
        .map(({ path }) => path),
      foreign: found.filter((item) => item.chainId !== chainId),
      lookedFor: `.openzeppelin/${names[chainId] ?? `unknown-${String(chainId)}`}.json`,
    };
  },

  async read(place: Place): Promise<ImportedContract[]> {
    const { sources } = await openzeppelin.find(place);
    const contracts = await Promise.all(sources.map(readManifest));
    return uniquelyNamed(contracts.flat());
  },
};

type NetworkNames = Readonly<Record<number, string | undefined>>;

async function networkNames(): Promise<NetworkNames> {
  const { networkNames: names } = await import("@openzeppelin/upgrades-core");
  return names;
}

function chainIdOf(
  file: string,
  names: NetworkNames,
): number | undefined {
  const name = basename(file, ".json");
  const unknown = /^unknown-(\d+)$/.exec(name)?.[1];
  const known = Object.entries(names).find(([, other]) => other === name)?.[0];
  const id = unknown ?? known;
  return id === undefined ? undefined : Number(id);
}

async function readManifest(source: string): Promise<ImportedContract[]> {
  const manifest = await readRecord(TOOL, source);
  const version = asText(manifest.manifestVersion);
  if (!version?.startsWith("3.")) {
    throw broken(
      TOOL,
      source,
      version === undefined
        ? "it has no manifestVersion"
        : `manifestVersion ${version} is not 3.x`,
    );
  }
  if (asFields(manifest.impls) === undefined) {
    throw broken(TOOL, source, "it has no impls");
  }
  return asList(manifest.proxies).flatMap((proxy, index) => {
    const fields = asFields(proxy);
    const address = asAddress(fields?.address);
    if (address === undefined) {
      throw broken(TOOL, source, `proxies[${String(index)}] has no address`);
    }
    const tx = asHash(fields?.txHash);
    return [
      {
        name: UNNAMED,
        address,
        ...(tx === undefined ? {} : { tx }),
        source,
      },
    ];
  });
}
