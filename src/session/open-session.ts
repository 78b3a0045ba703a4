import { join } from "node:path";
import { setImmediate } from "node:timers/promises";

import type {
  NetworkConfig,
  ResolvedConfigurationVariable,
} from "hardhat/types/config";
import type { EthereumProvider } from "hardhat/types/providers";

import { readChainId } from "../chain/block-reader.js";
import { HttpRpc } from "../chain/http-rpc.js";
import { ProviderRpc } from "../chain/provider-rpc.js";
import type { Rpc } from "../chain/rpc.js";
import type { DrConfig } from "../config/types.js";
import { systemClock, type Clock } from "../core/clock.js";
import { DrError } from "../core/errors.js";
import { sameAddress, type Address } from "../core/hex.js";
import type { ArtifactSource } from "../implementation/artifact-source.js";
import type { RecoveryPorts } from "../recovery/ports.js";
import type { RouteChoice } from "../route/choice.js";
import { preferring } from "../route/choose.js";
import { loadSigners } from "../route/direct/accounts.js";
import { DirectRoute } from "../route/direct/direct-route.js";
import type { SendPorts } from "../route/direct/send.js";
import type { Signer } from "../route/direct/signer.js";
import { createOpenRoute } from "../route/open-route.js";

/** The parts of Hardhat that a session is made of. */
export interface SessionSource {
  readonly networkName: string;
  readonly networkConfig: Readonly<NetworkConfig>;
  readonly provider: EthereumProvider;
  readonly artifacts: ArtifactSource;
  readonly config: DrConfig;
  /** The project's root. */
  readonly root: string;
}

export interface SessionOptions {
  /** The only account to act with. */
  readonly from?: string;
  /** Act as these, in this order, and as nobody else: a fork lets them without their keys. */
  readonly impersonate?: readonly Address[];
  readonly confirmations?: number;
  /** The only way to go; default: whichever the authority asks for. */
  readonly route?: RouteChoice["kind"];
  /** Where transactions go instead of the network's own RPC. */
  readonly privateRpc?: string;
  readonly clock?: Clock;
  readonly progress?: (message: string) => void;
  readonly signal?: AbortSignal;
}

/** A network that is open for recoveries. */
export interface Session {
  readonly ports: RecoveryPorts;
  /** A chain where mistakes cost nothing: no name needs to be typed. */
  readonly isDevelopment: boolean;
  /** Blocks that transactions are waited for. */
  readonly confirmations: number;
}

const DEVELOPMENT_CHAINS: readonly bigint[] = [31337n, 1337n];

/** @throws {DrError} SIGNER_UNKNOWN, PRIVATE_RPC_NEEDS_KEY, and the RPC's failures. */
export async function openSession(
  source: SessionSource,
  options: SessionOptions = {},
): Promise<Session> {
  const { networkName, config, root, artifacts } = source;
  const rpc = await openRpc(source);
  const [chainId, signers] = await Promise.all([
    readChainId(rpc),
    // Loading signers keeps this process busy: the request goes out first.
    setImmediate().then(async () => await openSigners(source)),
  ]);
  const isDevelopment = DEVELOPMENT_CHAINS.includes(chainId);
  const accounts = chooseAccounts(source, signers, options, isDevelopment);
  const sending = sendingPorts(source, options, rpc, chainId, isDevelopment);
  const openDirect = (from: Address) =>
    new DirectRoute({
      ...sending,
      ...openSigner(source, signers, from, rpc, options),
    });
  return {
    isDevelopment,
    confirmations: sending.confirmations,
    ports: {
      network: networkName,
      rpc,
      clock: sending.clock,
      root,
      folder: join(config.paths.deployments, networkName),
      accounts,
      artifacts,
      checks: config.verify,
      ...(options.route === undefined ? {} : { routeKind: options.route }),
      openRoute: createOpenRoute({ rpc, openDirect }),
      openDeployer: openDirect,
      ...(await openAgreement(source, rpc, chainId)),
    },
  };
}

/** Its code is loaded only where other RPCs are configured. */
async function openAgreement(
  source: SessionSource,
  rpc: Rpc,
  chainId: bigint,
): Promise<Pick<RecoveryPorts, "assertAgreed">> {
  const urls = quorumUrls(source);
  if (urls.length === 0) {
    return {};
  }
  const { openQuorum } = await import("./open-quorum.js");
  return { assertAgreed: await openQuorum(source, urls, rpc, chainId) };
}

/** Those for all networks are left out of a simulated one: nobody else knows it. */
function quorumUrls({
  config: { rpcQuorum },
  networkName,
  networkConfig,
}: SessionSource): readonly ResolvedConfigurationVariable[] {
  const { every, byNetwork } = rpcQuorum;
  return byNetwork[networkName] ?? (networkConfig.type === "http" ? every : []);
}

async function openRpc({
  networkName,
  networkConfig,
  provider,
}: SessionSource): Promise<Rpc> {
  return networkConfig.type === "http"
    ? new HttpRpc({
        network: networkName,
        url: await networkConfig.url.getUrl(),
        headers: networkConfig.httpHeaders,
        timeoutMs: networkConfig.timeout,
      })
    : new ProviderRpc(networkName, provider);
}

async function openSigners({
  networkConfig,
  provider,
}: SessionSource): Promise<readonly Signer[]> {
  return await loadSigners(
    provider,
    networkConfig.type === "http" ? networkConfig.accounts : "remote",
  );
}

function chooseAccounts(
  { networkName, networkConfig }: SessionSource,
  signers: readonly Signer[],
  { from, impersonate }: SessionOptions,
  isDevelopment: boolean,
): readonly Address[] {
  if (impersonate !== undefined) {
    return impersonate;
  }
  const addresses = signers.map(({ address }) => address);
  if (from === undefined) {
    return preferring(addresses, networkConfig.from as Address | undefined);
  }
  const known = addresses.find((address) => sameAddress(address, from));
  // A development chain may impersonate whom it doesn't list.
  if (known === undefined && !isDevelopment) {
    throw new DrError("SIGNER_UNKNOWN", {
      from,
      network: networkName,
      known: addresses.join(", ") || "(none)",
    });
  }
  return [known ?? (from as Address)];
}

function sendingPorts(
  { networkConfig, config }: SessionSource,
  { confirmations, clock, progress, signal }: SessionOptions,
  rpc: Rpc,
  chainId: bigint,
  isDevelopment: boolean,
): Omit<SendPorts, "signer" | "broadcastRpc"> {
  const { transactions } = config;
  const defaultPollSeconds =
    networkConfig.type === "edr-simulated" ? 0.02 : isDevelopment ? 0.25 : 2;
  return {
    rpc,
    chainId: Number(chainId),
    clock: clock ?? systemClock,
    confirmations:
      confirmations ?? transactions.confirmations ?? (isDevelopment ? 1 : 2),
    pollMs: (transactions.pollSeconds ?? defaultPollSeconds) * 1000,
    stuckAfterMs: transactions.stuckAfterSeconds * 1000,
    giveUpAfterMs: transactions.giveUpAfterSeconds * 1000,
    progress: progress ?? (() => undefined),
    ...(signal === undefined ? {} : { signal }),
  };
}

/** How one account signs, and where its transactions then go. */
function openSigner(
  { networkName, provider }: SessionSource,
  signers: readonly Signer[],
  from: Address,
  rpc: Rpc,
  { privateRpc }: SessionOptions,
): Pick<SendPorts, "signer" | "broadcastRpc"> {
  const signer = signers.find(({ address }) => sameAddress(address, from)) ?? {
    address: from,
  };
  const hasKey = signer.sign !== undefined;
  if (privateRpc === undefined) {
    return {
      signer,
      broadcastRpc: hasKey ? rpc : new ProviderRpc(networkName, provider),
    };
  }
  if (!hasKey) {
    throw new DrError("PRIVATE_RPC_NEEDS_KEY", { from });
  }
  return {
    signer,
    broadcastRpc: new HttpRpc({
      network: `${networkName} (private RPC)`,
      url: privateRpc,
    }),
  };
}
