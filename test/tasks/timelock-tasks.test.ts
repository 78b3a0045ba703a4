import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import { id as hashText } from "ethers";

import { ZERO_ADDRESS, type Hex } from "../../src/core/hex.js";
import {
  encodeCancel,
  encodeExecute,
  encodeSchedule,
  hashOperation,
  NO_PREDECESSOR,
  type Operation,
} from "../../src/timelock/operation.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { contractAt, encode, read, signer } from "../helpers/contracts.js";
import { passTime } from "../timelock/timelock-scene.js";
import {
  MIN_DELAY_SECONDS,
  openTimelockTasks,
  type TimelockTasks,
} from "./timelock-scene.js";

const PAUSE = ["SkillProfile.pause()"];

for (const version of [4, 5] as const) {
  describe(`the tasks of a timelock of OpenZeppelin ${version}`, () => {
    const folder = useTemporaryFolder();
    let scene: TimelockTasks;

    beforeEach(async () => {
      scene = await openTimelockTasks(folder.path, { version });
    });

    afterEach(() => {
      process.exitCode = undefined;
    });

    async function pauseOperation(salt: Hex): Promise<Operation> {
      const { connection, platform } = scene;
      const data = await encode(connection, "SkillProfile", "pause");
      const calls = [{ to: platform.skillProfile, value: 0n, data }];
      return { calls, predecessor: NO_PREDECESSOR, salt };
    }

    /** As somebody who uses another tool. */
    async function sendToTimelock(data: Hex, index = 0): Promise<Hex> {
      const { connection, timelock } = scene;
      const from = await signer(connection, index);
      const sent = await from.sendTransaction({ to: timelock, data });
      await sent.wait();
      return sent.hash as Hex;
    }

    async function isPaused(): Promise<unknown> {
      const { connection, platform } = scene;
      const { skillProfile } = platform;
      const contract = await contractAt(
        connection,
        "SkillProfile",
        skillProfile,
      );
      return await read(contract, "paused");
    }

    async function expectRefusal(
      task: string,
      args: Readonly<Record<string, unknown>>,
      code: string,
      exitCode = 3,
    ): Promise<string> {
      const { error } = await scene.run(task, args);
      expect(error?.code, error?.message).to.equal(code);
      expect(process.exitCode).to.equal(exitCode);
      return `${error?.message ?? ""} ${error?.fix ?? ""}`;
    }

    it("schedule, wait, execute, and say so when it is done already", async () => {
      const { run, connection, timelock } = scene;
      const scheduled = await run("dr:timelock:schedule", { calls: PAUSE });
      expect(scheduled.status).to.equal("done");
      const { id } = scheduled;
      expect(id).to.equal(hashOperation(await pauseOperation(scheduled.salt)));
      const waiting = await run("dr:timelock:status", { timelock: "" });
      expect(waiting.timelocks).to.deep.equal([timelock]);
      expect(waiting.operations).to.have.length(1);
      expect(waiting.operations[0]).to.deep.include({
        id,
        contract: timelock,
        status: "waiting",
        readyAt: scheduled.readyAt,
        run: scheduled.run,
        stranger: false,
        salt: scheduled.salt,
      });
      expect(waiting.operations[0]?.calls[0]?.label).to.equal(
        "SkillProfile.pause()",
      );
      const words = await expectRefusal(
        "dr:timelock:execute",
        { id },
        "OPERATION_NOT_READY",
        4,
      );
      expect(words)
        .to.match(/another \d+ s/)
        .and.contain(scheduled.readyAt);
      await passTime(connection, MIN_DELAY_SECONDS);
      const executed = await run("dr:timelock:execute", { id });
      expect(executed).to.include({ status: "done", already: false });
      expect(process.exitCode).to.equal(0);
      expect(await isPaused()).to.equal(true);
      const again = await run("dr:timelock:execute", { id });
      expect(again).to.include({ run: null, already: true, tx: executed.tx });
      expect(process.exitCode).to.equal(0);
      const left = await run("dr:timelock:status", { timelock });
      expect(left.operations).to.deep.equal([]);
      const all = await run("dr:timelock:status", { timelock, all: true });
      expect(all.operations[0]).to.include({
        status: "done",
        endedTx: executed.tx,
      });
    });

    it("schedule the same once more only after it is done", async () => {
      const { run, connection } = scene;
      const first = await run("dr:timelock:schedule", { calls: PAUSE });
      await expectRefusal(
        "dr:timelock:schedule",
        { calls: PAUSE },
        "OPERATION_ALREADY_SCHEDULED",
      );
      await passTime(connection, MIN_DELAY_SECONDS);
      await run("dr:timelock:execute", { id: first.id });
      const second = await run("dr:timelock:schedule", { calls: PAUSE });
      expect(second.id).to.not.equal(first.id);
      await expectRefusal(
        "dr:timelock:schedule",
        { calls: PAUSE, salt: first.salt },
        "OPERATION_ALREADY_DONE",
      );
    });

    it("schedule several calls as one, with what is given", async () => {
      const { run, connection, timelock } = scene;
      const salt = hashText("given");
      const predecessor = hashText("before");
      const { id, status } = await run("dr:timelock:schedule", {
        calls: [...PAUSE, "timelock.updateDelay(7200)"],
        salt,
        predecessor,
        delay: "7200",
        timelock,
      });
      expect(status).to.equal("done");
      const { operations } = await run("dr:timelock:status", { timelock });
      expect(operations[0]).to.include({ id, salt, predecessor });
      expect(operations[0]?.calls.map(({ label }) => label)).to.deep.equal([
        "SkillProfile.pause()",
        "timelock.updateDelay(7200)",
      ]);
      await passTime(connection, 7200);
      const words = await expectRefusal(
        "dr:timelock:execute",
        { id },
        "OPERATION_PREDECESSOR_NOT_DONE",
      );
      expect(words).to.contain(predecessor);
    });

    it("cancel, and say so when it is cancelled already", async () => {
      const { run } = scene;
      const { id } = await run("dr:timelock:schedule", { calls: PAUSE });
      const cancelled = await run("dr:timelock:cancel", { id });
      expect(cancelled).to.include({ status: "done", already: false });
      const again = await run("dr:timelock:cancel", { id });
      expect(again).to.include({ already: true, tx: cancelled.tx });
      expect(process.exitCode).to.equal(0);
      const words = await expectRefusal(
        "dr:timelock:execute",
        { id },
        "OPERATION_CANCELLED",
      );
      expect(words).to.contain(cancelled.tx);
      const repeated = await run("dr:timelock:schedule", { calls: PAUSE });
      expect(repeated.id).to.equal(id);
    });

    it("don't cancel what is done", async () => {
      const { run, connection } = scene;
      const { id } = await run("dr:timelock:schedule", { calls: PAUSE });
      await passTime(connection, MIN_DELAY_SECONDS);
      await run("dr:timelock:execute", { id });
      await expectRefusal(
        "dr:timelock:cancel",
        { id },
        "OPERATION_ALREADY_DONE",
      );
    });

    it("put strangers' operations first, also when we dealt with them", async () => {
      const { run, connection, timelock } = scene;
      const own = await run("dr:timelock:schedule", { calls: PAUSE });
      const strange = await pauseOperation(hashText("strange") as Hex);
      await sendToTimelock(encodeSchedule(strange, 4000n));
      // Our own speaks of the stranger's id, which doesn't make that ours.
      await run("dr:timelock:schedule", {
        calls: ["timelock.updateDelay(1)"],
        predecessor: hashOperation(strange),
      });
      const { operations } = await run("dr:status", { names: [] });
      expect(operations.map(({ stranger }) => stranger)).to.deep.equal([
        true,
        false,
        false,
      ]);
      expect(operations[0]).to.include({
        id: hashOperation(strange),
        run: null,
        scheduledBy: (await signer(connection)).address,
      });
      expect(operations[1]).to.include({ id: own.id, run: own.run });
      await run("dr:timelock:cancel", { id: hashOperation(strange) });
      const all = await run("dr:timelock:status", { timelock, all: true });
      const cancelled = all.operations.find(
        ({ status }) => status === "cancelled",
      );
      expect(cancelled).to.include({ stranger: true });
    });

    it("refuse what can't be scheduled", async () => {
      const cases: readonly [Readonly<Record<string, unknown>>, string][] = [
        [{ delay: "3599" }, "OPERATION_DELAY_TOO_SHORT"],
        [{ delay: "-1" }, "OPTION_INVALID"],
        [{ salt: "0x12" }, "OPTION_INVALID"],
        [{ predecessor: "0x12" }, "OPTION_INVALID"],
        [{ timelock: "0x12" }, "OPTION_INVALID"],
        [{ timelock: scene.platform.proxyAdmin }, "NOT_A_TIMELOCK"],
        [{ calls: [] }, "CALL_INVALID"],
        [{ calls: ["SkillProfile.nothing()"] }, "CALL_INVALID"],
        [{ calls: ["Nobody.pause()"] }, "CONTRACT_UNKNOWN"],
      ];
      for (const [args, code] of cases) {
        await expectRefusal(
          "dr:timelock:schedule",
          { calls: PAUSE, ...args },
          code,
        );
      }
      const { operations } = await scene.run("dr:timelock:status", {
        timelock: "",
      });
      expect(operations).to.deep.equal([]);
    });

    it("refuse ids that nobody scheduled, and what is no id", async () => {
      const id = hashText("nothing");
      const { platform, timelock } = scene;
      for (const task of ["dr:timelock:execute", "dr:timelock:cancel"]) {
        const words = await expectRefusal(task, { id }, "OPERATION_UNKNOWN");
        expect(words).to.contain(timelock);
        await expectRefusal(task, { id: "0x12" }, "OPTION_INVALID");
        await expectRefusal(
          task,
          { id, timelock: platform.skillProfile },
          "NOT_A_TIMELOCK",
        );
      }
    });

    it("refuse an execution that would revert, with the reason", async () => {
      const { run, connection } = scene;
      const { id } = await run("dr:timelock:schedule", {
        calls: ["SkillProfile.unpause()"],
      });
      await passTime(connection, MIN_DELAY_SECONDS);
      const words = await expectRefusal(
        "dr:timelock:execute",
        { id },
        "OPERATION_WOULD_REVERT",
      );
      expect(words).to.contain("ExpectedPause");
    });

    it("take an execution by somebody else for success", async () => {
      const { run, connection } = scene;
      const { id, salt } = await run("dr:timelock:schedule", { calls: PAUSE });
      await passTime(connection, MIN_DELAY_SECONDS);
      const planned = await run("dr:timelock:execute", { id, dryRun: true });
      expect(planned).to.include({ status: "planned", run: null });
      expect(await isPaused()).to.equal(false);
      const operation = await pauseOperation(salt);
      const tx = await sendToTimelock(encodeExecute(operation), 5);
      const executed = await run("dr:timelock:execute", { id });
      expect(executed).to.include({ already: true, tx });
      expect(process.exitCode).to.equal(0);
    });

    it("see what stands in the way of deploy.json's timelock", async () => {
      const { run, connection, platform } = scene;
      const path = join(
        folder.path,
        "deployments",
        connection.networkName,
        "deploy.json",
      );
      const file = JSON.parse(await readFile(path, "utf8")) as object;
      const governance = { timelock: platform.skillProfile };
      await writeFile(path, JSON.stringify({ ...file, governance }));
      const status = await run("dr:status", { names: [] });
      expect(status.operationsProblem?.code).to.equal("NOT_A_TIMELOCK");
      expect(status.operations).to.deep.equal([]);
      await expectRefusal(
        "dr:timelock:schedule",
        { calls: PAUSE },
        "NOT_A_TIMELOCK",
      );
    });
  });

  describe(`the tasks of a timelock of OpenZeppelin ${version} that others hold`, () => {
    const folder = useTemporaryFolder();

    afterEach(() => {
      process.exitCode = undefined;
    });

    it("say who may, and the exact call", async () => {
      const first = await openTimelockTasks(folder.path, { version });
      const { connection, platform } = first;
      // Code that nobody knows.
      const holder = platform.implementations.endorsement;
      const nobodys = await first.run("dr:timelock:schedule", {
        calls: [
          `timelock.grantRole(${hashText("PROPOSER_ROLE")}, ${holder})`,
          `timelock.grantRole(${hashText("CANCELLER_ROLE")}, ${holder})`,
          `timelock.grantRole(${hashText("EXECUTOR_ROLE")}, ${holder})`,
          `timelock.revokeRole(${hashText("EXECUTOR_ROLE")}, ${ZERO_ADDRESS})`,
          `timelock.revokeRole(${hashText("CANCELLER_ROLE")}, ${platform.owner})`,
        ],
      });
      const { id } = await first.run("dr:timelock:schedule", { calls: PAUSE });
      await passTime(connection, MIN_DELAY_SECONDS);
      await first.run("dr:timelock:execute", { id: nobodys.id });
      const refusals = [
        await first.run("dr:timelock:execute", { id }),
        await first.run("dr:timelock:cancel", { id }),
        await first.run("dr:timelock:schedule", {
          calls: PAUSE,
          from: (await signer(connection, 1)).address,
          salt: hashText("another"),
        }),
      ];
      for (const { error } of refusals) {
        expect(error?.code).to.equal("AUTHORITY_ELSEWHERE");
        expect(error?.message).to.contain(holder);
        expect(error?.fix).to.contain(`to ${first.timelock}`);
      }
      expect(refusals[1]?.error?.fix).to.contain(encodeCancel(id));
      expect(process.exitCode).to.equal(3);
    });
  });
}
