import { DrError } from "../core/errors.js";
import { sameAddress, type Address } from "../core/hex.js";
import { findContract } from "../deployments/select.js";
import { readWorld, type RecoveryPorts } from "./ports.js";

/**
 * That names still mean the addresses that were approved, on the same chain.
 *
 * @throws {DrError} PLAN_STALE, WRONG_CHAIN.
 */
export async function assertSameProxies(
  ports: RecoveryPorts,
  contracts: readonly { readonly name: string; readonly proxy: Address }[],
): Promise<void> {
  const { document } = await readWorld(ports);
  for (const { name, proxy } of contracts) {
    const now = findContract(document.file, name).proxy;
    if (!sameAddress(now, proxy)) {
      throw new DrError("PLAN_STALE", {
        name,
        what: "proxy in deploy.json",
        approved: proxy,
        found: now,
      });
    }
  }
}
