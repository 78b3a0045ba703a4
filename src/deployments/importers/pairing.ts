import { sameAddress, type Address, type Hex } from "../../core/hex.js";
import type { ImportedContract } from "./importer.js";

/** A contract creation as a record tells of it. */
export interface Creation {
  readonly address: Address;
  /** What was deployed, fully qualified or bare. */
  readonly contract: string;
  /** The name a person gave this deployment, when it is more than the contract's. */
  readonly name?: string;
  /** The constructor's first argument, when it is an address. */
  readonly firstArgument?: Address;
  readonly tx?: Hex;
  readonly block?: number;
  readonly source: string;
}

/** The proxies everybody deploys: their names say nothing about what is behind them. */
const GENERIC_PROXY =
  /^(ERC1967Proxy|(Optimized)?(Transparent|Admin)?(Upgradeable|Upgradeability)?Proxy|TransparentUpgradeableProxy|OptimizedTransparentProxy|BeaconProxy|EIP173Proxy(WithReceive)?|ERC173Proxy(WithReceive)?|UUPSProxy)$/;

/**
 * Recognises proxies and what they point at among deployed contracts, names
 * each proxy after its implementation, and leaves out what serves others:
 * implementations, beacons, ProxyAdmins. The first tale of an address counts;
 * several may have one name.
 */
export function pairProxies(creations: readonly Creation[]): ImportedContract[] {
  const unique = creations.filter(
    (creation, index) =>
      creations.findIndex(({ address }) =>
        sameAddress(address, creation.address),
      ) === index,
  );
  const behind = new Map(
    unique.map((creation) => [creation, findBehind(creation, unique)]),
  );
  const serving = new Set(
    [...behind.values()].flatMap((hidden) =>
      hidden === undefined
        ? []
        : [hidden.address, ...(hidden.beacon === undefined ? [] : [hidden.beacon])],
    ),
  );
  const shown = unique.filter(
    (creation) =>
      !serving.has(creation.address) && !isInfrastructure(creation.contract),
  );
  return shown.map((creation) => toImported(creation, behind.get(creation)));
}

interface Behind {
  readonly address: Address;
  readonly creation: Creation | undefined;
  readonly beacon?: Address;
}

/** The implementation a proxy was made with; undefined when it is no proxy. */
function findBehind(
  { contract, firstArgument }: Creation,
  all: readonly Creation[],
): Behind | undefined {
  if (firstArgument === undefined || !/Proxy(WithReceive)?$/.test(bare(contract))) {
    return undefined;
  }
  const creation = findCreation(all, firstArgument);
  if (creation === undefined || !isBeacon(creation.contract)) {
    return { address: firstArgument, creation };
  }
  const implementation = creation.firstArgument;
  return implementation === undefined
    ? { address: firstArgument, creation: undefined }
    : {
        address: implementation,
        creation: findCreation(all, implementation),
        beacon: firstArgument,
      };
}

function findCreation(
  all: readonly Creation[],
  address: Address,
): Creation | undefined {
  return all.find((creation) => sameAddress(creation.address, address));
}

function toImported(
  creation: Creation,
  behind: Behind | undefined,
): ImportedContract {
  const { address, tx, block, source } = creation;
  const contract =
    behind === undefined ? creation.contract : behind.creation?.contract;
  return {
    name: creation.name ?? nameOf(creation, behind),
    address,
    ...(contract === undefined ? {} : { contract }),
    ...(behind === undefined ? {} : { implementation: behind.address }),
    ...(tx === undefined ? {} : { tx }),
    ...(block === undefined ? {} : { block }),
    source,
  };
}

function nameOf({ contract }: Creation, behind: Behind | undefined): string {
  if (behind === undefined) {
    return bare(contract);
  }
  const own = bare(contract);
  if (behind.creation !== undefined) {
    return bare(behind.creation.contract);
  }
  return GENERIC_PROXY.test(own) ? UNNAMED : own.replace(/Proxy$/, "");
}

/** Becomes Proxy1, Proxy2, … */
export const UNNAMED = "";

/** Names fit for deploy.json, each once: Vault, Vault2, Proxy1. */
export function uniquelyNamed(
  contracts: readonly ImportedContract[],
): ImportedContract[] {
  const taken = new Set<string>();
  return contracts.map((contract) => {
    const name = freeName(contract.name, taken);
    taken.add(name);
    return contract.name === UNNAMED
      ? { ...contract, name, isNameless: true }
      : { ...contract, name };
  });
}

function freeName(wanted: string, taken: ReadonlySet<string>): string {
  const name = wanted.replace(/[^\w$-]/g, "_").replace(/^(?=[\d-])/, "_");
  const [stem, first] = name === UNNAMED ? ["Proxy", 1] : [name, 2];
  if (name !== UNNAMED && !taken.has(name)) {
    return name;
  }
  let number = first;
  while (taken.has(`${stem}${String(number)}`)) {
    number += 1;
  }
  return `${stem}${String(number)}`;
}

/** `contracts/Vault.sol:Vault` → `Vault`. */
export function bare(contract: string): string {
  return contract.slice(contract.lastIndexOf(":") + 1);
}

function isBeacon(contract: string): boolean {
  return bare(contract).endsWith("Beacon");
}

function isInfrastructure(contract: string): boolean {
  return isBeacon(contract) || bare(contract).endsWith("ProxyAdmin");
}
