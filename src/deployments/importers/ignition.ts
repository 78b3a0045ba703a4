import { join } from "node:path";

import type { Address, Hex } from "../../core/hex.js";
import type { Findings, ImportedContract, Importer, Place } from "./importer.js";
import { pairProxies, uniquelyNamed, type Creation } from "./pairing.js";
import {
  asAddress,
  asNumber,
  asFields,
  asHash,
  asList,
  asText,
  broken,
  listFolder,
  parseRecord,
  readRecord,
  readText,
  type Fields,
} from "./record-file.js";

const TOOL = "ignition";
const JOURNAL = "journal.jsonl";
const ADDRESSES = "deployed_addresses.json";

/**
 * Hardhat Ignition: ignition/deployments/ID/, where ID is chain-1 or a
 * person's own. The journal says what each future deployed, and in which
 * transaction; a folder without one has at least its addresses.
 */
export const ignition: Importer = {
  tool: TOOL,

  async find({ root, chainId }: Place): Promise<Findings> {
    const deployments = join(root, "ignition", "deployments");
    const names = await listFolder(deployments);
    const found = await Promise.all(
      names.map(async (name) => {
        const path = join(deployments, name);
        return { path, chainId: await readChainId(path, name) };
      }),
    );
    return {
      sources: found
        .filter((item) => item.chainId === chainId)
        .map(({ path }) => path),
      foreign: found.flatMap((item) =>
        item.chainId === undefined || item.chainId === chainId
          ? []
          : [{ path: item.path, chainId: item.chainId }],
      ),
      lookedFor: `ignition/deployments/chain-${String(chainId)}/`,
    };
  },

  async read(place: Place): Promise<ImportedContract[]> {
    const { sources } = await ignition.find(place);
    const creations = await Promise.all(sources.map(readDeployment));
    return uniquelyNamed(pairProxies(creations.flat()));
  },
};

async function readChainId(
  folder: string,
  name: string,
): Promise<number | undefined> {
  const files = await listFolder(folder);
  if (files.includes(JOURNAL)) {
    const [first] = await readJournal(join(folder, JOURNAL));
    const chainId = first?.chainId;
    if (typeof chainId === "number") {
      return chainId;
    }
  }
  const named = /^chain-(\d+)$/.exec(name)?.[1];
  return named === undefined ? undefined : Number(named);
}

async function readDeployment(folder: string): Promise<Creation[]> {
  const files = await listFolder(folder);
  if (!files.includes(JOURNAL)) {
    return await readAddresses(join(folder, ADDRESSES));
  }
  const file = join(folder, JOURNAL);
  const futures = new Map<string, Future>();
  for (const message of await readJournal(file)) {
    replay(futures, message);
  }
  return toCreations([...futures.values()], file);
}

/** The journal's messages; Ignition begins each with a new line, so the first is empty. */
async function readJournal(file: string): Promise<Fields[]> {
  const lines = (await readText(TOOL, file)).split("\n");
  return lines.flatMap((line, index) =>
    line.trim() === ""
      ? []
      : [parseRecord(TOOL, file, line, ` in line ${String(index + 1)}`)],
  );
}

interface Future {
  readonly contract: string;
  readonly isAlias: boolean;
  readonly address?: Address;
  readonly firstArgument?: Address;
  readonly tx?: Hex;
  readonly block?: number;
}

function replay(futures: Map<string, Future>, message: Fields): void {
  const id = asText(message.futureId);
  if (id === undefined) {
    return;
  }
  const future = futures.get(id);
  switch (message.type) {
    case "DEPLOYMENT_EXECUTION_STATE_INITIALIZE":
      beginDeployment(futures, id, message);
      break;
    case "CONTRACT_AT_EXECUTION_STATE_INITIALIZE":
      beginAlias(futures, id, message);
      break;
    case "TRANSACTION_CONFIRM":
      update(futures, id, future, confirmation(message));
      break;
    case "DEPLOYMENT_EXECUTION_STATE_COMPLETE":
      update(futures, id, future, completion(message));
      break;
    case "WIPE_APPLY":
      futures.delete(id);
      break;
  }
}

function beginDeployment(
  futures: Map<string, Future>,
  id: string,
  message: Fields,
): void {
  const contract = asText(message.contractName);
  const isLibrary = asText(message.futureType)?.includes("LIBRARY") === true;
  if (contract !== undefined && !isLibrary) {
    const firstArgument = asAddress(asList(message.constructorArgs)[0]);
    futures.set(id, {
      contract,
      isAlias: false,
      ...(firstArgument === undefined ? {} : { firstArgument }),
    });
  }
}

/** `m.contractAt("Box", proxy)`: a person says what is behind a proxy. */
function beginAlias(
  futures: Map<string, Future>,
  id: string,
  message: Fields,
): void {
  const contract = asText(message.contractName);
  const address = asAddress(message.contractAddress);
  if (contract !== undefined && address !== undefined) {
    futures.set(id, { contract, isAlias: true, address });
  }
}

function update(
  futures: Map<string, Future>,
  id: string,
  future: Future | undefined,
  change: Partial<Future>,
): void {
  if (future !== undefined) {
    futures.set(id, { ...future, ...change });
  }
}

function confirmation(message: Fields): Partial<Future> {
  const receipt = asFields(message.receipt);
  const tx = asHash(message.hash);
  const block = asNumber(receipt?.blockNumber);
  return {
    ...(tx === undefined ? {} : { tx }),
    ...(block === undefined ? {} : { block }),
  };
}

function completion(message: Fields): Partial<Future> {
  const result = asFields(message.result);
  const address =
    result?.type === "SUCCESS" ? asAddress(result.address) : undefined;
  return address === undefined ? {} : { address };
}

function toCreations(futures: readonly Future[], source: string): Creation[] {
  const aliases = futures.filter(({ isAlias }) => isAlias);
  const deployed = futures.filter(({ isAlias }) => !isAlias);
  const known = new Set(deployed.map(({ address }) => address));
  // Contracts that something else deployed and Ignition only uses come last.
  const used = aliases.filter(({ address }) => !known.has(address));
  return [...deployed, ...used].flatMap(
    ({ address, contract, firstArgument, tx, block, isAlias }) => {
      const alias = aliases.find((other) => other.address === address);
      return address === undefined
        ? []
        : [
            {
              address,
              contract,
              ...(alias === undefined || isAlias
                ? {}
                : { name: alias.contract }),
              ...(firstArgument === undefined ? {} : { firstArgument }),
              ...(tx === undefined ? {} : { tx }),
              ...(block === undefined ? {} : { block }),
              source,
            },
          ];
    },
  );
}

/** `{"BoxModule#Box": "0x…"}` */
async function readAddresses(source: string): Promise<Creation[]> {
  const record = await readRecord(TOOL, source);
  return Object.entries(record).map(([future, value]) => {
    const address = asAddress(value);
    if (address === undefined) {
      throw broken(TOOL, source, `${future} has no address`);
    }
    return { address, contract: future.split("#").at(-1) ?? future, source };
  });
}
