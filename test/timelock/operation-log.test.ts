import { expect } from "chai";

import { RpcResponseError, type Rpc } from "../../src/chain/rpc.js";
import { ZERO_ADDRESS, type Address, type Hex } from "../../src/core/hex.js";
import {
  encodeSchedule,
  hashOperation,
  NO_PREDECESSOR,
  type Operation,
} from "../../src/timelock/operation.js";
import {
  listOperations,
  type ListedOperation,
} from "../../src/timelock/operation-log.js";
import { AlteredRpc } from "../authority/altered-rpc.js";
import { codeOf } from "../deployments/refusal.js";
import { signer } from "../helpers/contracts.js";
import { deploySafe, executeAsSafe } from "../helpers/deploy-governance.js";
import {
  delayChange,
  MIN_DELAY_SECONDS,
  openTimelock,
  passTime,
  type TimelockScene,
} from "./timelock-scene.js";

/** As of a timelock before OpenZeppelin 4.9, which logs no salt. */
function withoutCallSalt(inner: Rpc, { contract }: TimelockScene): Rpc {
  const topic = contract.interface.getEvent("CallSalt")?.topicHash as Hex;
  return {
    network: inner.network,
    request: async (method, params) => {
      const answer = await inner.request(method, params);
      return method === "eth_getLogs"
        ? (answer as { topics: Hex[] }[]).filter(
            ({ topics }) => topics[0] !== topic,
          )
        : answer;
    },
    batch: async (requests) => await inner.batch(requests),
  };
}

for (const version of [4, 5] as const) {
  describe(`the operations of a timelock of OpenZeppelin ${version}`, () => {
    let scene: TimelockScene;

    beforeEach(async () => {
      scene = await openTimelock(version);
    });

    async function list(
      rpc: Rpc = scene.rpc,
      wanted: "all" | "pending" = "all",
      fromBlock = 0n,
    ): Promise<readonly ListedOperation[]> {
      const reader = await scene.reader(rpc);
      return await listOperations(reader, scene.address, fromBlock, wanted);
    }

    async function listOnly(rpc?: Rpc): Promise<ListedOperation> {
      const [only, ...others] = await list(rpc);
      expect(others).to.deep.equal([]);
      return only ?? expect.fail("no operation is listed");
    }

    function operationOf(listed: ListedOperation): Operation {
      const { calls, predecessor, salt, isBatch } = listed;
      return {
        calls,
        predecessor,
        salt: salt ?? expect.fail("the salt isn't known"),
        ...(isBatch === undefined ? {} : { isBatch }),
      };
    }

    for (const [what, delays, rest] of [
      ["one call", [60n], {}],
      ["two calls", [60n, 30n], {}],
      ["a batch of one call", [60n], { isBatch: true }],
      ["no salt", [60n], { salt: NO_PREDECESSOR }],
      ["a predecessor", [60n], { predecessor: `0x${"01".repeat(32)}` }],
    ] as const) {
      for (const logsSalt of [true, false]) {
        it(`are rebuilt whole, salt and all: ${what}${logsSalt ? "" : ", the salt not logged"}`, async () => {
          const operation = delayChange(scene, delays, rest);
          const id = await scene.schedule(operation, 4000n);
          const listed = await listOnly(
            logsSalt ? scene.rpc : withoutCallSalt(scene.rpc, scene),
          );
          expect(operationOf(listed)).to.deep.equal(operation);
          expect(listed).to.deep.include({ id, delaySeconds: 4000n });
          expect(listed.state.status).to.equal("waiting");
        });
      }
    }

    it("say when and by whom they were scheduled", async () => {
      const receipt = await scene.send(
        encodeSchedule(delayChange(scene), MIN_DELAY_SECONDS),
      );
      const { scheduledAt } = await listOnly();
      expect(scheduledAt).to.deep.equal({
        block: BigInt(receipt.blockNumber),
        tx: receipt.hash,
        sender: receipt.from,
      });
    });

    it("say which transaction ended them, and only that one", async () => {
      const [done, cancelled, ready] = [60n, 70n, 80n].map((delay) =>
        delayChange(scene, [delay]),
      );
      const all = [done!, cancelled!, ready!];
      for (const operation of all) {
        await scene.schedule(operation);
      }
      await passTime(scene.connection, MIN_DELAY_SECONDS);
      const executed = await scene.execute(done!);
      const stopped = await scene.cancel(hashOperation(cancelled!));
      const [first, second, third] = await list();
      expect(first).to.deep.include({
        id: hashOperation(done!),
        state: { status: "done" },
        executedTx: executed.hash,
      });
      expect(first).to.not.have.property("cancelledTx");
      expect(second).to.deep.include({
        id: hashOperation(cancelled!),
        state: { status: "unset" },
        cancelledTx: stopped.hash,
      });
      expect(third!.state.status).to.equal("ready");
      const pending = await list(scene.rpc, "pending");
      expect(pending.map(({ id }) => id)).to.deep.equal([
        hashOperation(ready!),
      ]);
    });

    it("are what they last were when scheduled again after a cancellation", async () => {
      const operation = delayChange(scene, [60n, 30n]);
      await scene.cancel(await scene.schedule(operation));
      await scene.schedule(delayChange(scene, [1n]));
      await scene.schedule(operation, 9000n);
      const [other, again] = await list();
      expect(other!.calls).to.have.length(1);
      expect(again).to.deep.include({
        id: hashOperation(operation),
        calls: operation.calls,
        delaySeconds: 9000n,
      });
      expect(again).to.not.have.property("cancelledTx");
      expect(again!.state.status).to.equal("waiting");
    });

    it("have their salt from a Safe's transaction, too", async () => {
      const owners = [await signer(scene.connection, 1)];
      const safe = await deploySafe(scene.connection, {
        owners: owners.map(({ address }) => address as Address),
        threshold: 1,
      });
      scene = await openTimelock(
        version,
        { proposers: [safe], executors: [ZERO_ADDRESS] },
        scene.connection,
      );
      const operation = delayChange(scene, [60n, 30n]);
      await executeAsSafe(scene.connection, safe, owners, {
        to: scene.address,
        data: encodeSchedule(operation, MIN_DELAY_SECONDS),
      });
      const listed = await listOnly(withoutCallSalt(scene.rpc, scene));
      expect(operationOf(listed)).to.deep.equal(operation);
    });

    it("have no salt and no sender where nothing tells", async () => {
      await scene.schedule(delayChange(scene));
      const forgetful = new AlteredRpc(scene.rpc, ({ method }) =>
        method === "eth_getTransactionByHash"
          ? { ok: true, result: null }
          : undefined,
      );
      const listed = await listOnly(withoutCallSalt(forgetful, scene));
      expect(listed.salt).to.equal(undefined);
      expect(listed.scheduledAt).to.not.have.property("sender");
    });

    it("are as they were at the reader's block", async () => {
      const operation = delayChange(scene);
      const id = await scene.schedule(operation);
      const reader = await scene.reader();
      await scene.cancel(id);
      const [then] = await listOperations(reader, scene.address, 0n);
      expect(then!.state.status).to.equal("waiting");
      expect(then).to.not.have.property("cancelledTx");
    });

    it("are found in small ranges when the node refuses big ones", async () => {
      for (const delay of [60n, 70n, 80n]) {
        await scene.schedule(delayChange(scene, [delay]));
        await passTime(scene.connection, 1n);
      }
      let asked = 0;
      const stingy = new AlteredRpc(scene.rpc, ({ method, params }) => {
        if (method !== "eth_getLogs") {
          return undefined;
        }
        asked += 1;
        const [{ fromBlock, toBlock }] = params as [
          { fromBlock: Hex; toBlock: Hex },
        ];
        return BigInt(toBlock) - BigInt(fromBlock) > 1n
          ? {
              ok: false,
              error: new RpcResponseError("block range too large", -32005),
            }
          : undefined;
      });
      expect(await list(stingy)).to.deep.equal(await list());
      expect(asked).to.be.greaterThan(3);
      const { scheduledAt } = (await list())[1]!;
      const late = await list(scene.rpc, "all", scheduledAt.block);
      expect(late).to.have.length(2);
    });

    it("aren't looked for in blocks before the timelock, by a node that refuses big ranges", async () => {
      const { connection } = scene;
      await connection.provider.request({
        method: "hardhat_mine",
        params: ["0x1000"],
      });
      scene = await openTimelock(version, {}, connection);
      await scene.schedule(delayChange(scene));
      let asked = 0;
      const stingy = new AlteredRpc(scene.rpc, ({ method, params }) => {
        if (method !== "eth_getLogs") {
          return undefined;
        }
        asked += 1;
        const [{ fromBlock, toBlock }] = params as [
          { fromBlock: Hex; toBlock: Hex },
        ];
        return BigInt(toBlock) - BigInt(fromBlock) > 9n
          ? {
              ok: false,
              error: new RpcResponseError("block range too large", -32005),
            }
          : undefined;
      });
      expect(await list(stingy)).to.have.length(1);
      expect(asked).to.be.at.most(5);
    });

    it("aren't none where there is no timelock", async () => {
      const { address } = await signer(scene.connection);
      const reader = await scene.reader();
      expect(
        await codeOf(
          async () => await listOperations(reader, address as Address, 0n),
        ),
      ).to.equal("NOT_A_TIMELOCK");
    });

    it("aren't none when the logs can't be had", async () => {
      const broken = new AlteredRpc(scene.rpc, ({ method }) =>
        method === "eth_getLogs"
          ? { ok: false, error: new RpcResponseError("no logs", -32601) }
          : undefined,
      );
      expect(await codeOf(async () => await list(broken))).to.equal(
        "RPC_FAILED",
      );
    });
  });
}
