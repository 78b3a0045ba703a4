import * as OxAddress from "ox/Address";
import * as Hash from "ox/Hash";

import type { BlockReader } from "../chain/block-reader.js";
import { decodeResult, encodeCall } from "../chain/abi.js";
import { revertData } from "../chain/rpc.js";
import {
  addressInWord,
  sameAddress,
  type Address,
  type Hex,
} from "../core/hex.js";
import type { ProxyKind } from "../core/proxy-kind.js";
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
  /** From the admin slot: a ProxyAdmin, or an admin that acts directly. */
  readonly admin?: Address;
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
    return await inspectEip1967(reader, address, implementation, admin);
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

async function inspectEip1967(
  reader: BlockReader,
  address: Address,
  implementation: Address,
  admin: Address | undefined,
): Promise<ProxyState> {
  const [codeHash, servesAdmin] = await Promise.all([
    readCodeHash(reader, implementation),
    admin === undefined ? false : servesAdminItself(reader, address, admin),
  ]);
  return {
    address,
    kind: servesAdmin ? "transparent" : "uups",
    implementation,
    codeHash,
    ...(admin === undefined ? {} : { admin }),
  };
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
    reader.callRaw({ from: admin, to: proxy, data: encodeCall(ADMIN_GETTER) }),
    reader.call(proxy, PROXIABLE_UUID),
  ]);
  if (answer.ok) {
    const found = decodeResult(ADMIN_GETTER, answer.result as Hex);
    return typeof found === "string" && sameAddress(found, admin);
  }
  return (
    revertData(answer.error)?.startsWith(DENIED_ADMIN_ACCESS) === true ||
    uups !== IMPLEMENTATION_SLOT
  );
}

/** Whether `upgradeTo…` on a UUPS proxy would accept this implementation. */
export async function supportsUups(
  reader: BlockReader,
  implementation: Address,
): Promise<boolean> {
  const uuid = await reader.call(implementation, PROXIABLE_UUID);
  return uuid === IMPLEMENTATION_SLOT;
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
