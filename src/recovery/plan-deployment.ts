import * as AbiConstructor from "ox/AbiConstructor";
import * as ContractAddress from "ox/ContractAddress";
import * as Hash from "ox/Hash";

import type { BlockReader } from "../chain/block-reader.js";
import { isRevert } from "../chain/rpc.js";
import { explainRevert } from "../chain/revert-reason.js";
import { DrError, messageOf } from "../core/errors.js";
import type { Address, Hex } from "../core/hex.js";
import {
  fullyQualifiedName,
  type ContractArtifact,
} from "../implementation/artifact-source.js";
import type { Deployment } from "./change-intent.js";

/** A deployment and the code it will leave. */
export interface PlannedDeployment {
  readonly deployment: Deployment;
  readonly code: Hex;
}

/**
 * Finds out, without deploying, where a contract will be and what code will be
 * there: the constructor is run in an `eth_call`.
 *
 * @throws {DrError} CONSTRUCTOR_ARGUMENTS, NEEDS_LIBRARIES, DEPLOYMENT_WOULD_FAIL.
 */
export async function planDeployment(
  reader: BlockReader,
  artifact: ContractArtifact & { readonly bytecode: string },
  constructorArguments: readonly unknown[],
  from: Address,
): Promise<PlannedDeployment> {
  const contract = fullyQualifiedName(artifact);
  const initCode = encodeInitCode(artifact, contract, constructorArguments);
  const nonce = Number(
    await reader.rpc.request("eth_getTransactionCount", [from, "pending"]),
  );
  const code = await runConstructor(reader, contract, {
    from,
    nonce,
    initCode,
  });
  const address = ContractAddress.fromCreate({ from, nonce: BigInt(nonce) });
  return {
    code,
    deployment: {
      contract,
      from,
      nonce,
      initCode,
      address,
      codeHash: Hash.keccak256(code),
    },
  };
}

function encodeInitCode(
  { abi, bytecode }: ContractArtifact & { readonly bytecode: string },
  contract: string,
  args: readonly unknown[],
): Hex {
  if (!/^0x([0-9a-f]{2})+$/i.test(bytecode)) {
    throw new DrError("NEEDS_LIBRARIES", { contract });
  }
  const isConstructor = (item: unknown): boolean =>
    (item as { type?: string }).type === "constructor";
  const constructor = abi.find(isConstructor) as
    AbiConstructor.AbiConstructor | undefined;
  const expected = constructor?.inputs.length ?? 0;
  if (expected !== args.length) {
    throw new DrError("CONSTRUCTOR_ARGUMENTS", {
      contract,
      reason: `it takes ${String(expected)}, but ${String(args.length)} are given`,
    });
  }
  if (constructor === undefined || expected === 0) {
    return bytecode as Hex;
  }
  try {
    return AbiConstructor.encode(constructor, {
      bytecode: bytecode as Hex,
      args: args,
    });
  } catch (error) {
    throw new DrError("CONSTRUCTOR_ARGUMENTS", {
      contract,
      reason: messageOf(error),
    });
  }
}

/** A call to nobody runs init code and answers with the code it returns. */
async function runConstructor(
  reader: BlockReader,
  contract: string,
  { from, nonce, initCode }: Pick<Deployment, "from" | "nonce" | "initCode">,
): Promise<Hex> {
  const call = [
    { from, data: initCode },
    `0x${reader.block.number.toString(16)}`,
  ];
  const latest = (await reader.rpc.request("eth_getTransactionCount", [
    from,
    "latest",
  ])) as Hex;
  // Code may hold its own address, which follows from the nonce.
  const overrides = { [from]: { nonce: `0x${nonce.toString(16)}` } };
  try {
    return (await reader.rpc.request(
      "eth_call",
      Number(latest) === nonce ? call : [...call, overrides],
    )) as Hex;
  } catch (error) {
    throw new DrError("DEPLOYMENT_WOULD_FAIL", {
      contract,
      reason: isRevert(error) ? explainRevert(error) : messageOf(error),
    });
  }
}
