import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";

import { addressInWord, type Address, type Hex } from "../../src/core/hex.js";
import {
  contractAt,
  deploy,
  encode,
  send,
  signer,
  type Connection,
} from "./contracts.js";

const OZ = "@openzeppelin/contracts";
export const TRANSPARENT_PROXY = `${OZ}/proxy/transparent/TransparentUpgradeableProxy.sol:TransparentUpgradeableProxy`;
export const PROXY_ADMIN = `${OZ}/proxy/transparent/ProxyAdmin.sol:ProxyAdmin`;
export const ERC1967_PROXY = `${OZ}/proxy/ERC1967/ERC1967Proxy.sol:ERC1967Proxy`;
export const BEACON = `${OZ}/proxy/beacon/UpgradeableBeacon.sol:UpgradeableBeacon`;
export const BEACON_PROXY = `${OZ}/proxy/beacon/BeaconProxy.sol:BeaconProxy`;

/** EIP-1967, `eip1967.proxy.admin`. */
const ADMIN_SLOT =
  "0xb53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103";

/** Where one version of the platform's three contracts is. */
export interface Implementations {
  readonly skillProfile: Address;
  readonly endorsement: Address;
  readonly skillClaim: Address;
}

/** The sample platform: one transparent, one UUPS and one beacon proxy. */
export interface Platform extends Implementations {
  readonly beacon: Address;
  /** SkillProfile's own ProxyAdmin. */
  readonly proxyAdmin: Address;
  /** Of everything: may pause and upgrade all three. */
  readonly owner: Address;
  readonly implementations: Implementations;
}

/** Deploys the platform, version 1.0.0, owned by `owner` (the first account). */
export async function deployPlatform(
  connection: Connection,
  owner?: HardhatEthersSigner,
): Promise<Platform> {
  const from = owner ?? (await signer(connection));
  const implementations = {
    skillProfile: await deploy(connection, "SkillProfile", [], from),
    endorsement: await deploy(connection, "Endorsement", [], from),
    skillClaim: await deploy(connection, "SkillClaim", [], from),
  };
  const initialize = await encode(connection, "SkillProfile", "initialize", [
    from.address,
  ]);
  const skillProfile = await deploy(
    connection,
    TRANSPARENT_PROXY,
    [implementations.skillProfile, from.address, initialize],
    from,
  );
  const endorsement = await deploy(
    connection,
    ERC1967_PROXY,
    [implementations.endorsement, initialize],
    from,
  );
  const beacon = await deploy(
    connection,
    BEACON,
    [implementations.skillClaim, from.address],
    from,
  );
  return {
    skillProfile,
    endorsement,
    skillClaim: await deploy(
      connection,
      BEACON_PROXY,
      [beacon, initialize],
      from,
    ),
    beacon,
    proxyAdmin: await proxyAdminOf(connection, skillProfile),
    owner: from.address as Address,
    implementations,
  };
}

/**
 * Lands the bad upgrade, version 2.0.0, on all three.
 *
 * @returns the bad implementations.
 */
export async function breakPlatform(
  connection: Connection,
  platform: Platform,
): Promise<Implementations> {
  const from = await connection.ethers.getSigner(platform.owner);
  const bad = {
    skillProfile: await deploy(connection, "SkillProfileV2", [], from),
    endorsement: await deploy(connection, "EndorsementV2", [], from),
    skillClaim: await deploy(connection, "SkillClaimV2", [], from),
  };
  await upgradePlatform(connection, platform, bad, {
    skillProfileCall: await encode(
      connection,
      "SkillProfileV2",
      "initializeV2",
      [10n],
    ),
  });
  return bad;
}

/** Points the three proxies at other implementations. */
export async function upgradePlatform(
  connection: Connection,
  { skillProfile, endorsement, beacon, proxyAdmin, owner }: Platform,
  to: Implementations,
  { skillProfileCall = "0x" }: { readonly skillProfileCall?: Hex } = {},
): Promise<void> {
  const from = await connection.ethers.getSigner(owner);
  const admin = await contractAt(connection, PROXY_ADMIN, proxyAdmin, from);
  await send(connection, admin, "upgradeAndCall", [
    skillProfile,
    to.skillProfile,
    skillProfileCall,
  ]);
  const uups = await contractAt(connection, "Endorsement", endorsement, from);
  await send(connection, uups, "upgradeToAndCall", [to.endorsement, "0x"]);
  const shared = await contractAt(connection, BEACON, beacon, from);
  await send(connection, shared, "upgradeTo", [to.skillClaim]);
}

/** The ProxyAdmin that a v5 transparent proxy made for itself. */
export async function proxyAdminOf(
  { ethers }: Connection,
  proxy: Address,
): Promise<Address> {
  const word = await ethers.provider.getStorage(proxy, ADMIN_SLOT);
  return ethers.getAddress(addressInWord(word) ?? "") as Address;
}
