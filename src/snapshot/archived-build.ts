import { readFile } from "node:fs/promises";
import { join } from "node:path";

import * as z from "zod";

import { DrError, messageOf } from "../core/errors.js";
import type { ContractArtifact } from "../implementation/artifact-source.js";

/** A run of solc as Hardhat keeps it: which compiler, and its standard-JSON input. */
export interface BuildInfo {
  readonly id: string;
  readonly solcVersion: string;
  /** With the commit: `0.8.28+commit.7893614a`. */
  readonly solcLongVersion: string;
  /** Absent: solc. */
  readonly compilerType?: string;
  readonly input: {
    readonly settings?: Readonly<Record<string, unknown>>;
    readonly [key: string]: unknown;
  };
}

/** An artifact with what creates the contract. */
export interface ArchivedArtifact extends ContractArtifact {
  readonly bytecode: string;
}

/** Where a snapshot's files lie, and its name for the errors. */
interface Unpacked {
  readonly name: string;
  readonly folder: string;
}

const ranges = z.array(z.looseObject({ start: z.int(), length: z.int() }));
const code = z.string().startsWith("0x");

const artifactSchema = z.looseObject({
  contractName: z.string(),
  sourceName: z.string(),
  abi: z.array(z.unknown()),
  bytecode: code,
  deployedBytecode: code,
  deployedLinkReferences: z.record(z.string(), z.record(z.string(), ranges)),
  immutableReferences: z.record(z.string(), ranges).optional(),
  inputSourceName: z.string().optional(),
});

const buildInfoSchema = z.looseObject({
  id: z.string(),
  solcVersion: z.string(),
  solcLongVersion: z.string(),
  compilerType: z.string().optional(),
  input: z.looseObject({
    settings: z.record(z.string(), z.unknown()).optional(),
  }),
});

/** @throws {DrError} SNAPSHOT_INVALID. */
export async function readArchivedArtifact(
  unpacked: Unpacked,
  path: string,
): Promise<ArchivedArtifact> {
  return (await readAs(unpacked, path, artifactSchema)) as ArchivedArtifact;
}

/** @throws {DrError} SNAPSHOT_INVALID. */
export async function readBuildInfo(
  unpacked: Unpacked,
  path: string,
): Promise<BuildInfo> {
  return (await readAs(unpacked, path, buildInfoSchema)) as BuildInfo;
}

async function readAs(
  { name, folder }: Unpacked,
  path: string,
  schema: z.ZodType,
): Promise<unknown> {
  const text = await readFile(join(folder, path), "utf8");
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    const [why = ""] =
      error instanceof z.ZodError
        ? error.issues.map(
            (issue) => `${issue.path.join(".")}: ${issue.message}`,
          )
        : [messageOf(error)];
    const reason = `${path} can't be read: ${why}`;
    throw new DrError("SNAPSHOT_INVALID", { name, reason }, { cause: error });
  }
}
