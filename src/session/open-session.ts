import { join } from "node:path";

import type {
  NetworkConfig,
  ResolvedConfigurationVariable,
} from "hardhat/types/config";
import type { EthereumProvider } from "hardhat/types/providers";

import { readChainId } from "../chain/block-reader.js";
import { HttpRpc } from "../chain/http-rpc.js";
import { ProviderRpc } from "../chain/provider-rpc.js";
import { parseEndpoint } from "../chain/rpc-endpoint.js";
import type { Rpc } from "../chain/rpc.js";
import type { DrConfig } from "../config/types.js";
import { systemClock, type Clock } from "../core/clock.js";
import { DrError, messageOf } from "../core/errors.js";
import { sameAddress, type Address, type Hex } from "../core/hex.js";
import type { ArtifactSource } from "../implementation/artifact-source.js";
import type { RecoveryPorts } from "../recovery/ports.js";
import type { RouteChoice } from "../route/choice.js";
import { preferring } from "../route/choose.js";
import { loadSigners } from "../route/direct/accounts.js";
import { DirectRoute } from "../route/direct/direct-route.js";
import { Turns } from "../route/direct/turns.js";
import type { SendPorts } from "../route/direct/send.js";
import { createSealing } from "../safe/sealing.js";
import type { SafeService } from "../safe/service.js";
import type { Signer } from "../route/direct/signer.js";
import { createOpenRoute } from "../route/open-route.js";
import type { SafeRoutePorts } from "../route/safe/ports.js";
import type { SimulationReport } from "../safe/proposal.js";
import { snapshotStep } from "./snapshot.js";

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
  /** Who shall act: accounts, a Safe, a timelock; default: whoever is best. */
  readonly goesBy?: RouteChoice["kind"];
  /** Where transactions go instead of the network's own RPC. */
  readonly privateRpc?: string;
  /** What was seen on a fork, for those who sign; see {@link SafeRoutePorts}. */
  readonly simulation?: SimulationReport;
  /** How an owner of a Safe signs; default: as Hardhat's provider does for its accounts. */
  readonly signTypedData?: SafeRoutePorts["signTypedData"];
  readonly clock?: Clock;
  readonly progress?: (message: string) => void;
  readonly signal?: AbortSignal;
  /** Whether a snapshot is taken before each upgrade; default: true. Of a fork there is nothing to keep. */
  readonly snapshots?: boolean;
}

/** A network that is open for recoveries. */
export interface Session {
  readonly ports: RecoveryPorts;
  /** A chain where mistakes cost nothing: no name needs to be typed. */
  readonly isDevelopment: boolean;
  /** Blocks that transactions are waited for. */
  readonly confirmations: number;
  /**
   * Asks whoever holds the key: this process, the node, a hardware wallet.
   *
   * @throws {DrError} SIGNING_FAILED.
   */
  readonly signTypedData: SafeRoutePorts["signTypedData"];
  /** @throws {DrError} SAFE_SERVICE_NOT_CONFIGURED, SAFE_SERVICE_PACKAGE_MISSING. */
  readonly openSafeService: () => Promise<SafeService>;
}

const DEVELOPMENT_CHAINS: readonly bigint[] = [31337n, 1337n];

/** Whether mistakes cost nothing there. */
export function isDevelopmentChain(chainId: bigint): boolean {
  return DEVELOPMENT_CHAINS.includes(chainId);
}

/** @throws {DrError} SIGNER_UNKNOWN, PRIVATE_RPC_NEEDS_KEY, and the RPC's failures. */
export async function openSession(
  source: SessionSource,
  options: SessionOptions = {},
): Promise<Session> {
  const { networkName, config, root, artifacts } = source;
  const [rpc, provider] = await Promise.all([
    openRpc(source),
    openProvider(source),
  ]);
  const chainId = await readChainId(rpc);
  // Not meanwhile: their code, while it loads, would keep the request from leaving.
  const signers = await openSigners(source, provider);
  const isDevelopment = isDevelopmentChain(chainId);
  const folder = join(config.paths.deployments, networkName);
  const accounts = chooseAccounts(source, signers, options, isDevelopment);
  const sending = sendingPorts(source, options, rpc, chainId, isDevelopment);
  const turns = new Turns();
  const openDirect = (from: Address) =>
    new DirectRoute({
      ...sending,
      turns,
      ...openSigner(source, signers, from, { rpc, provider }, options),
    });
  const sealing = createSealing(config.goBag);
  const signTypedData =
    options.signTypedData ??
    (async (owner, typedData) =>
      await signWithProvider(source, owner, typedData));
  const { clock } = sending;
  const world = { network: networkName, rpc, clock, root, folder, artifacts };
  return {
    isDevelopment,
    confirmations: sending.confirmations,
    signTypedData,
    openSafeService: async () => await openService(config, chainId),
    ports: {
      ...world,
      sealing,
      accounts,
      checks: config.verify,
      ...(options.goesBy === undefined ? {} : { goesBy: options.goesBy }),
      openRoute: createOpenRoute({
        rpc,
        network: networkName,
        folder,
        sealing,
        clock,
        chainId: Number(chainId),
        openDirect,
        signTypedData,
        findMultiSend: async (reader, version) => {
          const { findMultiSend } =
            await import("../safe/multi-send-addresses.js");
          return await findMultiSend(reader, version, config.safeContracts);
        },
        ...(options.simulation === undefined
          ? {}
          : { simulation: options.simulation }),
        describeContracts: async (reader, subjects) => {
          const { describeContracts } =
            await import("../recovery/safe/proposed-contracts.js");
          return await describeContracts(folder, reader, subjects);
        },
      }),
      safeContracts: config.safeContracts,
      openDeployer: openDirect,
      ...(options.snapshots === false
        ? {}
        : { beforeUpgrade: () => [snapshotStep(world, config)] }),
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

async function openService(
  { safeService }: DrConfig,
  chainId: bigint,
): Promise<SafeService> {
  if (safeService === undefined) {
    throw new DrError("SAFE_SERVICE_NOT_CONFIGURED", {});
  }
  const { url, apiKey } = safeService;
  const { openSafeService } = await import("../safe/service.js");
  return await openSafeService({
    chainId,
    ...(url === undefined ? {} : { url }),
    ...(apiKey === undefined ? {} : { apiKey: await apiKey.get() }),
  });
}

async function signWithProvider(
  { provider }: SessionSource,
  account: Address,
  typedData: object,
): Promise<Hex> {
  try {
    return (await provider.request({
      method: "eth_signTypedData_v4",
      params: [account, JSON.stringify(typedData)],
    })) as Hex;
  } catch (error) {
    throw new DrError(
      "SIGNING_FAILED",
      { account, reason: messageOf(error) },
      { cause: error },
    );
  }
}

async function openSigners(
  { networkConfig }: SessionSource,
  provider: Rpc,
): Promise<readonly Signer[]> {
  return await loadSigners(
    provider,
    networkConfig.type === "http" ? networkConfig.accounts : "remote",
  );
}

/** What goes through Hardhat's provider and whoever it hands it to: other plugins, a wallet. */
async function openProvider({
  networkName,
  networkConfig,
  provider,
}: SessionSource): Promise<Rpc> {
  return networkConfig.type === "http"
    ? new ProviderRpc(
        networkName,
        provider,
        parseEndpoint(networkName, await networkConfig.url.getUrl()).redact,
      )
    : new ProviderRpc(networkName, provider);
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
  { networkName }: SessionSource,
  signers: readonly Signer[],
  from: Address,
  { rpc, provider }: { readonly rpc: Rpc; readonly provider: Rpc },
  { privateRpc }: SessionOptions,
): Pick<SendPorts, "signer" | "broadcastRpc"> {
  const signer = signers.find(({ address }) => sameAddress(address, from)) ?? {
    address: from,
  };
  const hasKey = signer.sign !== undefined;
  if (privateRpc === undefined) {
    return {
      signer,
      broadcastRpc: hasKey ? rpc : provider,
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
