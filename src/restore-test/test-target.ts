import type { OffsiteTarget } from "../config/types.js";
import { takeInventory } from "../offsite/inventory.js";
import type { Storage } from "../offsite/storage.js";
import { Checklist } from "./checklist.js";
import type { TestSource } from "./fetch-backup.js";
import { testContracts } from "./test-contracts.js";
import { testDatabase, type DatabaseTestOptions } from "./test-database.js";
import type { PartTest } from "./test-part.js";

/** What of a target is restored. */
export const TEST_PARTS = ["database", "contracts"] as const;

export type TestedPart = (typeof TEST_PARTS)[number];

/** How the backups of one target came out. */
export interface TargetTest extends Readonly<Record<TestedPart, PartTest>> {
  /** Its name in the configuration. */
  readonly target: string;
  readonly provider: OffsiteTarget["kind"];
  /** Absent when it couldn't be opened. */
  readonly address?: string;
}

export interface TargetTestOptions extends DatabaseTestOptions {
  readonly project: string;
  /** The rest is skipped, and the report says so. */
  readonly parts: readonly TestedPart[];
  /** For the log. */
  readonly tell: (line: string) => void;
}

/**
 * Restores a target's backups on trial, one after the other. One that can't be
 * opened is one that failed.
 *
 * @throws only the signal's reason.
 */
export async function testTarget(
  { name, kind }: Pick<OffsiteTarget, "name" | "kind">,
  open: () => Promise<Storage>,
  options: TargetTestOptions,
): Promise<TargetTest> {
  const { parts } = options;
  const about = { target: name, provider: kind };
  let source: TestSource;
  try {
    const storage = await open();
    const inventory = await takeInventory(storage, options.project);
    source = { storage, inventory, target: name };
  } catch (error) {
    options.signal.throwIfAborted();
    const closed = (part: TestedPart) =>
      parts.includes(part) ? notOpened(error) : SKIPPED;
    const tested = {
      ...about,
      database: closed("database"),
      contracts: closed("contracts"),
    };
    tellAll(tested, options);
    return tested;
  }
  const tested = {
    ...about,
    address: source.storage.address,
    database: parts.includes("database")
      ? await testDatabase(source, options)
      : SKIPPED,
    contracts: parts.includes("contracts")
      ? await testContracts(source, options)
      : SKIPPED,
  };
  tellAll(tested, options);
  return tested;
}

export function hasPassed(tested: TargetTest): boolean {
  return TEST_PARTS.every((part) => tested[part].status !== "failed");
}

const SKIPPED: PartTest = {
  status: "skipped",
  criteria: [],
  seconds: 0,
  notices: ["It wasn't asked for."],
};

function notOpened(error: unknown): PartTest {
  const checklist = new Checklist(["found"]);
  checklist.fail(error);
  return {
    status: "failed",
    criteria: checklist.criteria,
    seconds: 0,
    notices: [],
  };
}

function tellAll(tested: TargetTest, { tell }: TargetTestOptions): void {
  for (const part of TEST_PARTS) {
    const { status, criteria, notices } = tested[part];
    tell(`${tested.target}: ${part} ${status}`);
    for (const one of criteria) {
      const detail = one.detail === undefined ? "" : `: ${one.detail}`;
      tell(`${tested.target}: ${part} ${one.name} ${one.status}${detail}`);
    }
    for (const notice of notices) {
      tell(`${tested.target}: ${part}: ${notice}`);
    }
  }
}
