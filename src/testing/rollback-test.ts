import { DrError } from "../core/errors.js";
import {
  proveRollback,
  type Connected,
  type RollbackScenario,
} from "./prove-rollback.js";

type DefineTest = (title: string, test: () => Promise<void>) => void;

/**
 * A mocha test that an upgrade can be rolled back; see {@link proveRollback}
 * for what it shows.
 *
 * ```ts
 * rollbackTest("SkillProfile", {
 *   connect: () => hre.network.create(),
 *   deploy: async ({ ethers }) => deploySkillProfile(ethers),
 *   upgrade: "SkillProfileV2",
 *   state: async ({ ethers }, proxy) => {
 *     const profile = await ethers.getContractAt("SkillProfile", proxy);
 *     return [await profile.owner(), await profile.profileCount()];
 *   },
 * });
 * ```
 *
 * @param name - What to call the contract.
 * @throws {DrError} TEST_RUNNER_MISSING.
 */
export function rollbackTest<Connection extends Connected>(
  name: string,
  scenario: RollbackScenario<Connection>,
): void {
  const { it } = globalThis as { readonly it?: DefineTest };
  if (it === undefined) {
    throw new DrError("TEST_RUNNER_MISSING", {});
  }
  const { upgrade } = scenario;
  const from = typeof upgrade === "string" ? ` from ${upgrade}` : "";
  it(`${name} can be rolled back${from}`, async () => {
    await proveRollback(name, scenario);
  });
}
