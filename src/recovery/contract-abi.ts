import * as Hash from "ox/Hash";

import type { BlockReader } from "../chain/block-reader.js";
import { DrError } from "../core/errors.js";
import { findImplementation } from "../deployments/history.js";
import type { NamedContract } from "../deployments/select.js";
import { identifyImplementation } from "../implementation/identify.js";
import { readLayoutRecord } from "../implementation/layout-record.js";
import { inspectProxy } from "../proxy/inspect.js";
import type { RecoveryPorts } from "./ports.js";

/**
 * The ABI of what a contract of deploy.json runs now: from the record beside
 * deploy.json, else from the artifact that compiles to its code.
 *
 * @returns undefined when neither is there.
 * @throws {DrError} NO_CODE.
 */
export async function readContractAbi(
  reader: BlockReader,
  { folder, artifacts }: Pick<RecoveryPorts, "folder" | "artifacts">,
  { name, record }: NamedContract,
): Promise<readonly unknown[] | undefined> {
  const { proxy } = record;
  const state = await inspectProxy(reader, proxy);
  if (state === undefined) {
    throw new DrError("NO_CODE", { what: name, address: proxy });
  }
  const { implementation } = state;
  const [code, kept] = await Promise.all([
    reader.code(implementation),
    readLayoutRecord(folder, implementation),
  ]);
  if (kept?.codeHash === Hash.keccak256(code)) {
    return kept.abi;
  }
  const hint = findImplementation(record, implementation)?.contract;
  const found = await identifyImplementation(code, artifacts, hint);
  return found.status === "identified" ? found.artifact.abi : undefined;
}
