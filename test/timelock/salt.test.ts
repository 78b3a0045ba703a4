import { expect } from "chai";
import fc from "fast-check";

import type { Hex } from "../../src/core/hex.js";
import { hashOperation, type Operation } from "../../src/timelock/operation.js";
import { deriveSalt, findRound, type Round } from "../../src/timelock/salt.js";
import {
  delayChange,
  MIN_DELAY_SECONDS,
  openTimelock,
  passTime,
  type TimelockScene,
} from "./timelock-scene.js";

const ACTION = "upgrade SkillProfile from 0xA to 0xB";

describe("the salt of an action", () => {
  it("is the same each time, on every machine", () => {
    // As long as this format is in use: who changes it loses what is pending.
    expect(deriveSalt(ACTION, 0)).to.equal(
      "0x75a92bd536920a15536da5fcd5496374154296db20e575fd4b09f9b8f83cfb09",
    );
  });

  it("is another one for another action or another round", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.record({ action: fc.string(), round: fc.nat() }), {
          selector: ({ action, round }) => JSON.stringify([action, round]),
        }),
        (all) => {
          const salts = all.map(({ action, round }) =>
            deriveSalt(action, round),
          );
          expect(new Set(salts).size).to.equal(all.length);
        },
      ),
    );
  });
});

for (const version of [4, 5] as const) {
  describe(`the round of an action, OpenZeppelin ${version}`, () => {
    let scene: TimelockScene;

    beforeEach(async () => {
      scene = await openTimelock(version);
    });

    const operationOf = (salt: Hex): Operation =>
      delayChange(scene, [MIN_DELAY_SECONDS], { salt });

    async function look(): Promise<Round> {
      const { address } = scene;
      return await findRound(
        await scene.reader(),
        address,
        operationOf,
        ACTION,
      );
    }

    async function finish({ operation }: Round): Promise<void> {
      await passTime(scene.connection, MIN_DELAY_SECONDS);
      await scene.execute(operation);
    }

    it("is the first, until its operation is done; then the next", async () => {
      const first = await look();
      expect(first.salt).to.equal(deriveSalt(ACTION, 0));
      expect(first.id).to.equal(hashOperation(first.operation));
      expect(first.state.status).to.equal("unset");
      await scene.schedule(first.operation);
      const again = await look();
      expect(again).to.deep.include({ id: first.id, salt: first.salt });
      expect(again.state.status).to.equal("waiting");
      await finish(first);
      const second = await look();
      expect(second.salt).to.equal(deriveSalt(ACTION, 1));
      expect(second.state.status).to.equal("unset");
    });

    it("stays after a cancellation: what was cancelled may be scheduled again", async () => {
      const first = await look();
      await scene.cancel(await scene.schedule(first.operation));
      const again = await look();
      expect(again).to.deep.include({ id: first.id, state: first.state });
      await scene.schedule(again.operation);
    });

    it("is found after many", async () => {
      for (let round = 0; round < 9; round += 1) {
        const found = await look();
        expect(found.salt).to.equal(deriveSalt(ACTION, round));
        await scene.schedule(found.operation);
        await finish(found);
      }
      expect((await look()).salt).to.equal(deriveSalt(ACTION, 9));
    });

    it("never collides, whatever is scheduled, executed and cancelled", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.constantFrom("schedule", "execute", "cancel"), {
            minLength: 1,
            maxLength: 8,
          }),
          async (deeds) => {
            const done = new Set<Hex>();
            for (const deed of deeds) {
              const round = await look();
              expect(done.has(round.id)).to.equal(false);
              switch (`${deed} ${round.state.status}`) {
                case "schedule unset":
                  // The contract itself refuses a collision.
                  await scene.schedule(round.operation);
                  expect((await look()).id).to.equal(round.id);
                  break;
                case "execute waiting":
                case "execute ready":
                  await finish(round);
                  done.add(round.id);
                  break;
                case "cancel waiting":
                case "cancel ready":
                  await scene.cancel(round.id);
                  break;
              }
            }
          },
        ),
        { numRuns: 25 },
      );
    });
  });
}
