import { DrError } from "../core/errors.js";
import { sameAddress } from "../core/hex.js";
import {
  SCHEMA_VERSION,
  type ContractRecord,
  type DeployFile,
} from "./deploy-file.js";
import { compareJson, type Difference } from "./difference.js";
import type { Found } from "./discover.js";
import { mergeRecord } from "./merge.js";

export interface InitRequest {
  readonly chainId: number;
  /** The deploy.json there is, if any. */
  readonly existing?: DeployFile;
  readonly found: readonly Found[];
  /** For a new file: where editors find the schema. */
  readonly schema?: string;
}

export interface InitPlan {
  readonly file: DeployFile;
  /** Against the existing file; to be shown before anything is written. */
  readonly differences: readonly Difference[];
  readonly status: "new" | "changed" | "unchanged";
  /** Left out, as they are only implementations of others. */
  readonly implementationsOnly: readonly Found[];
}

/**
 * The deploy.json that tells what was found on the chain. Contracts the
 * existing file has and nobody asked about stay as they are.
 *
 * @throws {DrError} INIT_ARGUMENT_INVALID when a person names a contract that
 * the file has by another name.
 */
export function planInit({
  chainId,
  existing,
  found,
  schema,
}: InitRequest): InitPlan {
  const implementationsOnly = found.filter((one) => servesAnother(one, found));
  const shown = found.filter((one) => !implementationsOnly.includes(one));
  const contracts: Record<string, ContractRecord> = {
    ...existing?.contracts,
  };
  for (const one of shown) {
    const name = nameFor(one, contracts);
    const written = contracts[name];
    contracts[name] =
      written === undefined
        ? one.record
        : mergeRecord(written, one.record, one.gaps.length === 0);
  }
  const file: DeployFile =
    existing === undefined
      ? {
          ...(schema === undefined ? {} : { $schema: schema }),
          schemaVersion: SCHEMA_VERSION,
          chainId,
          contracts,
        }
      : { ...existing, contracts };
  const differences = existing === undefined ? [] : compareJson(existing, file);
  return { file, differences, status: statusOf(existing, differences), implementationsOnly };
}

function statusOf(
  existing: DeployFile | undefined,
  differences: readonly Difference[],
): InitPlan["status"] {
  if (existing === undefined) {
    return "new";
  }
  return differences.length === 0 ? "unchanged" : "changed";
}

/** A record tells of implementations as of any other contract. */
function servesAnother({ sought, record }: Found, all: readonly Found[]): boolean {
  return (
    sought.source !== undefined &&
    record.kind === "plain" &&
    all.some(
      (other) =>
        !sameAddress(other.record.proxy, record.proxy) &&
        Object.keys(other.record.implementations).some((address) =>
          sameAddress(address, record.proxy),
        ),
    )
  );
}

function nameFor(
  { name, sought, record }: Found,
  contracts: Readonly<Record<string, ContractRecord>>,
): string {
  const known = Object.keys(contracts).find((other) =>
    sameAddress(contracts[other]?.proxy ?? "", record.proxy),
  );
  if (known === undefined) {
    return sought.isNameless === true ? freeName(name, contracts) : name;
  }
  if (known !== name && sought.source === undefined) {
    throw new DrError("INIT_ARGUMENT_INVALID", {
      argument: `${name}=${record.proxy}`,
      reason: `deploy.json has this address already, as ${known}; change the name there`,
    });
  }
  return known;
}

function freeName(
  name: string,
  contracts: Readonly<Record<string, ContractRecord>>,
): string {
  let free = name;
  for (let number = 2; Object.hasOwn(contracts, free); number += 1) {
    free = `${name}${String(number)}`;
  }
  return free;
}
