import { expect } from "chai";
import { Interface } from "ethers";

import type { Hex } from "../../src/core/hex.js";
import {
  encodeCancel,
  encodeExecute,
  encodeSchedule,
  hashOperation,
  NO_PREDECESSOR,
  type Operation,
} from "../../src/timelock/operation.js";
import { read, signer } from "../helpers/contracts.js";
import {
  delayChange,
  MIN_DELAY_SECONDS,
  openTimelock,
  passTime,
  type TimelockScene,
} from "./timelock-scene.js";

/** OpenZeppelin's own words for the two forms. */
async function hashByContract(
  { contract }: TimelockScene,
  { calls, predecessor, salt }: Operation,
  isBatch: boolean,
): Promise<unknown> {
  const [targets, values, payloads] = [
    calls.map(({ to }) => to),
    calls.map(({ value }) => value),
    calls.map(({ data }) => data),
  ];
  return isBatch
    ? await read(contract, "hashOperationBatch", [
        targets,
        values,
        payloads,
        predecessor,
        salt,
      ])
    : await read(contract, "hashOperation", [
        targets[0],
        values[0],
        payloads[0],
        predecessor,
        salt,
      ]);
}

for (const version of [4, 5] as const) {
  describe(`an operation of a timelock of OpenZeppelin ${version}`, () => {
    let scene: TimelockScene;

    beforeEach(async () => {
      scene = await openTimelock(version);
    });

    it("has the id that the contract gives it, alone and in a batch", async () => {
      const others = {
        predecessor: `0x${"11".repeat(32)}`,
        salt: `0x${"22".repeat(32)}`,
      } as const;
      const single = delayChange(scene, [7n], others);
      const several = delayChange(scene, [7n, 8n], others);
      const batchOfOne = { ...single, isBatch: true };
      expect(hashOperation(single)).to.equal(
        await hashByContract(scene, single, false),
      );
      expect(hashOperation(several)).to.equal(
        await hashByContract(scene, several, true),
      );
      expect(hashOperation(batchOfOne)).to.equal(
        await hashByContract(scene, single, true),
      );
      const withValue = {
        ...single,
        calls: single.calls.map((call) => ({ ...call, value: 5n })),
      };
      expect(hashOperation(withValue)).to.equal(
        await hashByContract(scene, withValue, false),
      );
    });

    for (const [what, delays, rest] of [
      ["one call", [60n], {}],
      ["two calls", [60n, 30n], {}],
      ["a batch of one call", [60n], { isBatch: true }],
    ] as const) {
      it(`of ${what} is scheduled, and executed after the delay`, async () => {
        const operation = delayChange(scene, delays, rest);
        const id = await scene.schedule(operation);
        expect(await read(scene.contract, "isOperationPending", [id])).to.equal(
          true,
        );
        await passTime(scene.connection, MIN_DELAY_SECONDS);
        await scene.execute(operation);
        expect(await read(scene.contract, "isOperationDone", [id])).to.equal(
          true,
        );
        expect(await read(scene.contract, "getMinDelay")).to.equal(
          delays.at(-1),
        );
      });
    }

    it("is cancelled by its id", async () => {
      const id = await scene.schedule(delayChange(scene));
      await scene.cancel(id);
      expect(await read(scene.contract, "isOperation", [id])).to.equal(false);
    });

    it("pays its value out of the timelock's balance", async () => {
      const { connection, address, contract } = scene;
      const payer = await signer(connection);
      await (await payer.sendTransaction({ to: address, value: 9n })).wait();
      const to = "0x00000000000000000000000000000000000BEEF0";
      const operation: Operation = {
        calls: [{ to, value: 9n, data: "0x" }],
        predecessor: NO_PREDECESSOR,
        salt: NO_PREDECESSOR,
      };
      const id = await scene.schedule(operation);
      await passTime(connection, MIN_DELAY_SECONDS);
      await scene.execute(operation);
      expect(await read(contract, "isOperationDone", [id])).to.equal(true);
      expect(await connection.ethers.provider.getBalance(to)).to.equal(9n);
    });

    it("is encoded as the contract's own interface does", () => {
      const abi = Interface.from(scene.contract.interface.fragments);
      const operation = delayChange(scene, [7n, 8n]);
      const id = hashOperation(operation);
      const batch = [
        operation.calls.map(({ to }) => to),
        operation.calls.map(({ value }) => value),
        operation.calls.map(({ data }) => data),
        operation.predecessor,
        operation.salt,
      ];
      const expected: readonly [Hex, string][] = [
        [
          encodeSchedule(operation, 5n),
          abi.encodeFunctionData("scheduleBatch", [...batch, 5n]),
        ],
        [
          encodeExecute(operation),
          abi.encodeFunctionData("executeBatch", batch),
        ],
        [encodeCancel(id), abi.encodeFunctionData("cancel", [id])],
      ];
      for (const [ours, theirs] of expected) {
        expect(ours).to.equal(theirs);
      }
    });
  });
}
