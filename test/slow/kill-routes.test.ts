import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { requireAnvil } from "../helpers/anvil.js";
import { BuiltPlugin } from "../helpers/cli-project.js";
import type { GovernanceKind } from "../helpers/govern.js";
import { MOST_ATTEMPTS, recover, type Kill } from "../helpers/killing.js";
import { RecoveryScene } from "../helpers/recovery-scene.js";

const ROLLBACK = ["dr:rollback", "--all"];

describe("a rollback by those who hold the keys, killed at every step", function () {
  this.timeout(300_000);
  let plugin: BuiltPlugin;
  let scene: RecoveryScene | undefined;

  before(async function () {
    requireAnvil(this);
    plugin = await BuiltPlugin.create();
  });

  afterEach(async () => {
    await scene?.end();
  });

  after(async () => {
    await plugin.remove();
  });

  async function rollBack(
    governance: GovernanceKind,
    kills: readonly Kill[],
  ): Promise<{ readonly scene: RecoveryScene; readonly died: number }> {
    scene = await RecoveryScene.create(plugin, { governance });
    const died = await recover(scene, ROLLBACK, kills);
    await scene.expectRolledBack();
    return { scene, died };
  }

  const kills = Array<Kill>(MOST_ATTEMPTS - 1).fill({ at: "progress" });

  it("through a timelock: schedules and executes each operation once", async () => {
    const { scene, died } = await rollBack("timelock", kills);
    expect(died).to.be.at.least(18);
    await scene.expectSent([4, 0]);
  });

  it("through an AccessManager: schedules and executes each call once", async () => {
    const { scene, died } = await rollBack("access-manager", kills);
    expect(died).to.be.at.least(18);
    await scene.expectSent([18, 0]);
  });

  it("through a Safe: proposes, signs and executes each transaction once", async () => {
    const { scene, died } = await rollBack("safe", kills);
    expect(died).to.be.at.least(14);
    await scene.expectSent([2, 0]);
    const proposals = await readdir(join(scene.project.folder, "safe"));
    expect(proposals).to.have.lengthOf(2);
  });
});
