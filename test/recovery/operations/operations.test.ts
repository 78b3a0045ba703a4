import { join } from "node:path";

import { expect } from "chai";
import { id as hashText } from "ethers";

import { systemClock } from "../../../src/core/clock.js";
import type { Address, Hex } from "../../../src/core/hex.js";
import { resolveCancel } from "../../../src/recovery/operations/cancel.js";
import { resolveExecute } from "../../../src/recovery/operations/execute.js";
import { readOperations } from "../../../src/recovery/operations/read.js";
import { resolveSchedule } from "../../../src/recovery/operations/schedule.js";
import type { RecoveryPorts } from "../../../src/recovery/ports.js";
import { readStatus } from "../../../src/recovery/status.js";
import { conductPlan, type ConductedRun } from "../../../src/run/conduct.js";
import type { Plan } from "../../../src/run/plan.js";
import {
  openSession,
  type SessionSource,
} from "../../../src/session/open-session.js";
import {
  prepareCancel,
  prepareExecute,
  prepareSchedule,
} from "../../../src/session/timelock-procedure.js";
import {
  encodeExecute,
  encodeSchedule,
  hashOperation,
  NO_PREDECESSOR,
  type Operation,
} from "../../../src/timelock/operation.js";
import { readOperationState } from "../../../src/timelock/operation-state.js";
import { AlteredRpc } from "../../authority/altered-rpc.js";
import { CountingRpc } from "../../authority/counting-rpc.js";
import { codeOf, refusalOf } from "../../deployments/refusal.js";
import { useTemporaryFolder } from "../../deployments/temporary-folder.js";
import { encode, signer } from "../../helpers/contracts.js";
import { handOver } from "../../helpers/deploy-governance.js";
import {
  deployPlatform,
  type Platform,
} from "../../helpers/deploy-platform.js";
import { platformProxies } from "../../helpers/recovery-session.js";
import { openRecovery, type Recovery } from "../../session/recovery.js";
import {
  MIN_DELAY_SECONDS,
  openTimelock,
  passTime,
  type TimelockScene,
} from "../../timelock/timelock-scene.js";

const PAUSE = ["SkillProfile.pause()"];
const STRANGE_SALT = hashText("strange") as Hex;

/** `dr:status` as a whole, as the issue has it. */
const BUDGET = 15;
/** States and transactions; one more when answers come in another order. */
const MORE = 3;

for (const version of [4, 5] as const) {
  describe(`operations of a timelock of OpenZeppelin ${version}`, () => {
    const folder = useTemporaryFolder();
    let recovery: Recovery;
    let platform: Platform;
    let timelock: TimelockScene;

    beforeEach(async () => {
      recovery = await openRecovery(folder.path);
      const { connection } = recovery;
      platform = await deployPlatform(connection);
      timelock = await openTimelock(version, {}, connection);
      await handOver(connection, platform, timelock.address);
      await recovery.init(platformProxies(platform));
    });

    async function ports(): Promise<RecoveryPorts> {
      return (await recovery.session()).ports;
    }

    async function conduct(plan: Plan): Promise<ConductedRun> {
      return await conductPlan(plan, {
        folder: recovery.folder,
        clock: systemClock,
        toolVersion: "test",
      });
    }

    /** A process that dies in the middle of its only step. */
    async function conductAndDie(plan: Plan): Promise<string> {
      const steps = plan.steps.map((step) => ({
        ...step,
        check: async (log: Parameters<typeof step.check>[0]) =>
          await step.check(log),
        run: () => Promise.reject(new TypeError("killed")),
        verify: async () => {
          await step.verify();
        },
      }));
      const { run, outcome } = await conduct({ ...plan, steps });
      expect(outcome.status).to.equal("failed");
      return run;
    }

    async function stateOf(id: Hex): Promise<string> {
      const reader = await timelock.reader();
      return (await readOperationState(reader, timelock.address, id)).status;
    }

    async function pauseOperation(salt: Hex): Promise<Operation> {
      const data = await encode(recovery.connection, "SkillProfile", "pause");
      const calls = [{ to: platform.skillProfile, value: 0n, data }];
      return { calls, predecessor: NO_PREDECESSOR, salt };
    }

    it("go on after a crash, by dr:resume", async () => {
      const schedule = await prepareSchedule(await recovery.session(), {
        calls: PAUSE,
      });
      const { id } = schedule.resolution.intent;
      await recovery.dr.resume(await conductAndDie(schedule.plan));
      expect(await stateOf(id)).to.equal("waiting");
      const cancel = await prepareCancel(await recovery.session(), { id });
      await recovery.dr.resume(await conductAndDie(cancel.plan!));
      expect(await stateOf(id)).to.equal("unset");
      await conduct(
        (await prepareSchedule(await recovery.session(), { calls: PAUSE }))
          .plan,
      );
      await passTime(recovery.connection, MIN_DELAY_SECONDS);
      const execute = await prepareExecute(await recovery.session(), { id });
      await recovery.dr.resume(await conductAndDie(execute.plan!));
      expect(await stateOf(id)).to.equal("done");
    });

    it("aren't executed when they were cancelled since they were approved", async () => {
      const operation = await pauseOperation(STRANGE_SALT);
      const id = await timelock.schedule(operation);
      await passTime(recovery.connection, MIN_DELAY_SECONDS);
      const session = await recovery.session();
      const { plan } = await prepareExecute(session, { id });
      const { plan: cancel } = await prepareCancel(session, { id });
      await timelock.cancel(id);
      const { outcome } = await conduct(plan!);
      expect(outcome).to.have.nested.property("error.code", "PLAN_STALE");
      await timelock.schedule(operation);
      await passTime(recovery.connection, MIN_DELAY_SECONDS);
      await timelock.execute(operation);
      const cancelled = await conduct(cancel!);
      expect(cancelled.outcome).to.have.nested.property(
        "error.code",
        "PLAN_STALE",
      );
    });

    it("aren't scheduled when the least delay was raised since", async () => {
      const session = await recovery.session();
      const { plan } = await prepareSchedule(session, { calls: PAUSE });
      const raise = {
        calls: [
          {
            to: timelock.address,
            value: 0n,
            data: timelock.contract.interface.encodeFunctionData(
              "updateDelay",
              [7200n],
            ) as Hex,
          },
        ],
        predecessor: NO_PREDECESSOR,
        salt: STRANGE_SALT,
      };
      await timelock.schedule(raise);
      await passTime(recovery.connection, MIN_DELAY_SECONDS);
      await timelock.execute(raise);
      const { outcome } = await conduct(plan);
      expect(outcome).to.have.nested.property(
        "error.code",
        "OPERATION_DELAY_TOO_SHORT",
      );
    });

    for (const method of ["eth_estimateGas", "eth_sendTransaction"]) {
      it(`are done when somebody else is faster by a hair: before ${method}`, async () => {
        const operation = await pauseOperation(STRANGE_SALT);
        const id = await timelock.schedule(operation);
        await passTime(recovery.connection, MIN_DELAY_SECONDS);
        const session = await openSession(
          beforeFirst(method, recovery.source, async () => {
            const other = await signer(recovery.connection, 5);
            await timelock.send(encodeExecute(operation), other);
          }),
        );
        const { plan } = await prepareExecute(session, { id });
        const { outcome } = await conduct(plan!);
        expect(outcome).to.deep.equal({ status: "done" });
        expect(await stateOf(id)).to.equal("done");
      });
    }

    it("aren't done because they reverted", async () => {
      const operation = await pauseOperation(STRANGE_SALT);
      const id = await timelock.schedule(operation);
      await passTime(recovery.connection, MIN_DELAY_SECONDS);
      const session = await openSession(
        beforeFirst("eth_estimateGas", recovery.source, async () => {
          const earlier = await pauseOperation(hashText("earlier") as Hex);
          await timelock.schedule(earlier);
          await passTime(recovery.connection, MIN_DELAY_SECONDS);
          await timelock.execute(earlier);
        }),
      );
      const { plan } = await prepareExecute(session, { id });
      const { outcome } = await conduct(plan!);
      expect(outcome).to.have.nested.property(
        "error.code",
        "CALL_WOULD_REVERT",
      );
    });

    it("need their salt from a person where nothing tells it", async () => {
      const operation = await pauseOperation(STRANGE_SALT);
      const id = await timelock.schedule(operation);
      await passTime(recovery.connection, MIN_DELAY_SECONDS);
      const own = await ports();
      const topic = timelock.contract.interface.getEvent("CallSalt")?.topicHash;
      const silent: RecoveryPorts = {
        ...own,
        rpc: {
          network: own.rpc.network,
          request: async (method, params) => {
            const answer = await own.rpc.request(method, params);
            return method === "eth_getLogs"
              ? (answer as { topics: Hex[] }[]).filter(
                  ({ topics }) => topics[0] !== topic,
                )
              : answer;
          },
          batch: async (requests) =>
            await new AlteredRpc(own.rpc, ({ method }) =>
              method === "eth_getTransactionByHash"
                ? { ok: true, result: null }
                : undefined,
            ).batch(requests),
        },
      };
      expect(
        await codeOf(async () => await resolveExecute(silent, { id })),
      ).to.equal("OPERATION_SALT_UNKNOWN");
      expect(
        await codeOf(
          async () =>
            await resolveExecute(silent, {
              id,
              salt: hashText("wrong") as Hex,
            }),
        ),
      ).to.equal("OPERATION_SALT_WRONG");
      const found = await resolveExecute(silent, { id, salt: STRANGE_SALT });
      expect(found)
        .to.have.nested.property("intent.data")
        .that.equals(encodeExecute(operation));
      // To cancel it nobody needs the salt.
      const cancel = await resolveCancel(silent, { id });
      expect(cancel.status).to.equal("ready");
    });

    it("are shown although they wait for longer than a calendar has", async () => {
      const operation = await pauseOperation(STRANGE_SALT);
      await timelock.send(encodeSchedule(operation, 2n ** 200n));
      const { operations } = await readStatus(await ports());
      expect(operations[0]).to.include({
        id: hashOperation(operation),
        status: "waiting",
      });
      const refusal = await refusalOf(
        async () =>
          await resolveExecute(await ports(), { id: hashOperation(operation) }),
      );
      expect(refusal.code).to.equal("OPERATION_NOT_READY");
    });

    it("are labelled by the names of deploy.json", async () => {
      const { implementations, proxyAdmin, skillProfile } = platform;
      const upgrade = `upgradeAndCall(${skillProfile}, ${implementations.skillProfile}, 0x)`;
      const { intent } = await resolveSchedule(await ports(), {
        calls: [
          `${proxyAdmin}.${upgrade}`,
          'SkillProfile.register(string,string)("ada", "smith")',
          `${skillProfile}.unheardOf(uint256)(5)`,
        ],
      });
      expect(intent.calls.map(({ label }) => label)).to.deep.equal([
        `SkillProfile's ProxyAdmin.upgradeAndCall(${skillProfile} (SkillProfile), ${implementations.skillProfile} (SkillProfile 1.0.0), 0x)`,
        'SkillProfile.register("ada", "smith")',
        `SkillProfile with data ${intent.calls[2]!.data}`,
      ]);
    });

    it("cost a status few round trips, however many there are", async () => {
      const own = await ports();
      const measure = async () => {
        const rpc = new CountingRpc(own.rpc);
        const { operations } = await readStatus({ ...own, rpc });
        return { count: rpc.roundTrips, operations: operations.length };
      };
      const none = await measure();
      for (let index = 0; index < 20; index += 1) {
        const salt = hashText(String(index)) as Hex;
        await timelock.schedule(await pauseOperation(salt));
      }
      const many = await measure();
      expect(many.operations).to.equal(20);
      expect(many.count)
        .to.be.at.most(none.count + MORE)
        .and.at.most(BUDGET);
    });

    it("are of no timelock when none is named and none is over the contracts", async () => {
      const other = await openRecovery(join(folder.path, "other"));
      const owned = await deployPlatform(other.connection);
      await other.init(platformProxies(owned));
      const { ports: alone } = await other.session();
      const refusal = await refusalOf(
        async () => await resolveSchedule(alone, { calls: PAUSE }),
      );
      expect(refusal.code).to.equal("TIMELOCK_NOT_NAMED");
      const { operations, governance } = await readOperations(alone, {
        all: true,
      });
      expect(operations).to.deep.equal([]);
      expect(governance).to.deep.equal({ timelocks: [], managers: [] });
    });

    it("are sent by the account that has the role, whichever it is", async () => {
      const other = await signer(recovery.connection, 4);
      const role = hashText("PROPOSER_ROLE");
      const grant = {
        calls: ["grantRole", "revokeRole"].map((method, index) => ({
          to: timelock.address,
          value: 0n,
          data: timelock.contract.interface.encodeFunctionData(method, [
            role,
            [other.address, platform.owner][index],
          ]) as Hex,
        })),
        predecessor: NO_PREDECESSOR,
        salt: STRANGE_SALT,
      };
      await timelock.schedule(grant);
      await passTime(recovery.connection, MIN_DELAY_SECONDS);
      await timelock.execute(grant);
      const { intent } = await resolveSchedule(await ports(), { calls: PAUSE });
      expect(intent.route).to.deep.equal({
        kind: "direct",
        from: other.address as Address,
      });
    });
  });
}

/** The same chain, on which something happens right before the first such request. */
function beforeFirst(
  method: string,
  source: SessionSource,
  happens: () => Promise<void>,
): SessionSource {
  let isDue = true;
  const request: SessionSource["provider"]["request"] = async (asked) => {
    if (asked.method === method && isDue) {
      isDue = false;
      await happens();
    }
    return (await source.provider.request(asked)) as unknown;
  };
  const provider = Object.assign(
    Object.create(source.provider) as SessionSource["provider"],
    { request },
  );
  return { ...source, provider };
}
