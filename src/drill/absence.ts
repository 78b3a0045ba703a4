import type { ResolvedConfigurationVariable } from "hardhat/types/config";

import { BlockReader } from "../chain/block-reader.js";
import { parseEndpoint } from "../chain/rpc-endpoint.js";
import type { DrConfig } from "../config/types.js";
import type { Address } from "../core/hex.js";
import { readDeployFileIfThere } from "../deployments/read.js";
import { selectContracts } from "../deployments/select.js";
import {
  findAuthorityAccounts,
  type AuthorityAccounts,
  type SafeSigners,
} from "../rehearsal/authority-accounts.js";
import { openSession, type SessionSource } from "../session/open-session.js";
import type { Random } from "./random.js";
import type { AbsenceReport } from "./report.js";

/** What would be missed if it weren't there, kind by kind. */
export interface Present {
  readonly signers: readonly Address[];
  readonly safes: readonly SafeSigners[];
  /** Hosts. */
  readonly rpcs: readonly string[];
  /** Offsite targets' names. */
  readonly targets: readonly string[];
}

/** Whom one counts on, as the chain and the configuration have it. @throws the RPC's failures. */
export async function findPresent(source: SessionSource): Promise<Present> {
  const { config } = source;
  const { accounts, safes } = await findSigners(source);
  return {
    signers: accounts,
    safes,
    rpcs: (await listRpcs(source)).map(({ host }) => host),
    targets: config.offsite.targets.map(({ name }) => name),
  };
}

async function findSigners(source: SessionSource): Promise<AuthorityAccounts> {
  const { ports } = await openSession(source);
  const path = `${ports.folder}/deploy.json`;
  const document = await readDeployFileIfThere(path);
  if (document === undefined) {
    return { accounts: [], safes: [] };
  }
  const proxies = selectContracts(document.file, [], true).map(
    ({ record }) => record.proxy,
  );
  const reader = await BlockReader.at(ports.rpc);
  return await findAuthorityAccounts(reader, document.file, proxies);
}

interface RpcChoice {
  readonly host: string;
  readonly url: ResolvedConfigurationVariable;
}

/** The network's own first. */
async function listRpcs({
  networkName,
  networkConfig,
  config,
}: SessionSource): Promise<readonly RpcChoice[]> {
  if (networkConfig.type !== "http") {
    return [];
  }
  const { every, byNetwork } = config.rpcQuorum;
  const urls = [networkConfig.url, ...(byNetwork[networkName] ?? every)];
  return await Promise.all(
    urls.map(async (url) => ({
      url,
      host: parseEndpoint(networkName, await url.getUrl()).host,
    })),
  );
}

/** Sentences about those that nobody could stand in for. */
export function findIrreplaceable(present: Present): readonly string[] {
  const { signers, safes, rpcs, targets } = present;
  return [
    ...safes
      .filter(needsAll)
      .map(
        ({ safe, owners }) =>
          `The Safe ${safe} needs ${owners === 1 ? "its only owner; it" : `all of its ${String(owners)} owners; none of them`} can't be absent.`,
      ),
    ...(signers.length === 1
      ? [
          `Only ${String(signers[0])} has a key that may recover the contracts; it can't be absent.`,
        ]
      : []),
    ...(rpcs.length === 1
      ? [`Only one RPC is configured, ${String(rpcs[0])}; it can't be absent.`]
      : []),
    ...(targets.length === 1
      ? [
          `Only one offsite target is configured, ${String(targets[0])}; it can't be absent.`,
        ]
      : []),
  ];
}

/** One of all that there are several of. @returns null when there is none. */
export function chooseAbsent(
  present: Present,
  random: Random,
): AbsenceReport | null {
  const { rpcs, targets } = present;
  const several = (
    [
      ["signer", findReplaceable(present)],
      ["rpc", rpcs.length > 1 ? rpcs : []],
      ["offsite", targets.length > 1 ? targets : []],
    ] as const
  ).flatMap(([kind, names]) => names.map((name) => ({ kind, name })));
  const [first, ...others] = several;
  return first === undefined ? null : random.choose([first, ...others]);
}

/** Signers without whom others suffice: another account, other owners of the same Safe. */
function findReplaceable({
  signers,
  safes,
}: Pick<Present, "signers" | "safes">): readonly Address[] {
  const needed = new Set([
    ...(signers.length === 1 ? signers : []),
    ...safes.filter(needsAll).flatMap(({ keys }) => keys),
  ]);
  const all = new Set([...signers, ...safes.flatMap(({ keys }) => keys)]);
  return [...all].filter((one) => !needed.has(one));
}

function needsAll({ threshold, owners }: SafeSigners): boolean {
  return threshold >= owners;
}

/** The same project and network without it; signers are left out on the fork. */
export async function without(
  source: SessionSource,
  absent: AbsenceReport | null,
): Promise<SessionSource> {
  switch (absent?.kind) {
    case "offsite":
      return { ...source, config: withoutTarget(source.config, absent.name) };
    case "rpc":
      return await withoutRpc(source, absent.name);
    case "signer":
    case undefined:
      return source;
  }
}

function withoutTarget(config: DrConfig, name: string): DrConfig {
  const targets = config.offsite.targets.filter((one) => one.name !== name);
  return { ...config, offsite: { ...config.offsite, targets } };
}

async function withoutRpc(
  source: SessionSource,
  host: string,
): Promise<SessionSource> {
  const { networkName, networkConfig, config } = source;
  const left = (await listRpcs(source)).filter((one) => one.host !== host);
  const [first, ...others] = left;
  if (networkConfig.type !== "http" || first === undefined) {
    return source;
  }
  const { byNetwork } = config.rpcQuorum;
  return {
    ...source,
    networkConfig: { ...networkConfig, url: first.url },
    config: {
      ...config,
      rpcQuorum: {
        every: [],
        byNetwork: {
          ...byNetwork,
          [networkName]: others.map(({ url }) => url),
        },
      },
    },
  };
}
