import { deepStrictEqual } from "node:assert";

import { DrError } from "../core/errors.js";
import { sameAddress, type Address } from "../core/hex.js";
import { removeTree } from "../core/remove-tree.js";
import { makeTemporaryFolder } from "../core/temporary-folder.js";
import type { SafetyReport } from "../recovery/safety/safety-report.js";
import type { DisasterRecovery } from "../session/disaster-recovery.js";

/** As much of a Hardhat connection as this needs; the plugin gives it `dr`. */
export interface Connected {
  readonly dr: DisasterRecovery;
}

/** An upgrade of one contract, told in the project's own words. */
export interface RollbackScenario<Connection extends Connected> {
  /** A chain of the test's own: `() => hre.network.create()`. */
  readonly connect: () => Promise<Connection>;
  /** Deploys the proxy in front of the old implementation. @returns its address. */
  readonly deploy: (connection: Connection) => Promise<string>;
  /**
   * The new implementation: a contract of the project or the address of one,
   * as for `dr:upgrade`; or a function that makes the upgrade itself, with an
   * initializer for instance.
   */
  readonly upgrade:
    string | ((connection: Connection, proxy: string) => Promise<unknown>);
  /** For an `upgrade` that is a contract's name. */
  readonly constructorArguments?: readonly unknown[];
  /** Works with the new implementation, so that there is something to lose. */
  readonly use?: (connection: Connection, proxy: string) => Promise<unknown>;
  /**
   * Reads what must survive. It is called at both implementations, and
   * compared deeply between two times at the same one.
   */
  readonly state?: (connection: Connection, proxy: string) => Promise<unknown>;
  /** The account to pause and upgrade with; default: whoever may. */
  readonly from?: string;
}

/** What was shown, for a test that wants to say more about it. */
export interface ProvenRollback {
  readonly proxy: string;
  /** The old implementation. */
  readonly oldImplementation: Address;
  readonly newImplementation: Address;
  readonly safety: SafetyReport;
}

/**
 * Shows that an upgrade can be rolled back, by doing it with the very
 * `dr.upgrade` and `dr.rollback` that serve in earnest: the upgrade lands and
 * is used, the rollback goes through without misreading storage, `state` is
 * again what it was before the upgrade; the upgrade then works once more, and
 * `state` is what it was before the rollback. Variables that only the new
 * implementation knows may stay behind.
 *
 * Nothing is left: deploy.json and the journals are in a temporary folder.
 *
 * @throws {DrError} ROLLBACK_CORRUPTS_STORAGE with the slots, UPGRADE_UNSAFE
 * with OpenZeppelin's explanation, ROLLBACK_NOT_PROVEN, and whatever refuses
 * an upgrade or a rollback; an AssertionError when the state differs.
 */
export async function proveRollback<Connection extends Connected>(
  name: string,
  scenario: RollbackScenario<Connection>,
): Promise<ProvenRollback> {
  const folder = await makeTemporaryFolder("test");
  try {
    const connection = await scenario.connect();
    const proxy = await scenario.deploy(connection);
    const dr = connection.dr.withDeployments(folder);
    return await prove(name, scenario, { connection, proxy, dr });
  } finally {
    await removeTree(folder);
  }
}

interface Stage<Connection> {
  readonly connection: Connection;
  readonly proxy: string;
  readonly dr: DisasterRecovery;
}

async function prove<Connection extends Connected>(
  name: string,
  scenario: RollbackScenario<Connection>,
  stage: Stage<Connection>,
): Promise<ProvenRollback> {
  const { connection, proxy, dr } = stage;
  const readState = async (): Promise<unknown> =>
    await scenario.state?.(connection, proxy);
  const options = scenario.from === undefined ? {} : { from: scenario.from };

  await dr.init({ [name]: proxy });
  const oldImplementation = await implementationOf(name, dr);
  const before = await readState();

  await upgrade(name, scenario, stage);
  const newImplementation = await implementationOf(name, dr);
  if (sameAddress(oldImplementation, newImplementation)) {
    throw notProven(name, `the upgrade left it at ${oldImplementation}`);
  }
  await scenario.use?.(connection, proxy);
  const upgraded = await readState();

  const { safety } = await dr.rollback({
    ...options,
    contracts: [name],
    to: oldImplementation,
  });
  const report = requireCompared(name, safety[name]);
  requireSame(name, "the rollback", "before the upgrade", {
    expected: before,
    actual: await readState(),
  });

  await dr.upgrade({ ...options, contract: name, to: newImplementation });
  requireSame(name, "upgrading again", "before the rollback", {
    expected: upgraded,
    actual: await readState(),
  });
  return { proxy, oldImplementation, newImplementation, safety: report };
}

async function upgrade<Connection extends Connected>(
  name: string,
  { upgrade: to, constructorArguments, from }: RollbackScenario<Connection>,
  { connection, proxy, dr }: Stage<Connection>,
): Promise<void> {
  if (typeof to === "string") {
    await dr.upgrade({
      contract: name,
      to,
      ...(constructorArguments === undefined ? {} : { constructorArguments }),
      ...(from === undefined ? {} : { from }),
    });
  } else {
    await to(connection, proxy);
    await dr.init();
  }
}

async function implementationOf(
  name: string,
  dr: DisasterRecovery,
): Promise<Address> {
  const { contracts } = await dr.status({ contracts: [name] });
  const [contract] = contracts;
  if (contract === undefined || contract.kind === "missing") {
    throw notProven(name, "there is no code at its address any more");
  }
  return contract.implementation;
}

/** A rollback that refuses corruption refuses nothing it knows nothing of. */
function requireCompared(
  name: string,
  report: SafetyReport | undefined,
): SafetyReport {
  if (report === undefined || report.verdict === "unknown") {
    const notes = report?.notes.join(" ") ?? "";
    throw notProven(name, `its storage couldn't be compared. ${notes}`);
  }
  return report;
}

function requireSame(
  name: string,
  after: string,
  when: string,
  {
    expected,
    actual,
  }: { readonly expected: unknown; readonly actual: unknown },
): void {
  deepStrictEqual(
    toPlain(actual),
    toPlain(expected),
    `${name}: after ${after} its state isn't what it was ${when}`,
  );
}

/** Without what libraries hang on their arrays: two of ethers' are never equal. */
function toPlain(value: unknown): unknown {
  if (Array.isArray(value)) {
    return Array.from(value, toPlain);
  }
  const isRecord =
    typeof value === "object" &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype;
  return isRecord
    ? Object.fromEntries(
        Object.entries(value).map(([key, member]) => [key, toPlain(member)]),
      )
    : value;
}

function notProven(name: string, reason: string): DrError {
  return new DrError("ROLLBACK_NOT_PROVEN", { name, reason });
}
