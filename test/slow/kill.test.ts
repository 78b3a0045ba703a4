import { expect } from "chai";

import { requireAnvil } from "../helpers/anvil.js";
import { BuiltPlugin } from "../helpers/cli-project.js";
import { MOST_ATTEMPTS, recover, type Kill } from "../helpers/killing.js";
import { RecoveryScene, type SceneOptions } from "../helpers/recovery-scene.js";
import { seededNumbers } from "../helpers/seeded-numbers.js";

/** So many scenes at once: a run mostly waits for blocks. */
const SCENES = 4;

const ROLLBACK = ["dr:rollback", "--all"];
const UPGRADE = ["dr:upgrade", "SkillProfile", "--to", "SkillProfileV2"];
const PAUSE = ["dr:pause", "--all"];

describe("a process that is killed", function () {
  this.timeout(240_000);
  const scenes: RecoveryScene[] = [];
  let plugin: BuiltPlugin;

  before(async function () {
    requireAnvil(this);
    plugin = await BuiltPlugin.create();
  });

  afterEach(async () => {
    await Promise.all(
      scenes.splice(0).map(async (scene) => {
        await scene.end();
      }),
    );
  });

  after(async () => {
    await plugin.remove();
  });

  async function createScene(options: SceneOptions): Promise<RecoveryScene> {
    const scene = await RecoveryScene.create(plugin, options);
    scenes.push(scene);
    return scene;
  }

  /** Works off trials on several scenes at once. */
  async function inParallel<T>(
    options: SceneOptions,
    trials: Iterable<T>,
    run: (scene: RecoveryScene, trial: T) => Promise<boolean>,
  ): Promise<number> {
    const iterator = trials[Symbol.iterator]();
    let deaths = 0;
    let isOver = false;
    await Promise.all(
      Array.from({ length: SCENES }, async () => {
        const scene = await createScene(options);
        for (let isFirst = true; !isOver; isFirst = false) {
          const trial = iterator.next();
          if (trial.done === true) {
            return;
          }
          if (!isFirst) {
            await scene.reset();
          }
          if (await run(scene, trial.value)) {
            deaths += 1;
          } else {
            isOver = true;
          }
        }
      }),
    );
    return deaths;
  }

  it("rolls back all the same, killed after any record", async () => {
    const deaths = await inParallel({}, naturals(), async (scene, records) => {
      const died = await recover(scene, ROLLBACK, [{ records }]);
      await scene.expectRolledBack();
      await scene.expectSent([9, 0]);
      return died > 0;
    });
    expect(deaths).to.be.at.least(20);
  });

  it("pauses all the same, killed after any record", async () => {
    const deaths = await inParallel({}, naturals(), async (scene, records) => {
      const died = await recover(scene, PAUSE, [{ records }]);
      expect(await scene.paused()).to.deep.equal([true, true, true]);
      await scene.expectSent([3, 0]);
      await scene.expectTidy();
      return died > 0;
    });
    expect(deaths).to.be.at.least(5);
  });

  it("rolls back with two signers, killed again and again", async () => {
    const scene = await createScene({ twoSigners: true });
    const kills = Array<Kill>(MOST_ATTEMPTS - 1).fill({ at: "progress" });
    expect(await recover(scene, ROLLBACK, kills)).to.be.at.least(12);
    await scene.expectRolledBack();
    await scene.expectSent([7, 2]);
  });

  it("rolls back all the same, killed as its transactions go out", async () => {
    const scene = await createScene({});
    const kills = Array<Kill>(MOST_ATTEMPTS - 1).fill({ at: "send" });
    expect(await recover(scene, ROLLBACK, kills)).to.equal(3);
    await scene.expectRolledBack();
    await scene.expectSent([9, 0]);
  });

  it("upgrades all the same, killed again and again", async () => {
    const scene = await createScene({ broken: false });
    const before = await scene.implementations();
    const kills = Array<Kill>(MOST_ATTEMPTS - 1).fill({ at: "progress" });
    expect(await recover(scene, UPGRADE, kills)).to.be.at.least(8);
    const [profile] = await scene.implementations();
    expect(profile).to.not.equal(before[0]);
    expect((await scene.reasons()).SkillProfile).to.deep.equal([
      "deploy",
      "upgrade",
    ]);
    await scene.expectSent([2, 0]);
    await scene.expectTidy();
  });

  it("rolls back with two signers, killed at any moment, twice", async () => {
    const random = seededNumbers();
    const moment = (longest: number): Kill => ({
      milliseconds: Math.round(300 + random() * longest),
    });
    const trials = Array.from({ length: 6 }, () => [
      moment(6000),
      moment(4000),
    ]);
    await inParallel({ twoSigners: true }, trials, async (scene, kills) => {
      await recover(scene, ROLLBACK, kills);
      await scene.expectRolledBack();
      await scene.expectSent([7, 2]);
      return true;
    });
  });
});

function* naturals(): Generator<number> {
  for (let number = 1; ; number += 1) {
    yield number;
  }
}
