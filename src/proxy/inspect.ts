import * as OxAddress from "ox/Address";
import * as Hash from "ox/Hash";

import type { BlockReader } from "../chain/block-reader.js";
import { decodeResult, encodeCall } from "../chain/abi.js";
import { hasFunction } from "./dispatcher.js";
import { revertData, type RpcOutcome } from "../chain/rpc.js";
import {
  addressInWord,
  sameAddress,
  type Address,
  type Hex,
} from "../core/hex.js";
import type { ProxyKind } from "../core/proxy-kind.js";
import { findEmbeddedAddresses } from "./embedded-addresses.js";
import { readFactoryAdmin } from "./factory.js";
import {
  ADMIN_SLOT,
  BEACON_SLOT,
  IMPLEMENTATION_SLOT,
  ZOS_ADMIN_SLOT,
  ZOS_IMPLEMENTATION_SLOT,
} from "./slots.js";

/** What a contract is and where it points, as the chain had it at one block. */
export interface ProxyState {
  readonly address: Address;
  readonly kind: ProxyKind;
  /** Where calls end up; the contract itself when it is plain. */
  readonly implementation: Address;
  /** keccak256 of the implementation's code; undefined when none is there. */
  readonly codeHash: Hex | undefined;
  /** From its slot or its code: a ProxyAdmin, or an admin that acts directly. */
  readonly admin?: Address;
  /** Through which the admin acts, where that is a factory of proxies. */
  readonly factory?: Address;
  readonly beacon?: Address;
}

export const BEACON_IMPLEMENTATION =
  "function implementation() view returns (address)";
const ADMIN_GETTER = "function admin() view returns (address)";
/** ProxyDeniedAdminAccess() of OpenZeppelin 5. */
const DENIED_ADMIN_ACCESS = "0xd2b576ec";
const PROXIABLE_UUID = "function proxiableUUID() view returns (bytes32)";

/**
 * Finds out the kind of a contract from its storage slots, never from its
 * name. An admin slot may be set on a UUPS proxy too: there the upgrade
 * function is the implementation's, which is what counts.
 *
 * @returns undefined when no code is at the address.
 */
export async function inspectProxy(
  reader: BlockReader,
  address: Address,
): Promise<ProxyState | undefined> {
  const [code, ...words] = await Promise.all([
    reader.code(address),
    ...[
      IMPLEMENTATION_SLOT,
      BEACON_SLOT,
      ADMIN_SLOT,
      ZOS_IMPLEMENTATION_SLOT,
      ZOS_ADMIN_SLOT,
    ].map(async (slot) => await reader.storage(address, slot)),
  ]);
  if (code === "0x") {
    return undefined;
  }
  const [implementation, beacon, admin, zosImplementation, zosAdmin] =
    words.map(checksummedAddressIn);

  if (beacon !== undefined) {
    return await inspectBeaconProxy(reader, address, beacon);
  }
  if (implementation !== undefined) {
    const proxy = { address, implementation };
    return admin === undefined
      ? await inspectWithoutAdminSlot(reader, proxy, code)
      : await inspectWithAdminSlot(reader, proxy, admin);
  }
  if (zosImplementation !== undefined) {
    return {
      address,
      kind: "zos",
      implementation: zosImplementation,
      codeHash: await readCodeHash(reader, zosImplementation),
      ...(zosAdmin === undefined ? {} : { admin: zosAdmin }),
    };
  }
  return {
    address,
    kind: "plain",
    implementation: address,
    codeHash: hashOfCode(code),
  };
}

async function inspectBeaconProxy(
  reader: BlockReader,
  address: Address,
  beacon: Address,
): Promise<ProxyState> {
  const answer = await reader.call(beacon, BEACON_IMPLEMENTATION);
  const implementation = OxAddress.checksum(
    typeof answer === "string" ? answer : beacon,
  );
  return {
    address,
    kind: "beacon",
    implementation,
    codeHash: await readCodeHash(reader, implementation),
    beacon,
  };
}

type Eip1967 = Pick<ProxyState, "address" | "implementation">;

async function inspectWithAdminSlot(
  reader: BlockReader,
  proxy: Eip1967,
  admin: Address,
): Promise<ProxyState> {
  const [codeHash, servesAdmin] = await Promise.all([
    readCodeHash(reader, proxy.implementation),
    servesAdminItself(reader, proxy.address, admin),
  ]);
  return {
    ...proxy,
    kind: servesAdmin ? "transparent" : "uups",
    codeHash,
    admin,
  };
}

/**
 * UUPS, unless the proxy's own code names who upgrades it: Aave's have their
 * admin there, those of a factory the factory.
 */
async function inspectWithoutAdminSlot(
  reader: BlockReader,
  proxy: Eip1967,
  code: Hex,
): Promise<ProxyState> {
  const [codeHash, named] = await Promise.all([
    readCodeHash(reader, proxy.implementation),
    Promise.all(
      findEmbeddedAddresses(code).map(
        async (embedded) => await findRole(reader, proxy.address, embedded),
      ),
    ),
  ]);
  const found = named.find((each) => each !== undefined);
  return found === undefined
    ? { ...proxy, kind: "uups", codeHash }
    : { ...proxy, kind: "transparent", codeHash, ...found };
}

/** What an address in a proxy's code is to it. */
async function findRole(
  reader: BlockReader,
  proxy: Address,
  embedded: Address,
): Promise<Pick<ProxyState, "admin" | "factory"> | undefined> {
  const [answer, toOthers, admin] = await Promise.all([
    askAsAdmin(reader, proxy, embedded),
    reader.call(proxy, ADMIN_GETTER),
    readFactoryAdmin(reader, embedded, proxy),
  ]);
  const isForAll =
    typeof toOthers === "string" && sameAddress(toOthers, embedded);
  if (isAnswerToAdmin(answer, embedded) && !isForAll) {
    return { admin: embedded };
  }
  return admin === undefined ? undefined : { admin, factory: embedded };
}

/**
 * Whether the proxy treats its admin apart, which is what makes it
 * transparent: v5 denies the admin everything but upgrades, v4 answers
 * `admin()` itself. A UUPS proxy with an admin slot passes both on to its
 * implementation.
 */
async function servesAdminItself(
  reader: BlockReader,
  proxy: Address,
  admin: Address,
): Promise<boolean> {
  const [answer, uups] = await Promise.all([
    askAsAdmin(reader, proxy, admin),
    reader.call(proxy, PROXIABLE_UUID),
  ]);
  return answer.ok
    ? isAnswerToAdmin(answer, admin)
    : isAnswerToAdmin(answer, admin) || uups !== IMPLEMENTATION_SLOT;
}

async function askAsAdmin(
  reader: BlockReader,
  proxy: Address,
  admin: Address,
): Promise<RpcOutcome> {
  const data = encodeCall(ADMIN_GETTER);
  return await reader.callRaw({ from: admin, to: proxy, data });
}

/** Whether only a proxy answers so, and only its admin. */
function isAnswerToAdmin(answer: RpcOutcome, admin: Address): boolean {
  if (!answer.ok) {
    return revertData(answer.error)?.startsWith(DENIED_ADMIN_ACCESS) === true;
  }
  const found = decodeResult(ADMIN_GETTER, answer.result as Hex);
  return typeof found === "string" && sameAddress(found, admin);
}

/**
 * Whether a UUPS proxy with this implementation could be upgraded again.
 *
 * Before OpenZeppelin 4.5 implementations had no `proxiableUUID`, and a proxy
 * that has one of those now tries the next one out by itself.
 *
 * @param current - The implementation that the proxy has now.
 */
export async function supportsUups(
  reader: BlockReader,
  implementation: Address,
  current: Address,
): Promise<boolean> {
  const [uuid, currentUuid, code] = await Promise.all([
    reader.call(implementation, PROXIABLE_UUID),
    reader.call(current, PROXIABLE_UUID),
    reader.code(implementation),
  ]);
  return (
    uuid === IMPLEMENTATION_SLOT ||
    (uuid === undefined &&
      currentUuid === undefined &&
      hasFunction(code, "function upgradeTo(address)"))
  );
}

/** keccak256 of the code at an address; undefined when there is none. */
export async function readCodeHash(
  reader: BlockReader,
  address: Address,
): Promise<Hex | undefined> {
  return hashOfCode(await reader.code(address));
}

export function hashOfCode(code: Hex): Hex | undefined {
  return code === "0x" ? undefined : Hash.keccak256(code);
}

function checksummedAddressIn(word: Hex): Address | undefined {
  const address = addressInWord(word);
  return address === undefined ? undefined : OxAddress.checksum(address);
}
