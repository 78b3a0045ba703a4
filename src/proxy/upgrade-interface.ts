import { encodeCall } from "../chain/abi.js";
import type { BlockReader } from "../chain/block-reader.js";
import { sameAddress, type Address, type Hex } from "../core/hex.js";
import { hasFunction } from "./dispatcher.js";
import type { ProxyState } from "./inspect.js";

/**
 * The function that upgrades a contract: at which address, and in which form.
 * OpenZeppelin 5 has only `…AndCall`; in 4 that form calls the new
 * implementation even with empty data, so there the plain form is the safe one.
 */
export interface UpgradeInterface {
  readonly via: "proxy-admin" | "factory" | "admin" | "self" | "beacon";
  /** Where the call goes. */
  readonly target: Address;
  readonly version: "v4" | "v5";
}

const INTERFACE_VERSION =
  "function UPGRADE_INTERFACE_VERSION() view returns (string)";
const PROXY_IMPLEMENTATION =
  "function getProxyImplementation(address proxy) view returns (address)";
const UPGRADE_TO = "function upgradeTo(address newImplementation)";
const UPGRADE_TO_AND_CALL =
  "function upgradeToAndCall(address newImplementation, bytes data) payable";
const ADMIN_UPGRADE = "function upgrade(address proxy, address implementation)";
const ADMIN_UPGRADE_AND_CALL =
  "function upgradeAndCall(address proxy, address implementation, bytes data) payable";

/** All the forms, for those who decode what others send. */
export const UPGRADE_FUNCTIONS: readonly string[] = [
  UPGRADE_TO,
  UPGRADE_TO_AND_CALL,
  ADMIN_UPGRADE,
  ADMIN_UPGRADE_AND_CALL,
];

/** @returns undefined for a plain contract: nothing upgrades it. */
export async function findUpgradeInterface(
  reader: BlockReader,
  proxy: ProxyState,
): Promise<UpgradeInterface | undefined> {
  const { kind, address, implementation, beacon, admin, factory } = proxy;
  if (kind === "beacon" && beacon !== undefined) {
    return { via: "beacon", target: beacon, version: "v4" };
  }
  if (kind === "uups") {
    const [declared, code] = await Promise.all([
      readInterfaceVersion(reader, address),
      reader.code(implementation),
    ]);
    const version = lacksPlainForm(code) ? "v5" : declared;
    return { via: "self", target: address, version };
  }
  if (factory !== undefined) {
    return { via: "factory", target: factory, version: "v4" };
  }
  if (kind === "plain" || admin === undefined) {
    return undefined;
  }
  return await findAdminInterface(reader, proxy, admin);
}

async function findAdminInterface(
  reader: BlockReader,
  { address, implementation }: ProxyState,
  admin: Address,
): Promise<UpgradeInterface> {
  const [version, managed, plainForm] = await Promise.all([
    readInterfaceVersion(reader, admin),
    reader.call(admin, PROXY_IMPLEMENTATION, [address]),
    reader.callRaw({
      from: admin,
      to: address,
      data: encodeCall(UPGRADE_TO, [implementation]),
    }),
  ]);
  if (version === "v5") {
    return { via: "proxy-admin", target: admin, version };
  }
  if (typeof managed === "string" && sameAddress(managed, implementation)) {
    return { via: "proxy-admin", target: admin, version: "v4" };
  }
  return {
    via: "admin",
    target: address,
    version: plainForm.ok ? "v4" : "v5",
  };
}

/** Solady's, say: like OpenZeppelin 5's, without its getter. */
function lacksPlainForm(code: Hex): boolean {
  return (
    !hasFunction(code, UPGRADE_TO) && hasFunction(code, UPGRADE_TO_AND_CALL)
  );
}

/** A revert means that the getter isn't there yet: version 4. */
async function readInterfaceVersion(
  reader: BlockReader,
  address: Address,
): Promise<"v4" | "v5"> {
  const version = await reader.call(address, INTERFACE_VERSION);
  return version === "5.0.0" ? "v5" : "v4";
}

/** Calldata and signature of an upgrade to `implementation`. */
export function encodeUpgrade(
  { via, version }: UpgradeInterface,
  proxy: Address,
  implementation: Address,
): { readonly signature: string; readonly data: Hex } {
  const [signature, args] = upgradeForm(via, version, proxy, implementation);
  return { signature, data: encodeCall(signature, args) };
}

function upgradeForm(
  via: UpgradeInterface["via"],
  version: "v4" | "v5",
  proxy: Address,
  implementation: Address,
): [signature: string, args: readonly unknown[]] {
  switch (via) {
    case "factory":
    case "proxy-admin":
      return version === "v5"
        ? [ADMIN_UPGRADE_AND_CALL, [proxy, implementation, "0x"]]
        : [ADMIN_UPGRADE, [proxy, implementation]];
    case "beacon":
      return [UPGRADE_TO, [implementation]];
    case "admin":
    case "self":
      return version === "v5"
        ? [UPGRADE_TO_AND_CALL, [implementation, "0x"]]
        : [UPGRADE_TO, [implementation]];
  }
}
