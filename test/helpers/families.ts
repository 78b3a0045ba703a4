import { readFileSync } from "node:fs";

import * as AbiParameters from "ox/AbiParameters";

import { encodeCall } from "../../src/chain/abi.js";
import type { Address, Hex } from "../../src/core/hex.js";
import { deploy, deployCode, signer, type Connection } from "./contracts.js";

/** A proxy of another project, upgraded once: from `first` to `second`. */
export interface UpgradedProxy {
  readonly proxy: Address;
  readonly first: Address;
  readonly second: Address;
}

type FixtureName =
  | "EIP173Proxy"
  | "ImmutableAdminProxy"
  | "ERC1967Factory"
  | "SoladyUups"
  | "SoladyUupsNext"
  | "UupsV41"
  | "UupsV41Next"
  | "ProxyAdminV34"
  | "TransparentProxyV34"
  | "ZosProxy";

const fixtures = JSON.parse(
  readFileSync("test/fixtures/families/creation-code.json", "utf8"),
) as Readonly<Record<FixtureName, { readonly bytecode: Hex }>>;

/** Accounts: 0 owns and pauses what is behind the proxies, 1 upgrades. */
const OWNER = 0;
const UPGRADER = 1;

/** hardhat-deploy's default proxy; its owner is not the implementation's. */
export async function deployEip173(
  connection: Connection,
): Promise<UpgradedProxy> {
  const { first, second, initialize } = await pausables(connection);
  const upgrader = await addressOf(connection, UPGRADER);
  const proxy = await deployFixture(
    connection,
    "EIP173Proxy",
    ["address", "address", "bytes"],
    [first, upgrader, initialize],
  );
  await upgradeTo(connection, proxy, second);
  return { proxy, first, second };
}

/** Aave 3: the admin is in the code. */
export async function deployAave(
  connection: Connection,
): Promise<UpgradedProxy> {
  const { first, second, initialize } = await pausables(connection);
  const proxy = await deployFixture(
    connection,
    "ImmutableAdminProxy",
    ["address"],
    [await addressOf(connection, UPGRADER)],
  );
  await call(connection, UPGRADER, proxy, "initialize(address,bytes)", [
    first,
    initialize,
  ]);
  await upgradeTo(connection, proxy, second);
  return { proxy, first, second };
}

/** Solady's ERC1967Factory, through which alone its proxies are upgraded. */
export async function deployOfFactory(
  connection: Connection,
): Promise<UpgradedProxy & { readonly factory: Address }> {
  const { first, second, initialize } = await pausables(connection);
  const factory = await deployFixture(connection, "ERC1967Factory");
  const upgrader = await addressOf(connection, UPGRADER);
  const { logs } = await call(
    connection,
    OWNER,
    factory,
    "deployAndCall(address,address,bytes)",
    [first, upgrader, initialize],
  );
  const proxy: Address = `0x${logs.at(-1)?.topics[1]?.slice(26) ?? ""}`;
  await call(connection, UPGRADER, factory, "upgrade(address,address)", [
    proxy,
    second,
  ]);
  return { proxy, first, second, factory };
}

/** Solady's UUPS, behind its own minimal proxy. */
export async function deploySolady(
  connection: Connection,
): Promise<UpgradedProxy> {
  const first = await deployFixture(connection, "SoladyUups");
  const second = await deployFixture(connection, "SoladyUupsNext");
  const proxy = await deployCode(connection, minimalErc1967(first));
  const owner = await addressOf(connection, OWNER);
  await call(connection, OWNER, proxy, "initialize(address)", [owner]);
  await call(connection, OWNER, proxy, "upgradeToAndCall(address,bytes)", [
    second,
    "0x",
  ]);
  return { proxy, first, second };
}

/** OpenZeppelin 4.1, whose UUPS had no `proxiableUUID` yet; roles, each of its own account. */
export async function deployUupsV41(
  connection: Connection,
): Promise<UpgradedProxy> {
  const first = await deployFixture(connection, "UupsV41");
  const second = await deployFixture(connection, "UupsV41Next");
  const [admin, upgrader] = await Promise.all(
    [OWNER, UPGRADER].map(async (index) => await addressOf(connection, index)),
  );
  const initialize = encodeCall(
    "function initialize(address admin, address pauser, address upgrader)",
    [admin, admin, upgrader],
  );
  const proxy = await deploy(
    connection,
    "@openzeppelin/contracts-v4/proxy/ERC1967/ERC1967Proxy.sol:ERC1967Proxy",
    [first, initialize],
  );
  await upgradeTo(connection, proxy, second);
  return { proxy, first, second };
}

/** OpenZeppelin 3.4, before the proxy's `Upgraded` of its construction. */
export async function deployTransparentV34(
  connection: Connection,
): Promise<UpgradedProxy & { readonly admin: Address }> {
  const { first, second, initialize } = await pausables(connection);
  const admin = await deployFixture(connection, "ProxyAdminV34");
  const proxy = await deployFixture(
    connection,
    "TransparentProxyV34",
    ["address", "address", "bytes"],
    [first, admin, initialize],
  );
  await call(connection, OWNER, admin, "upgrade(address,address)", [
    proxy,
    second,
  ]);
  return { proxy, first, second, admin };
}

/** @openzeppelin/upgrades 2, with ZeppelinOS's slots. */
export async function deployZosOriginal(
  connection: Connection,
): Promise<UpgradedProxy> {
  const { first, second, initialize } = await pausables(connection);
  const proxy = await deployFixture(
    connection,
    "ZosProxy",
    ["address", "address", "bytes"],
    [first, await addressOf(connection, UPGRADER), initialize],
  );
  await upgradeTo(connection, proxy, second);
  return { proxy, first, second };
}

/** EIP-1167. */
export async function deployClone(
  connection: Connection,
  target: Address,
): Promise<Address> {
  return await deployCode(
    connection,
    `0x3d602d80600a3d3981f3363d3d373d3d3d363d73${target.slice(2)}5af43d82803e903d91602b57fd5bf3`,
  );
}

async function pausables(connection: Connection): Promise<{
  readonly first: Address;
  readonly second: Address;
  readonly initialize: Hex;
}> {
  return {
    first: await deploy(connection, "PausableV4"),
    second: await deploy(connection, "PausableV4Next"),
    initialize: encodeCall("function initialize(address owner)", [
      await addressOf(connection, OWNER),
    ]),
  };
}

async function deployFixture(
  connection: Connection,
  name: FixtureName,
  types: readonly string[] = [],
  args: readonly unknown[] = [],
): Promise<Address> {
  const encoded = AbiParameters.encode(
    types.map((type) => ({ type })),
    args as never,
  );
  return await deployCode(
    connection,
    `${fixtures[name].bytecode}${encoded.slice(2)}` as Hex,
  );
}

/** @see Solady, LibClone.deployERC1967 */
function minimalErc1967(implementation: Address): Hex {
  const runtime =
    "363d3d373d3d363d7f360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc545af43d6000803e6038573d6000fd5b3d6000f3";
  return `0x603d3d8160223d3973${implementation.slice(2)}60095155f3${runtime}`;
}

async function upgradeTo(
  connection: Connection,
  proxy: Address,
  to: Address,
): Promise<void> {
  await call(connection, UPGRADER, proxy, "upgradeTo(address)", [to]);
}

async function call(
  connection: Connection,
  from: number,
  to: Address,
  signature: string,
  args: readonly unknown[],
): Promise<{
  readonly logs: readonly { readonly topics: readonly string[] }[];
}> {
  const sender = await signer(connection, from);
  const data = encodeCall(`function ${signature}`, args);
  const { hash } = await sender.sendTransaction({ to, data });
  const receipt = await connection.ethers.provider.getTransactionReceipt(hash);
  return receipt ?? { logs: [] };
}

async function addressOf(
  connection: Connection,
  index: number,
): Promise<Address> {
  return (await signer(connection, index)).address as Address;
}
