import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { Contract, id, type InterfaceAbi } from "ethers";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { ZERO_ADDRESS, type Address, type Hex } from "../../src/core/hex.js";
import {
  contractAt,
  deploy,
  deployCode,
  read,
  send,
  signer,
  type Connection,
} from "./contracts.js";
import { BEACON, PROXY_ADMIN, type Platform } from "./deploy-platform.js";

export const ACCESS_MANAGER =
  "@openzeppelin/contracts/access/manager/AccessManager.sol:AccessManager";

interface SafeArtifact {
  readonly abi: InterfaceAbi;
  readonly bytecode: Hex;
  readonly deployedBytecode: Hex;
}

export const SAFE_VERSIONS = ["1.3.0", "1.4.1", "1.5.0"] as const;

export type SafeVersion = (typeof SAFE_VERSIONS)[number];

export interface SafeOptions {
  readonly owners: readonly Address[];
  readonly threshold: number;
  /** SafeL2, the default, emits more; both are deployed everywhere. */
  readonly singleton?: "Safe" | "SafeL2";
  /** Default: 1.5.0. */
  readonly version?: SafeVersion;
  /** With it the Safe answers `isValidSignature`; default: none. */
  readonly fallbackHandler?: Address;
}

/** A Safe, of Safe's own bytecode, made by its factory. */
export async function deploySafe(
  connection: Connection,
  {
    owners,
    threshold,
    singleton = "SafeL2",
    version = "1.5.0",
    fallbackHandler = ZERO_ADDRESS,
  }: SafeOptions,
): Promise<Address> {
  const masterCopy = await deploySafeContract(connection, singleton, version);
  const factory = new Contract(
    await deploySafeContract(connection, "SafeProxyFactory", version),
    safeArtifact("SafeProxyFactory", version).abi,
    await signer(connection),
  );
  const setup = [owners, threshold, ZERO_ADDRESS, "0x", fallbackHandler];
  const initializer = new Contract(
    masterCopy,
    safeArtifact(singleton, version).abi,
  ).interface.encodeFunctionData("setup", [
    ...setup,
    ZERO_ADDRESS,
    0n,
    ZERO_ADDRESS,
  ]);
  const create = [masterCopy, initializer, 0n];
  const safe = await read(factory, "createProxyWithNonce", create);
  await send(connection, factory, "createProxyWithNonce", create);
  return safe as Address;
}

/** One of Safe's contracts by name, e.g. `MultiSendCallOnly`. */
export async function deploySafeContract(
  connection: Connection,
  name: SafeContractName,
  version: SafeVersion = "1.5.0",
): Promise<Address> {
  return await deployCode(connection, safeArtifact(name, version).bytecode);
}

/** MultiSendCallOnly where Safe has it on every chain. */
export async function placeMultiSend({ provider }: Connection): Promise<void> {
  const { deployedBytecode } = safeArtifact("MultiSendCallOnly", "1.4.1");
  await provider.request({
    method: "hardhat_setCode",
    params: ["0x9641d764fc13c8B624c04430C7356C1C7C8102e2", deployedBytecode],
  });
}

/** A Safe to send to and read from. */
export async function safeAt(
  connection: Connection,
  safe: Address,
  from?: HardhatEthersSigner,
): Promise<Contract> {
  const runner = from ?? (await signer(connection));
  return new Contract(safe, safeArtifact("Safe").abi, runner);
}

/** Makes a Safe call a contract, on the approvals (on chain) of these owners. */
export async function executeAsSafe(
  connection: Connection,
  safe: Address,
  owners: readonly HardhatEthersSigner[],
  call: {
    readonly to: Address;
    readonly data: Hex;
    readonly operation?: 0 | 1;
  },
): Promise<void> {
  const contract = await safeAt(connection, safe, owners[0]);
  const nonce = await read(contract, "nonce");
  const { to, data, operation = 0 } = call;
  const transaction = [to, 0n, data, operation, 0n, 0n, 0n];
  const refund = [ZERO_ADDRESS, ZERO_ADDRESS];
  const hash = await read(contract, "getTransactionHash", [
    ...transaction,
    ...refund,
    nonce,
  ]);
  for (const owner of owners) {
    const own = await safeAt(connection, safe, owner);
    await send(connection, own, "approveHash", [hash]);
  }
  await send(connection, contract, "execTransaction", [
    ...transaction,
    ...refund,
    approvals(owners),
  ]);
}

export interface TimelockOptions {
  readonly minDelaySeconds: number;
  readonly proposers: readonly Address[];
  /** The zero address lets anybody execute. */
  readonly executors: readonly Address[];
  /** None by default: it then administers itself. */
  readonly admin?: Address;
  /** Of OpenZeppelin Contracts. */
  readonly version?: 4 | 5;
}

/** OpenZeppelin's TimelockController. */
export async function deployTimelock(
  connection: Connection,
  { minDelaySeconds, proposers, executors, admin, version }: TimelockOptions,
): Promise<Address> {
  return await deploy(connection, timelockName(version ?? 5), [
    minDelaySeconds,
    proposers,
    executors,
    admin ?? ZERO_ADDRESS,
  ]);
}

/** The artifact's name of a TimelockController, for `contractAt`. */
export function timelockName(version: 4 | 5): string {
  const folder = version === 4 ? "contracts-v4" : "contracts";
  return `@openzeppelin/${folder}/governance/TimelockController.sol:TimelockController`;
}

/** OpenZeppelin's AccessManager; its admin is account 0. */
export async function deployAccessManager(
  connection: Connection,
): Promise<Address> {
  const { address } = await signer(connection);
  return await deploy(connection, ACCESS_MANAGER, [address]);
}

export interface ManagedRole {
  readonly roleId: bigint;
  /** Signatures, e.g. `pause()`. */
  readonly functions: readonly string[];
  readonly members: readonly Address[];
  /** Between `schedule` and `execute`; 0 lets members call directly. */
  readonly executionDelaySeconds?: number;
}

const GRANT_GAS = 300_000n;

/** Gives a role, its members included, to some functions of a managed contract. */
export async function grantManagedRole(
  connection: Connection,
  manager: Address,
  target: Address,
  { roleId, functions, members, executionDelaySeconds = 0 }: ManagedRole,
): Promise<void> {
  const contract = await contractAt(connection, ACCESS_MANAGER, manager);
  const selectors = functions.map((signature) => id(signature).slice(0, 10));
  await send(connection, contract, "setTargetFunctionRole", [
    target,
    selectors,
    roleId,
  ]);
  // To grant again what was granted costs more when a second has passed since it was estimated.
  const overrides = { gasLimit: GRANT_GAS };
  for (const member of members) {
    await send(connection, contract, "grantRole", [
      roleId,
      member,
      executionDelaySeconds,
      overrides,
    ]);
  }
}

/** Hands every power over the platform to another address; its owner keeps none. */
export async function handOver(
  connection: Connection,
  platform: Platform,
  to: Address,
): Promise<void> {
  const from = await connection.ethers.getSigner(platform.owner);
  const owned = [
    [PROXY_ADMIN, platform.proxyAdmin],
    [BEACON, platform.beacon],
    ["SkillProfile", platform.skillProfile],
    ["SkillClaim", platform.skillClaim],
  ] as const;
  for (const [name, address] of owned) {
    const contract = await contractAt(connection, name, address, from);
    await send(connection, contract, "transferOwnership", [to]);
  }
  const endorsement = await contractAt(
    connection,
    "Endorsement",
    platform.endorsement,
    from,
  );
  // The default admin's role goes last: without it nothing can be granted.
  const roles = [
    id("PAUSER_ROLE"),
    id("UPGRADER_ROLE"),
    `0x${"00".repeat(32)}`,
  ];
  for (const role of roles) {
    await send(connection, endorsement, "grantRole", [role, to]);
    await send(connection, endorsement, "renounceRole", [role, platform.owner]);
  }
}

type SafeContractName = keyof typeof SAFE_ARTIFACTS;

const SAFE_ARTIFACTS = {
  Safe: "Safe.sol/Safe.json",
  SafeL2: "SafeL2.sol/SafeL2.json",
  SafeProxyFactory: "proxies/SafeProxyFactory.sol/SafeProxyFactory.json",
  MultiSend: "libraries/MultiSend.sol/MultiSend.json",
  MultiSendCallOnly: "libraries/MultiSendCallOnly.sol/MultiSendCallOnly.json",
  CompatibilityFallbackHandler:
    "handler/CompatibilityFallbackHandler.sol/CompatibilityFallbackHandler.json",
  DelegateCallTransactionGuard:
    "examples/guards/DelegateCallTransactionGuard.sol/DelegateCallTransactionGuard.json",
} as const;

const SAFE_PACKAGES: Readonly<Record<SafeVersion, string>> = {
  "1.3.0": "@gnosis.pm/safe-contracts",
  "1.4.1": "@safe-global/safe-contracts",
  "1.5.0": "@safe-global/safe-smart-account",
};

/** The published artifact of one of Safe's contracts; 1.3.0 named some of them differently. */
export function safeArtifact(
  name: SafeContractName,
  version: SafeVersion = "1.5.0",
): SafeArtifact {
  const file =
    version === "1.3.0"
      ? SAFE_ARTIFACTS[name].replace(
          /\bSafe(L2|ProxyFactory|)\b/g,
          "GnosisSafe$1",
        )
      : SAFE_ARTIFACTS[name];
  const path = createRequire(import.meta.url).resolve(
    `${SAFE_PACKAGES[version]}/build/artifacts/contracts/${file}`,
  );
  return JSON.parse(readFileSync(path, "utf8")) as SafeArtifact;
}

/** Safe's signature of an owner who approved on chain: r is the owner, v is 1; sorted by owner. */
function approvals(owners: readonly HardhatEthersSigner[]): Hex {
  const signatures = owners
    .map(({ address }) => address.slice(2).toLowerCase())
    .sort()
    .map((owner) => `${owner.padStart(64, "0")}${"00".repeat(32)}01`);
  return `0x${signatures.join("")}`;
}
