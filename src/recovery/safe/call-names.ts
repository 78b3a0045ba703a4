import * as AbiFunction from "ox/AbiFunction";

import type { BlockReader } from "../../chain/block-reader.js";
import { sameAddress, type Address, type Hex } from "../../core/hex.js";
import type { ContractRecord } from "../../deployments/deploy-file.js";
import { readDeployFileIfThere } from "../../deployments/read.js";
import { findImplementation } from "../../implementation/implementation-source.js";
import { inspectProxy } from "../../proxy/inspect.js";
import type { CallNames } from "../../safe/describe.js";
import type { RecoveryPorts } from "../ports.js";

interface Known {
  readonly address: Address;
  readonly name: string;
  readonly abi?: readonly unknown[];
}

/** What deploy.json and this project's own artifacts know of contracts. */
export async function readCallNames(
  ports: Pick<RecoveryPorts, "folder" | "root" | "artifacts">,
  reader: BlockReader,
  chainId: number,
): Promise<CallNames> {
  const records = await readRecords(ports.folder);
  const known = await Promise.all(
    records.map(
      async ([name, record]) =>
        await readKnown(ports, reader, chainId, name, record),
    ),
  );
  const all = known.flat();
  const find = (address: Address) =>
    all.find((one) => sameAddress(one.address, address));
  return {
    nameOf: (address) => find(address)?.name,
    decodeCall: (to, data) => decode(find(to)?.abi, data),
  };
}

/** Without a deploy.json nothing has a name, and all else still holds. */
async function readRecords(
  folder: string,
): Promise<readonly (readonly [string, ContractRecord])[]> {
  const document = await readDeployFileIfThere(`${folder}/deploy.json`);
  return Object.entries(document?.file.contracts ?? {});
}

async function readKnown(
  {
    folder,
    root,
    artifacts,
  }: Pick<RecoveryPorts, "folder" | "root" | "artifacts">,
  reader: BlockReader,
  chainId: number,
  name: string,
  { proxy, admin, beacon }: ContractRecord,
): Promise<readonly Known[]> {
  const state = await inspectProxy(reader, proxy);
  const places = { folder, root, artifacts, chainId };
  const source =
    state === undefined
      ? undefined
      : await findImplementation(reader, state.implementation, places, name);
  const abi = source?.status === "known" ? source.abi : undefined;
  return [
    { address: proxy, name, ...(abi === undefined ? {} : { abi }) },
    ...(admin === undefined
      ? []
      : [{ address: admin, name: `${name}'s ProxyAdmin` }]),
    ...(beacon === undefined
      ? []
      : [{ address: beacon, name: `${name}'s beacon` }]),
  ];
}

/** @returns undefined unless encoding it again gives the same data. */
function decode(
  abi: readonly unknown[] | undefined,
  data: Hex,
): string | undefined {
  const item = (abi as readonly AbiFunction.AbiFunction[] | undefined)?.find(
    (one) =>
      (one as { readonly type: string }).type === "function" &&
      AbiFunction.getSelector(one) === data.slice(0, 10),
  );
  if (item === undefined) {
    return undefined;
  }
  try {
    const args: unknown = AbiFunction.decodeData(item, data) ?? [];
    const encoded = AbiFunction.encodeData(item, args as never);
    return encoded.toLowerCase() === data.toLowerCase()
      ? `${item.name}(${(args as readonly unknown[]).map(format).join(", ")})`
      : undefined;
  } catch {
    return undefined;
  }
}

function format(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === "bigint" ? member.toString() : member,
  ).replace(/"(0x[0-9a-fA-F]*|\d+)"/g, "$1");
}
