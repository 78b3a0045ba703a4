import { expect } from "chai";

import type { Address } from "../../src/core/hex.js";
import {
  encodeManagedSchedule,
  hashManagedOperation,
} from "../../src/timelock/managed-operation.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { contractAt, read, send } from "../helpers/contracts.js";
import {
  openManaged,
  PAUSER_ROLE,
  ROLE_DELAY_SECONDS,
  type ManagedScene,
} from "../timelock/managed-scene.js";
import { passTime } from "../timelock/timelock-scene.js";
import { openProject } from "./project.js";
import type { TimelockJson } from "./timelock-scene.js";

const WEEK_SECONDS = 604_800n;

describe("the tasks of an AccessManager's operations", () => {
  const folder = useTemporaryFolder();
  let scene: ManagedScene;
  let id: string;
  let run: (
    task: string,
    args?: Readonly<Record<string, unknown>>,
  ) => Promise<TimelockJson>;

  beforeEach(async () => {
    const hre = await openProject(folder.path);
    const connection = await hre.network.getOrCreate();
    scene = await openManaged(connection);
    const { target, member, pause } = scene;
    await connection.dr.init({ Managed: target });
    id = hashManagedOperation(member.address as Address, target, pause);
    run = async (task, args = {}) =>
      (await hre.tasks.getTask(task).run({
        json: true,
        ...(task.endsWith("status") ? {} : { yes: true }),
        ...args,
      })) as TimelockJson;
  });

  afterEach(() => {
    process.exitCode = undefined;
  });

  async function schedule(): Promise<void> {
    const { target, pause, member } = scene;
    await scene.send(encodeManagedSchedule(target, pause), member);
  }

  it("show them, with what they do and whose they are", async () => {
    await schedule();
    for (const task of ["dr:status", "dr:timelock:status"]) {
      const args = task === "dr:status" ? { names: [] } : { timelock: "" };
      const { operations } = await run(task, args);
      expect(operations[0]).to.deep.include({
        kind: "access-manager",
        contract: scene.manager,
        id,
        status: "waiting",
        stranger: true,
        scheduledBy: scene.member.address,
      });
      expect(operations[0]?.calls[0]?.label).to.equal("Managed.pause()");
    }
    const named = await run("dr:timelock:status", { timelock: scene.manager });
    expect(named.accessManagers).to.deep.equal([scene.manager]);
    expect(named.operations).to.have.length(1);
  });

  it("execute one, once, by its caller", async () => {
    await schedule();
    const early = await run("dr:timelock:execute", { id });
    expect(early.error?.code).to.equal("OPERATION_NOT_READY");
    expect(process.exitCode).to.equal(4);
    await passTime(scene.connection, ROLE_DELAY_SECONDS);
    // Who may do the same at once may not do it for somebody else.
    const from = scene.stranger.address;
    await send(scene.connection, scene.contract, "grantRole", [
      PAUSER_ROLE,
      from,
      0,
    ]);
    const foreign = await run("dr:timelock:execute", { id, from });
    expect(foreign.error?.code).to.equal("AUTHORITY_ELSEWHERE");
    expect(foreign.error?.message).to.contain(scene.member.address);
    const executed = await run("dr:timelock:execute", { id });
    expect(executed).to.include({ status: "done", already: false });
    const contract = await contractAt(
      scene.connection,
      "ManagedPausable",
      scene.target,
    );
    expect(await read(contract, "paused")).to.equal(true);
    const again = await run("dr:timelock:execute", { id });
    expect(again).to.include({ already: true, tx: executed.tx });
    const late = await run("dr:timelock:cancel", { id });
    expect(late.error?.code).to.equal("OPERATION_ALREADY_DONE");
  });

  it("cancel one, as its guardian, and nobody else", async () => {
    await schedule();
    const foreign = await run("dr:timelock:cancel", {
      id,
      from: scene.stranger.address,
    });
    expect(foreign.error?.code).to.equal("AUTHORITY_ELSEWHERE");
    const cancelled = await run("dr:timelock:cancel", {
      id,
      from: scene.guardian.address,
    });
    expect(cancelled.status).to.equal("done");
    const gone = await run("dr:timelock:execute", { id });
    expect(gone.error?.code).to.equal("OPERATION_CANCELLED");
    expect(gone.error?.message).to.contain(cancelled.tx);
    const again = await run("dr:timelock:cancel", { id });
    expect(again).to.include({ already: true, tx: cancelled.tx });
    await schedule();
    const { operations } = await run("dr:timelock:status", { timelock: "" });
    expect(operations.map(({ status }) => status)).to.deep.equal(["waiting"]);
  });

  it("refuse one that has expired", async () => {
    await schedule();
    await passTime(scene.connection, ROLE_DELAY_SECONDS + WEEK_SECONDS);
    for (const task of ["dr:timelock:execute", "dr:timelock:cancel"]) {
      const { error } = await run(task, { id });
      expect(error?.code).to.equal("OPERATION_EXPIRED");
      expect(process.exitCode).to.equal(3);
    }
    const { operations } = await run("dr:timelock:status", {
      timelock: "",
      all: true,
    });
    expect(operations.map(({ status }) => status)).to.deep.equal(["expired"]);
  });

  it("refuse one that would revert", async () => {
    await schedule();
    await passTime(scene.connection, ROLE_DELAY_SECONDS);
    await run("dr:timelock:execute", { id });
    await schedule();
    await passTime(scene.connection, ROLE_DELAY_SECONDS);
    const { error } = await run("dr:timelock:execute", { id });
    expect(error?.code).to.equal("OPERATION_WOULD_REVERT");
    expect(error?.message).to.contain("EnforcedPause");
  });
});
