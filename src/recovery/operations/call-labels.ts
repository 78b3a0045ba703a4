import * as AbiFunction from "ox/AbiFunction";

import type { BlockReader } from "../../chain/block-reader.js";
import { functionsOf } from "../../chain/method-call.js";
import { sameAddress, type Address, type Hex } from "../../core/hex.js";
import type { DeployFile } from "../../deployments/deploy-file.js";
import { readContractAbi } from "../contract-abi.js";
import type { RecoveryPorts } from "../ports.js";
import type { Governance } from "./governance.js";
import { findFunction, KNOWN_FUNCTIONS } from "./known-functions.js";

/** What makes calls readable. */
export interface LabelSource {
  readonly reader: BlockReader;
  readonly ports: Pick<RecoveryPorts, "folder" | "artifacts">;
  readonly file: DeployFile;
  readonly governance: Governance;
}

interface LabelledCall {
  readonly to: Address;
  readonly data: Hex;
}

/** More of some bytes tells a person nothing. */
const MOST_SHOWN = 138;

/**
 * Calls in words, one for each: `SkillProfile's ProxyAdmin.upgradeAndCall(…)`.
 * A name stands only for an address of deploy.json; calldata that no known
 * function fits is shown as it is.
 */
export async function labelCalls(
  source: LabelSource,
  calls: readonly LabelledCall[],
): Promise<readonly string[]> {
  const names = namesOf(source);
  const labels: string[] = [];
  for (const call of calls) {
    const item = await findItem(source, call);
    labels.push(formatCall(call, item, names));
  }
  return labels;
}

/** By address, in lower case. */
function namesOf({ file, governance }: LabelSource): Map<string, string> {
  const names = new Map<string, string>();
  const add = (address: Address | undefined, name: string): void => {
    const key = address?.toLowerCase();
    if (key !== undefined && !names.has(key)) {
      names.set(key, name);
    }
  };
  for (const [name, record] of Object.entries(file.contracts)) {
    add(record.proxy, name);
  }
  for (const [name, record] of Object.entries(file.contracts)) {
    add(record.admin, `${name}'s ProxyAdmin`);
    add(record.beacon, `${name}'s beacon`);
    for (const [address, { version }] of Object.entries(
      record.implementations,
    )) {
      add(address as Address, `${name} ${version ?? "implementation"}`);
    }
  }
  add(file.governance?.safe, "Safe");
  governance.timelocks.forEach((address) => {
    add(address, "timelock");
  });
  governance.managers.forEach((address) => {
    add(address, "AccessManager");
  });
  return names;
}

/** In what is known anyway, in the contract's own ABI, in any contract of the project. */
async function findItem(
  { reader, ports, file }: LabelSource,
  { to, data }: LabelledCall,
): Promise<AbiFunction.AbiFunction | undefined> {
  const known = findFunction(KNOWN_FUNCTIONS, data);
  if (known !== undefined || data.length < 10) {
    return known;
  }
  const named = Object.entries(file.contracts).find(([, { proxy }]) =>
    sameAddress(proxy, to),
  );
  if (named !== undefined) {
    const [name, record] = named;
    const abi = await readContractAbi(reader, ports, { name, record });
    const own = findFunction(functionsOf(abi ?? []), data);
    if (own !== undefined) {
      return own;
    }
  }
  return await findInArtifacts(ports, data);
}

async function findInArtifacts(
  { artifacts }: LabelSource["ports"],
  data: Hex,
): Promise<AbiFunction.AbiFunction | undefined> {
  // One at a time: a large project has more artifacts than a process may open.
  for (const name of await artifacts.getAllFullyQualifiedNames()) {
    const { abi } = await artifacts.readArtifact(name);
    const found = findFunction(functionsOf(abi), data);
    if (found !== undefined) {
      return found;
    }
  }
  return undefined;
}

function formatCall(
  { to, data }: LabelledCall,
  item: AbiFunction.AbiFunction | undefined,
  names: ReadonlyMap<string, string>,
): string {
  const target = names.get(to.toLowerCase()) ?? to;
  if (data === "0x") {
    return `${target} (no data)`;
  }
  const args = item === undefined ? undefined : decode(item, data);
  return item === undefined || args === undefined
    ? `${target} with data ${shorten(data)}`
    : `${target}.${item.name}(${args.map((arg) => formatArgument(arg, names)).join(", ")})`;
}

function decode(
  item: AbiFunction.AbiFunction,
  data: Hex,
): readonly unknown[] | undefined {
  try {
    const args: unknown = AbiFunction.decodeData(item, data);
    return Array.isArray(args) ? (args as unknown[]) : [];
  } catch {
    // Another function with the same selector.
    return undefined;
  }
}

function formatArgument(
  value: unknown,
  names: ReadonlyMap<string, string>,
): string {
  if (Array.isArray(value)) {
    return `[${value.map((one) => formatArgument(one, names)).join(", ")}]`;
  }
  if (typeof value === "object" && value !== null) {
    return formatArgument(Object.values(value), names);
  }
  if (typeof value !== "string") {
    return String(value);
  }
  if (!/^0x[0-9a-fA-F]*$/.test(value)) {
    return JSON.stringify(value);
  }
  const name = names.get(value.toLowerCase());
  return name === undefined ? shorten(value) : `${value} (${name})`;
}

function shorten(data: string): string {
  return data.length > MOST_SHOWN
    ? `${data.slice(0, MOST_SHOWN)}… (${String((data.length - 2) / 2)} bytes)`
    : data;
}
