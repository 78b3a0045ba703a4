import { expect } from "chai";

import { hashOperation } from "../../src/timelock/operation.js";
import {
  readMinDelay,
  readOperationState,
  type OperationState,
} from "../../src/timelock/operation-state.js";
import { codeOf } from "../deployments/refusal.js";
import { read, signer } from "../helpers/contracts.js";
import type { Address } from "../../src/core/hex.js";
import {
  delayChange,
  MIN_DELAY_SECONDS,
  openTimelock,
  passTime,
  type TimelockScene,
} from "./timelock-scene.js";

/** In the order of OpenZeppelin 5's enum. */
const STATES = ["unset", "waiting", "ready", "done"] as const;

for (const version of [4, 5] as const) {
  describe(`the state of an operation of OpenZeppelin ${version}`, () => {
    let scene: TimelockScene;

    beforeEach(async () => {
      scene = await openTimelock(version);
    });

    async function stateNow(): Promise<OperationState> {
      const { address } = scene;
      const id = hashOperation(delayChange(scene));
      return await readOperationState(await scene.reader(), address, id);
    }

    /** What the contract itself says at the latest block. */
    async function stateByContract(): Promise<string | undefined> {
      const { contract } = scene;
      const id = hashOperation(delayChange(scene));
      if (version === 5) {
        const state = await read(contract, "getOperationState", [id]);
        return STATES[Number(state)];
      }
      const [isPending, isReady, isDone] = await Promise.all(
        ["isOperationPending", "isOperationReady", "isOperationDone"].map(
          async (getter) => await read(contract, getter, [id]),
        ),
      );
      return isDone === true
        ? "done"
        : isReady === true
          ? "ready"
          : isPending === true
            ? "waiting"
            : "unset";
    }

    async function expectState(
      status: OperationState["status"],
    ): Promise<void> {
      expect((await stateNow()).status).to.equal(status);
      expect(await stateByContract()).to.equal(status);
    }

    it("goes from unset through waiting and ready to done", async () => {
      const operation = delayChange(scene);
      await expectState("unset");
      const id = await scene.schedule(operation);
      await expectState("waiting");
      const readyAt = await read(scene.contract, "getTimestamp", [id]);
      expect(await stateNow()).to.deep.equal({ status: "waiting", readyAt });
      await passTime(scene.connection, MIN_DELAY_SECONDS - 1n);
      await expectState("waiting");
      await passTime(scene.connection, 1n);
      await expectState("ready");
      expect(await stateNow()).to.deep.equal({ status: "ready", readyAt });
      await scene.execute(operation);
      await expectState("done");
    });

    it("is unset again once cancelled", async () => {
      await scene.cancel(await scene.schedule(delayChange(scene)));
      await expectState("unset");
    });

    it("is read at the reader's block, not at the latest", async () => {
      const before = await scene.reader();
      const id = await scene.schedule(delayChange(scene));
      expect(await readOperationState(before, scene.address, id)).to.deep.equal(
        { status: "unset" },
      );
    });

    it("comes with the least delay, as it is now", async () => {
      const { address } = scene;
      expect(await readMinDelay(await scene.reader(), address)).to.equal(
        MIN_DELAY_SECONDS,
      );
      const operation = delayChange(scene, [60n]);
      await scene.schedule(operation);
      await passTime(scene.connection, MIN_DELAY_SECONDS);
      await scene.execute(operation);
      expect(await readMinDelay(await scene.reader(), address)).to.equal(60n);
    });

    it("isn't made up for what is no timelock", async () => {
      const reader = await scene.reader();
      const { address } = await signer(scene.connection);
      const id = hashOperation(delayChange(scene));
      for (const ask of [
        async () => await readOperationState(reader, address as Address, id),
        async () => await readMinDelay(reader, address as Address),
      ]) {
        expect(await codeOf(ask)).to.equal("NOT_A_TIMELOCK");
      }
    });
  });
}
