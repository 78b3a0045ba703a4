import { join } from "node:path";

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { DrError } from "../../src/core/errors.js";
import type { Address, Hex } from "../../src/core/hex.js";
import {
  openSession,
  type Session,
  type SessionOptions,
  type SessionSource,
} from "../../src/session/open-session.js";
import { simulationOf } from "./simulation.js";

/** The options that every changing task has, as Hardhat parses them. */
export interface ChangingArguments {
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly from?: string | undefined;
  readonly route?: string | undefined;
  readonly confirmations?: string | undefined;
  readonly privateRpc?: string | undefined;
}

/** Opens the network that `--network` names. */
export async function connect(
  hre: HardhatRuntimeEnvironment,
  options: SessionOptions = {},
): Promise<Session> {
  return await openSession(await sourceOf(hre), options);
}

/** The same, where what a Safe's transaction does is tried on a fork before it is signed or sent. */
export async function connectWithSimulator(
  hre: HardhatRuntimeEnvironment,
  options: SessionOptions = {},
): Promise<Session> {
  const source = await sourceOf(hre);
  const session = await openSession(source, options);
  const { proposalSimulator } =
    await import("../../src/session/simulate-proposal.js");
  const createSimulation = simulationOf(hre, source.networkConfig);
  return {
    ...session,
    ports: {
      ...session.ports,
      simulateProposal: proposalSimulator(session.ports, createSimulation),
    },
  };
}

/** The network that `--network` names, as sessions are made of it. */
export async function sourceOf({
  config,
  network,
  artifacts,
}: HardhatRuntimeEnvironment): Promise<SessionSource> {
  const { networkName, networkConfig, provider } = await network.getOrCreate();
  return {
    networkName,
    networkConfig,
    provider,
    artifacts,
    config: config.dr,
    root: config.paths.root,
  };
}

/** `deployments/<network>`. */
export function networkFolder({ config, networkName }: SessionSource): string {
  return join(config.paths.deployments, networkName);
}

/** What Hardhat calls the network when none is named. */
const DEFAULT_NETWORK = "default";

/** The network that `--network` names and its folder, without a connection to it. */
export function chosenNetwork({
  config,
  globalOptions,
}: HardhatRuntimeEnvironment): {
  readonly network: string;
  readonly folder: string;
} {
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- its type forgets that nobody need name it
  const network = globalOptions.network ?? DEFAULT_NETWORK;
  return { network, folder: join(config.dr.paths.deployments, network) };
}

/** The session options in a task's arguments. @throws {DrError} OPTION_INVALID. */
export function sessionOptions({
  from,
  route,
  confirmations,
  privateRpc,
}: Pick<
  ChangingArguments,
  "from" | "route" | "confirmations" | "privateRpc"
>): SessionOptions {
  return {
    ...(route === undefined ? {} : { goesBy: parseRoute(route) }),
    ...(from === undefined ? {} : { from: parseAddress("--from", from) }),
    ...(confirmations === undefined
      ? {}
      : { confirmations: parseCount("--confirmations", confirmations) }),
    ...(privateRpc === undefined
      ? {}
      : { privateRpc: parseUrl("--private-rpc", privateRpc) }),
  };
}

const ROUTES = ["direct", "safe", "timelock", "access-manager"] as const;

function parseRoute(value: string): (typeof ROUTES)[number] {
  const route = ROUTES.find((one) => one === value);
  if (route === undefined) {
    throw invalid("--route", value, `one of ${ROUTES.join(", ")}`);
  }
  return route;
}

/** @throws {DrError} OPTION_INVALID. */
export function parseAddress(option: string, value: string): Address {
  if (!/^0x[0-9a-fA-F]{40}$/.test(value)) {
    throw invalid(option, value, "an address: 0x and 40 hexadecimal digits");
  }
  return value as Address;
}

/** 32 bytes: a salt, an operation's id. @throws {DrError} OPTION_INVALID. */
export function parseWord(option: string, value: string): Hex {
  if (!/^0x[0-9a-fA-F]{64}$/.test(value)) {
    throw invalid(option, value, "32 bytes: 0x and 64 hexadecimal digits");
  }
  return value.toLowerCase() as Hex;
}

/** @throws {DrError} OPTION_INVALID. */
export function parseSeconds(option: string, value: string): bigint {
  if (!/^\d{1,18}$/.test(value)) {
    throw invalid(option, value, "a whole number of seconds");
  }
  return BigInt(value);
}

function parseCount(option: string, value: string): number {
  if (!/^[1-9]\d{0,3}$/.test(value)) {
    throw invalid(option, value, "a whole number from 1 to 9999");
  }
  return Number(value);
}

/** What is wrong with a URL is said without showing it: it may hold a key. */
function parseUrl(option: string, value: string): string {
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol)) {
    throw invalid(option, "what was given", "a http or https URL");
  }
  return value;
}

function invalid(option: string, value: string, expected: string): DrError {
  return new DrError("OPTION_INVALID", { option, value, expected });
}
