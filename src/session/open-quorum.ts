import type { ResolvedConfigurationVariable } from "hardhat/types/config";

import { HttpRpc } from "../chain/http-rpc.js";
import { readQuorum, type Witness } from "../chain/quorum.js";
import type { Rpc } from "../chain/rpc.js";
import { parseEndpoint } from "../chain/rpc-endpoint.js";
import { DrError } from "../core/errors.js";
import { readsOf } from "../recovery/facts.js";
import type { RecoveryPorts } from "../recovery/ports.js";
import type { SessionSource } from "./open-session.js";

/** In an incident nobody waits for long; other requests may have more time. */
const LONGEST_TIMEOUT_MS = 10_000;

/**
 * The session's own RPC together with the configured ones.
 *
 * @param urls - Of the others; the network's own among them is asked once.
 * @throws {DrError} OPTION_INVALID without showing what is wrong: it may hold a key.
 */
export async function openQuorum(
  {
    networkName,
    networkConfig,
  }: Pick<SessionSource, "networkName" | "networkConfig">,
  urls: readonly ResolvedConfigurationVariable[],
  rpc: Rpc,
  chainId: bigint,
): Promise<NonNullable<RecoveryPorts["assertAgreed"]>> {
  const own =
    networkConfig.type === "http"
      ? await networkConfig.url.getUrl()
      : undefined;
  const found = await Promise.all(urls.map(readUrl));
  const others = [...new Set(found)].filter((url) => !isSameUrl(url, own));
  if (others.length === 0) {
    throw invalid(
      "the network's own RPC alone",
      "another RPC than the network's own",
    );
  }
  const timeoutMs =
    networkConfig.type === "http"
      ? Math.min(networkConfig.timeout, LONGEST_TIMEOUT_MS)
      : LONGEST_TIMEOUT_MS;
  const hostOf = (url: string): string => parseEndpoint(networkName, url).host;
  const witnesses = distinct([
    {
      host: own === undefined ? "the network itself" : hostOf(own),
      rpc,
    },
    ...others.map((url) => ({
      host: hostOf(url),
      rpc: new HttpRpc({ network: networkName, url, timeoutMs }),
    })),
  ]);
  return async (facts) =>
    await readQuorum(
      { network: networkName, chainId, witnesses },
      readsOf(facts),
    );
}

async function readUrl(
  variable: ResolvedConfigurationVariable,
): Promise<string> {
  const url = await variable.get();
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw invalid("what was given", "a http or https URL");
  }
  return url;
}

function invalid(value: string, expected: string): DrError {
  return new DrError("OPTION_INVALID", {
    option: "dr.rpcQuorum",
    value,
    expected,
  });
}

function isSameUrl(a: string, b: string | undefined): boolean {
  return b !== undefined && new URL(a).href === new URL(b).href;
}

/** Two RPCs of one host are told apart by a number. */
function distinct(witnesses: readonly Witness[]): readonly Witness[] {
  return witnesses.map(({ host, rpc }, index) => {
    const before = witnesses
      .slice(0, index)
      .filter((other) => other.host === host).length;
    return {
      rpc,
      host: before === 0 ? host : `${host} (${String(before + 1)})`,
    };
  });
}
