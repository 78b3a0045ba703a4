import { dirname, join } from "node:path";

import type { Address } from "../../core/hex.js";
import type { Findings, ImportedContract, Importer, Place } from "./importer.js";
import { pairProxies, uniquelyNamed, UNNAMED, type Creation } from "./pairing.js";
import {
  asAddress,
  asNumber,
  asFields,
  asHash,
  asList,
  asText,
  broken,
  listFolder,
  readRecord,
  wrongChain,
  type Fields,
} from "./record-file.js";

const TOOL = "foundry";

/**
 * `forge script --broadcast`: broadcast/SCRIPT/CHAIN/*.json. Simulations are in
 * dry-run/ and left out. A script's newest run counts for each contract; older
 * runs tell of contracts it didn't deploy again.
 */
export const foundry: Importer = {
  tool: TOOL,

  async find(place: Place): Promise<Findings> {
    const folders = await listChainFolders(place.root);
    return {
      sources: folders
        .filter(({ chainId }) => chainId === place.chainId)
        .map(({ path }) => path),
      foreign: folders.filter(({ chainId }) => chainId !== place.chainId),
      lookedFor: `broadcast/*/${String(place.chainId)}/run-latest.json`,
    };
  },

  async read(place: Place): Promise<ImportedContract[]> {
    const { sources } = await foundry.find(place);
    const scripts = await Promise.all(
      sources.map(async (folder) => await readScript(folder, place.chainId)),
    );
    return uniquelyNamed(withoutReplaced(pairProxies(scripts.flat())));
  },
};

async function listChainFolders(
  root: string,
): Promise<{ path: string; chainId: number }[]> {
  const broadcast = join(root, "broadcast");
  const scripts = await listFolder(broadcast);
  const folders = await Promise.all(
    scripts.map(async (script) => {
      const chains = await listFolder(join(broadcast, script));
      return chains
        .filter((chain) => /^\d+$/.test(chain))
        .map((chain) => ({
          path: join(broadcast, script, chain),
          chainId: Number(chain),
        }));
    }),
  );
  return folders.flat();
}

interface Run {
  readonly file: string;
  readonly fields: Fields;
  readonly timestamp: number;
}

async function readScript(
  folder: string,
  chainId: number,
): Promise<Creation[]> {
  const files = (await listFolder(folder)).filter((name) =>
    /-(latest|\d+)\.json$/.test(name),
  );
  const runs = await Promise.all(
    files.map(async (name): Promise<Run> => {
      const file = join(folder, name);
      const fields = await readRecord(TOOL, file);
      return { file, fields, timestamp: Number(fields.timestamp ?? 0) };
    }),
  );
  const newestFirst = runs.sort(
    (a, b) => b.timestamp - a.timestamp || (isLatest(a) ? -1 : 1),
  );
  return newestFirst.flatMap((run) => readRun(run, chainId));
}

function isLatest({ file }: Run): boolean {
  return file.endsWith("-latest.json");
}

/** What a script deployed again later has replaced what it deployed before. */
function withoutReplaced(
  newestFirst: readonly ImportedContract[],
): ImportedContract[] {
  return newestFirst.filter((contract) => {
    const newest = newestFirst.find(
      ({ name, source }) =>
        name === contract.name && dirname(source) === dirname(contract.source),
    );
    return contract.name === UNNAMED || newest?.source === contract.source;
  });
}

function readRun({ file, fields }: Run, chainId: number): Creation[] {
  const chain = asNumber(fields.chain);
  if (chain !== undefined && chain !== chainId) {
    throw wrongChain(file, chain, chainId);
  }
  if (!Array.isArray(fields.transactions)) {
    throw broken(TOOL, file, "it has no list of transactions");
  }
  const receipts = new Map(
    asList(fields.receipts).map((receipt) => {
      const found = asFields(receipt) ?? {};
      return [asText(found.transactionHash)?.toLowerCase(), found];
    }),
  );
  return asList(fields.transactions).flatMap((transaction) => {
    const found = asFields(transaction) ?? {};
    const receipt = receipts.get(asText(found.hash)?.toLowerCase());
    return receipt === undefined || receipt.status === "0x0"
      ? []
      : readTransaction(found, receipt, file);
  });
}

function readTransaction(
  transaction: Fields,
  receipt: Fields,
  source: string,
): Creation[] {
  const tx = asHash(transaction.hash);
  const block = asNumber(receipt.blockNumber);
  const common = {
    ...(tx === undefined ? {} : { tx }),
    ...(block === undefined ? {} : { block }),
    source,
  };
  const created = /^CREATE2?$/.test(
    asText(transaction.transactionType) ?? "",
  )
    ? [
        {
          address: asAddress(transaction.contractAddress),
          contract: asText(transaction.contractName),
          firstArgument: asAddress(asList(transaction.arguments)[0]),
        },
      ]
    : [];
  const inside = asList(transaction.additionalContracts).map((item) => ({
    address: asAddress(asFields(item)?.address),
    contract: asText(asFields(item)?.contractName),
    firstArgument: undefined,
  }));
  return [...created, ...inside].flatMap((creation) =>
    toCreation(creation, common),
  );
}

/** Forge can't always tell what a contract is; a nameless one is no use here. */
function toCreation(
  {
    address,
    contract,
    firstArgument,
  }: {
    readonly address: Address | undefined;
    readonly contract: string | undefined;
    readonly firstArgument: Address | undefined;
  },
  common: Pick<Creation, "tx" | "block" | "source">,
): Creation[] {
  return address === undefined || contract === undefined
    ? []
    : [
        {
          address,
          contract,
          ...(firstArgument === undefined ? {} : { firstArgument }),
          ...common,
        },
      ];
}
