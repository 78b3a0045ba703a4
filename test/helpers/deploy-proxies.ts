import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";

import type { Address, Hex } from "../../src/core/hex.js";
import {
  contractAt,
  deploy,
  encode,
  revertOf,
  send,
  signer,
  type Connection,
} from "./contracts.js";
import { ERC1967_PROXY } from "./deploy-platform.js";

const OZ_V4 = "@openzeppelin/contracts-v4";
export const TRANSPARENT_PROXY_V4 = `${OZ_V4}/proxy/transparent/TransparentUpgradeableProxy.sol:TransparentUpgradeableProxy`;
export const PROXY_ADMIN_V4 = `${OZ_V4}/proxy/transparent/ProxyAdmin.sol:ProxyAdmin`;
export const ERC1967_PROXY_V4 = `${OZ_V4}/proxy/ERC1967/ERC1967Proxy.sol:ERC1967Proxy`;

/** A deployed proxy, its own owner beside it. */
export interface DeployedProxy {
  readonly proxy: Address;
  readonly implementation: Address;
  /** May pause it. */
  readonly owner: Address;
}

/** A proxy with an admin: a ProxyAdmin contract or an account. */
export interface AdministeredProxy extends DeployedProxy {
  readonly admin: Address;
}

/** OpenZeppelin 4.9: one ProxyAdmin, which may be shared, `upgrade(proxy, implementation)`. */
export async function deployTransparentV4(
  connection: Connection,
  options: { readonly proxyAdmin?: Address } = {},
): Promise<AdministeredProxy> {
  const admin =
    options.proxyAdmin ?? (await deploy(connection, PROXY_ADMIN_V4));
  return await deployAdministered(connection, TRANSPARENT_PROXY_V4, admin);
}

/** OpenZeppelin 4.9 with an account as its admin: account 1, since an admin can't call through. */
export async function deployTransparentWithAccount(
  connection: Connection,
): Promise<AdministeredProxy> {
  const admin = (await signer(connection, 1)).address as Address;
  return await deployAdministered(connection, TRANSPARENT_PROXY_V4, admin);
}

/** A proxy with zOS's slots; its admin is account 1. */
export async function deployZos(
  connection: Connection,
): Promise<AdministeredProxy> {
  const admin = (await signer(connection, 1)).address as Address;
  return await deployAdministered(connection, "ZosProxy", admin);
}

/** OpenZeppelin 4.9, UUPS. */
export async function deployUupsV4(
  connection: Connection,
): Promise<DeployedProxy> {
  return await deployUups(connection, "UupsV4", ERC1967_PROXY_V4);
}

/**
 * A UUPS proxy in front of a contract with `initialize(address owner)`.
 *
 * @param name - see `contracts/test/UupsVariants.sol` and `Unpausable.sol`.
 */
export async function deployUups(
  connection: Connection,
  name = "UupsV5",
  proxyName = ERC1967_PROXY,
): Promise<DeployedProxy> {
  const implementation = await deploy(connection, name);
  const owner = (await signer(connection)).address as Address;
  const initialize = await encode(connection, name, "initialize", [owner]);
  const proxy = await deploy(connection, proxyName, [
    implementation,
    initialize,
  ]);
  return { proxy, implementation, owner };
}

/** Many UUPS proxies in front of one implementation. */
export async function deployFleet(
  connection: Connection,
  size: number,
): Promise<readonly DeployedProxy[]> {
  const first = await deployUups(connection);
  const { implementation, owner } = first;
  const initialize = await encode(connection, "UupsV5", "initialize", [owner]);
  const fleet = [first];
  while (fleet.length < size) {
    const proxy = await deploy(connection, ERC1967_PROXY, [
      implementation,
      initialize,
    ]);
    fleet.push({ proxy, implementation, owner });
  }
  return fleet;
}

/** A UUPS proxy whose authority is an AccessManager; see `deploy-governance.ts`. */
export async function deployManaged(
  connection: Connection,
  manager: Address,
): Promise<DeployedProxy> {
  const implementation = await deploy(connection, "ManagedPausable");
  const initialize = await encode(connection, "ManagedPausable", "initialize", [
    manager,
  ]);
  const proxy = await deploy(connection, ERC1967_PROXY, [
    implementation,
    initialize,
  ]);
  return { proxy, implementation, owner: manager };
}

/** Paused by account 2, its `pauser`, as USDC is; owned by account 0. */
export async function deployWithPauser(
  connection: Connection,
): Promise<DeployedProxy & { readonly pauser: Address }> {
  const implementation = await deploy(connection, "PauserPausable");
  const owner = (await signer(connection)).address as Address;
  const pauser = (await signer(connection, 2)).address as Address;
  const initialize = await encode(connection, "PauserPausable", "initialize", [
    owner,
    pauser,
  ]);
  const proxy = await deploy(connection, ERC1967_PROXY, [
    implementation,
    initialize,
  ]);
  return { proxy, implementation, owner, pauser };
}

/** Not a proxy: Ownable2Step and pausable. */
export async function deployPlain(connection: Connection): Promise<Address> {
  const owner = (await signer(connection)).address;
  return await deploy(connection, "PlainPausable", [owner]);
}

/**
 * Upgrades a proxy as its owner would by hand: through its ProxyAdmin 4.9, as
 * the admin account, or by itself.
 */
export async function upgradeProxy(
  connection: Connection,
  target: DeployedProxy | AdministeredProxy,
  to: Address,
): Promise<void> {
  if (!("admin" in target)) {
    await upgradeUups(connection, target.proxy, to);
  } else if (
    (await connection.ethers.provider.getCode(target.admin)) === "0x"
  ) {
    const from = await connection.ethers.getSigner(target.admin);
    const proxy = await contractAt(connection, "ZosProxy", target.proxy, from);
    await send(connection, proxy, "upgradeTo", [to]);
  } else {
    const admin = await contractAt(connection, PROXY_ADMIN_V4, target.admin);
    await send(connection, admin, "upgrade", [target.proxy, to]);
  }
}

async function upgradeUups(
  connection: Connection,
  proxy: Address,
  to: Address,
): Promise<void> {
  const v5 = await contractAt(connection, "UupsV5", proxy);
  if ((await revertOf(v5, "UPGRADE_INTERFACE_VERSION")) === undefined) {
    await send(connection, v5, "upgradeToAndCall", [to, "0x"]);
  } else {
    // 4.9's upgradeToAndCall makes the call even when its data is empty.
    const v4 = await contractAt(connection, "UupsV4", proxy);
    await send(connection, v4, "upgradeTo", [to]);
  }
}

async function deployAdministered(
  connection: Connection,
  proxyName: string,
  admin: Address,
): Promise<AdministeredProxy> {
  const implementation = await deploy(connection, "PausableV4");
  const owner: HardhatEthersSigner = await signer(connection);
  const initialize: Hex = await encode(connection, "PausableV4", "initialize", [
    owner.address,
  ]);
  const proxy = await deploy(connection, proxyName, [
    implementation,
    admin,
    initialize,
  ]);
  return { proxy, implementation, admin, owner: owner.address as Address };
}
