import { encodeCall, selectorOf } from "../chain/abi.js";
import type { Address, Hex } from "../core/hex.js";
import type { ProxyState } from "../proxy/inspect.js";
import { encodeUpgrade } from "../proxy/upgrade-interface.js";
import type { Permission } from "./authority.js";
import type { AuthorityGraph } from "./graph.js";
import { ABSENT, findPermission } from "./permission.js";

const PAUSE = encodeCall("function pause()");
const UNPAUSE = encodeCall("function unpause()");

/** Who may pause a contract. */
export async function pausePermission(
  graph: AuthorityGraph,
  proxy: ProxyState,
): Promise<Permission> {
  return await switchPermission(graph, proxy, [PAUSE, UNPAUSE]);
}

/** Who may unpause a contract: not always those who may pause it. */
export async function unpausePermission(
  graph: AuthorityGraph,
  proxy: ProxyState,
): Promise<Permission> {
  return await switchPermission(graph, proxy, [UNPAUSE, PAUSE]);
}

/** One of the two always is against the contract's state. */
async function switchPermission(
  graph: AuthorityGraph,
  { address, implementation }: ProxyState,
  calls: readonly Hex[],
): Promise<Permission> {
  return await findPermission(graph, {
    to: address,
    implementation,
    calls,
    roleHint: "PAUSE",
  });
}

/**
 * Who may upgrade a contract, tried with an upgrade to the implementation it
 * already has. Of a plain contract nobody: `absent`.
 */
export async function upgradePermission(
  graph: AuthorityGraph,
  proxy: ProxyState,
): Promise<Permission> {
  const { kind, address, implementation, beacon, admin, factory } = proxy;
  if (kind === "uups") {
    const calls = upgradeForms(proxy, "self", address);
    return await findPermission(graph, {
      to: address,
      implementation,
      calls,
      roleHint: "UPGRADE",
    });
  }
  if (kind === "beacon" && beacon !== undefined) {
    const calls = upgradeForms(proxy, "beacon", beacon);
    return await findPermission(graph, { to: beacon, calls });
  }
  if (kind === "plain" || admin === undefined) {
    return ABSENT;
  }
  return factory === undefined
    ? await findAdmin(graph, proxy, admin)
    : await findFactoryAdmin(graph, proxy, admin, factory);
}

/** Whom the factory lets upgrade the proxy, and nobody else. */
async function findFactoryAdmin(
  graph: AuthorityGraph,
  proxy: ProxyState,
  admin: Address,
  factory: Address,
): Promise<Permission> {
  const upgrade = { via: "factory", target: factory, version: "v4" } as const;
  const { address, implementation } = proxy;
  const { signature, data } = encodeUpgrade(upgrade, address, implementation);
  const [holder, outcome] = await Promise.all([
    graph.resolve(admin, { target: factory, selector: selectorOf(signature) }),
    graph.reader.callRaw({ to: factory, data, from: admin }),
  ]);
  return {
    mechanism: { kind: "proxy-admin", address: factory },
    holders: [holder],
    confirmed: outcome.ok,
  };
}

/** Behind a ProxyAdmin is its owner; anything else in the slot acts itself. */
async function findAdmin(
  graph: AuthorityGraph,
  proxy: ProxyState,
  admin: Address,
): Promise<Permission> {
  const behind = await findPermission(graph, {
    to: admin,
    calls: upgradeForms(proxy, "proxy-admin", admin),
  });
  const { kind } = behind.mechanism;
  return kind === "absent" || kind === "unknown"
    ? await findDirectAdmin(graph, proxy, admin)
    : { ...behind, mechanism: { kind: "proxy-admin", address: admin } };
}

async function findDirectAdmin(
  graph: AuthorityGraph,
  proxy: ProxyState,
  admin: Address,
): Promise<Permission> {
  const { address } = proxy;
  // OpenZeppelin 5 knows no other admin than its ProxyAdmin.
  const selector = selectorOf("function upgradeTo(address)");
  const [holder, ...outcomes] = await Promise.all([
    graph.resolve(admin, { target: address, selector }),
    ...upgradeForms(proxy, "admin", address).map(
      async (data) =>
        await graph.reader.callRaw({ to: address, data, from: admin }),
    ),
  ]);
  return {
    mechanism: { kind: "proxy-admin-slot" },
    holders: [holder],
    confirmed: outcomes.some(({ ok }) => ok),
  };
}

/** OpenZeppelin 5's form first; a contract has one of them or both. */
function upgradeForms(
  { address, implementation }: ProxyState,
  via: "self" | "beacon" | "admin" | "proxy-admin",
  target: Address,
): readonly Hex[] {
  const forms = (["v5", "v4"] as const).map(
    (version) =>
      encodeUpgrade({ via, target, version }, address, implementation).data,
  );
  return [...new Set(forms)];
}
