import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import type { Address } from "../../src/core/hex.js";
import { encodeManagedSchedule } from "../../src/timelock/managed-operation.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { contractAt, read, send, signer } from "../helpers/contracts.js";
import { deploySafe, executeAsSafe } from "../helpers/deploy-governance.js";
import {
  openManaged,
  PAUSER_ROLE,
  ROLE_DELAY_SECONDS,
} from "../timelock/managed-scene.js";
import { passTime } from "../timelock/timelock-scene.js";
import { openProject } from "./project.js";
import {
  MIN_DELAY_SECONDS,
  openTimelockTasks,
  type TimelockJson,
  type TimelockTasks,
} from "./timelock-scene.js";

const DONE = 0;
const WAITING = 4;
const PAUSE = ["SkillProfile.pause()"];

describe("operations by hand, for those whose role is a Safe's", () => {
  const folder = useTemporaryFolder();

  afterEach(() => {
    process.exitCode = undefined;
  });

  async function ownersOf(connection: TimelockTasks["connection"]) {
    return await Promise.all(
      [1, 2, 3].map(async (index) => await signer(connection, index)),
    );
  }

  /** Proposer, canceller and executor is a Safe, 2 of 3. */
  async function open(): Promise<TimelockTasks> {
    return await openTimelockTasks(folder.path, {
      holders: async (connection) => {
        const owners = await ownersOf(connection);
        return await deploySafe(connection, {
          owners: owners.map(({ address }) => address as Address),
          threshold: 2,
        });
      },
    });
  }

  /** As somebody who has one owner's key. */
  async function ownerOf({ connection }: TimelockTasks): Promise<string> {
    return (await signer(connection, 1)).address;
  }

  async function signAsAnother({ run, connection }: TimelockTasks) {
    const safe = join(folder.path, "deployments/default/safe");
    const names = await readdir(safe);
    const { address } = await signer(connection, 2);
    for (const name of names) {
      const proposal = name.replace(".json", "");
      await run("dr:safe:sign", { proposal, from: address });
    }
  }

  it("are scheduled once its owners have signed, and once only", async () => {
    const scene = await open();
    const { run } = scene;
    const from = await ownerOf(scene);
    const scheduled = await run("dr:timelock:schedule", { calls: PAUSE, from });
    expect(scheduled.error).to.equal(undefined);
    expect(scheduled).to.include({ status: "waiting", readyAt: null });
    expect(process.exitCode).to.equal(WAITING);
    const before = await run("dr:timelock:status", { timelock: "" });
    expect(before.operations).to.deep.equal([]);
    await signAsAnother(scene);
    const resumed = await run("dr:resume", { from });
    expect(resumed.status).to.equal("done");
    const { operations } = await run("dr:timelock:status", { timelock: "" });
    expect(operations).to.have.lengthOf(1);
    expect(operations[0]).to.include({
      id: scheduled.id,
      status: "waiting",
      run: scheduled.run,
      stranger: false,
    });
  });

  it("are executed and cancelled by it", async () => {
    const scene = await open();
    const { run, connection, platform } = scene;
    // All keys are here: nothing to wait for.
    const first = await run("dr:timelock:schedule", { calls: PAUSE });
    expect(first.status).to.equal("done");
    await passTime(connection, MIN_DELAY_SECONDS);
    const from = await ownerOf(scene);
    const waiting = await run("dr:timelock:execute", { id: first.id, from });
    expect(waiting.status).to.equal("waiting");
    await signAsAnother(scene);
    expect((await run("dr:resume", { from })).status).to.equal("done");
    const profile = await contractAt(
      connection,
      "SkillProfile",
      platform.skillProfile,
    );
    expect(await read(profile, "paused")).to.equal(true);

    const second = await run("dr:timelock:schedule", {
      calls: ["SkillProfile.unpause()"],
    });
    const cancelled = await run("dr:timelock:cancel", { id: second.id });
    expect(cancelled.status).to.equal("done");
    expect(process.exitCode).to.equal(DONE);
    const { operations } = await run("dr:timelock:status", { timelock: "" });
    expect(operations).to.deep.equal([]);
  });

  it("tell why an execution would fail, and not that somebody else must", async () => {
    const scene = await open();
    const { run, connection } = scene;
    await run("dr:timelock:schedule", { calls: PAUSE });
    const unpause = await run("dr:timelock:schedule", {
      calls: ["SkillProfile.unpause()"],
    });
    await passTime(connection, MIN_DELAY_SECONDS);
    const { error } = await run("dr:timelock:execute", { id: unpause.id });
    expect(error?.code).to.equal("OPERATION_WOULD_REVERT");
    expect(error?.message).to.include("ExpectedPause");
  });

  it("are executed in an AccessManager by the Safe that scheduled them", async () => {
    const hre = await openProject(folder.path);
    const connection = await hre.network.getOrCreate();
    const scene = await openManaged(connection);
    const owners = await ownersOf(connection);
    const safe = await deploySafe(connection, {
      owners: owners.map(({ address }) => address as Address),
      threshold: 2,
    });
    await send(connection, scene.contract, "grantRole", [
      PAUSER_ROLE,
      safe,
      ROLE_DELAY_SECONDS,
    ]);
    await connection.dr.init({ Managed: scene.target });
    await executeAsSafe(connection, safe, owners.slice(0, 2), {
      to: scene.manager,
      data: encodeManagedSchedule(scene.target, scene.pause),
    });
    await passTime(connection, Number(ROLE_DELAY_SECONDS));
    const run = async (task: string, args: object) =>
      (await hre.tasks
        .getTask(task)
        .run({ json: true, ...args })) as TimelockJson;
    const { operations } = await run("dr:timelock:status", { timelock: "" });
    const { id } = operations[0]!;
    const executed = await run("dr:timelock:execute", { id, yes: true });
    expect(executed.error).to.equal(undefined);
    expect(executed.status).to.equal("done");
    const target = await contractAt(
      connection,
      "ManagedPausable",
      scene.target,
    );
    expect(await read(target, "paused")).to.equal(true);
  });
});
