import { expect } from "chai";

import type { Address, Hex } from "../../src/core/hex.js";
import {
  encodeManagedCancel,
  encodeManagedExecute,
  encodeManagedSchedule,
  hashManagedOperation,
  readExpirationSeconds,
  readGuardianRole,
  readMinSetbackSeconds,
  readNonce,
  readSchedule,
  type Schedule,
} from "../../src/timelock/managed-operation.js";
import { codeOf } from "../deployments/refusal.js";
import { contractAt, read, revertOf } from "../helpers/contracts.js";
import {
  GUARDIAN_ROLE,
  openManaged,
  ROLE_DELAY_SECONDS,
  type ManagedScene,
} from "./managed-scene.js";
import { passTime } from "./timelock-scene.js";

const WEEK_SECONDS = 604_800n;

describe("an operation of an AccessManager", () => {
  let scene: ManagedScene;
  let id: Hex;

  beforeEach(async () => {
    scene = await openManaged();
    const { member, target, pause } = scene;
    id = hashManagedOperation(member.address as Address, target, pause);
  });

  async function scheduleNow(): Promise<void> {
    const { target, pause, member } = scene;
    await scene.send(encodeManagedSchedule(target, pause), member);
  }

  async function scheduled(): Promise<Schedule | undefined> {
    return await readSchedule(await scene.reader(), scene.manager, id);
  }

  async function isPaused(): Promise<unknown> {
    const { connection, target } = scene;
    const contract = await contractAt(connection, "ManagedPausable", target);
    return await read(contract, "paused");
  }

  it("has the id that the contract gives it", async () => {
    const { contract, member, target, pause } = scene;
    expect(id).to.equal(
      await read(contract, "hashOperation", [member.address, target, pause]),
    );
  });

  it("is scheduled, executed after the delay, and no longer scheduled", async () => {
    const { target, pause, member, contract } = scene;
    expect(await scheduled()).to.equal(undefined);
    await scheduleNow();
    const readyAt = await read(contract, "getSchedule", [id]);
    expect(await scheduled()).to.deep.equal({ readyAt });
    const { block } = await scene.reader();
    expect(readyAt).to.equal(block.timestamp + ROLE_DELAY_SECONDS);
    await passTime(scene.connection, ROLE_DELAY_SECONDS);
    await scene.send(encodeManagedExecute(target, pause), member);
    expect(await isPaused()).to.equal(true);
    expect(await scheduled()).to.equal(undefined);
  });

  it("can wait longer than it must", async () => {
    const { target, pause, member } = scene;
    const { block } = await scene.reader();
    const when = block.timestamp + 10n * ROLE_DELAY_SECONDS;
    await scene.send(encodeManagedSchedule(target, pause, when), member);
    expect(await scheduled()).to.deep.equal({ readyAt: when });
  });

  it("expires a week after it was ready, and may be scheduled again", async () => {
    const reader = await scene.reader();
    expect(await readExpirationSeconds(reader, scene.manager)).to.equal(
      WEEK_SECONDS,
    );
    await scheduleNow();
    await passTime(scene.connection, ROLE_DELAY_SECONDS + WEEK_SECONDS - 1n);
    expect(await scheduled()).to.not.equal(undefined);
    await passTime(scene.connection, 1n);
    expect(await scheduled()).to.equal(undefined);
    expect(await readNonce(await scene.reader(), scene.manager, id)).to.equal(
      1n,
    );
    await scheduleNow();
    expect(await scheduled()).to.not.equal(undefined);
    expect(await readNonce(await scene.reader(), scene.manager, id)).to.equal(
      2n,
    );
  });

  it("is cancelled by its caller and by the role's guardian, by nobody else", async () => {
    const { contract, member, guardian, stranger, target, pause } = scene;
    const caller = member.address as Address;
    const cancel = encodeManagedCancel(caller, target, pause);
    for (const canceller of [member, guardian]) {
      await scheduleNow();
      await scene.send(cancel, canceller);
      expect(await scheduled()).to.equal(undefined);
    }
    await scheduleNow();
    const asStranger = await contractAt(
      scene.connection,
      "@openzeppelin/contracts/access/manager/AccessManager.sol:AccessManager",
      (await contract.getAddress()) as Address,
      stranger,
    );
    expect(
      await revertOf(asStranger, "cancel", [caller, target, pause]),
    ).to.equal("AccessManagerUnauthorizedCancel");
  });

  it("has a guardian, and role delays that only shrink slowly", async () => {
    const { manager, target, pause, contract } = scene;
    const reader = await scene.reader();
    const selector = pause.slice(0, 10) as Hex;
    expect(await readGuardianRole(reader, manager, target, selector)).to.equal(
      GUARDIAN_ROLE,
    );
    expect(await readMinSetbackSeconds(reader, manager)).to.equal(
      await read(contract, "minSetback"),
    );
  });

  it("isn't made up for what is no AccessManager", async () => {
    const reader = await scene.reader();
    const nowhere = scene.member.address as Address;
    for (const ask of [
      async () => await readSchedule(reader, nowhere, id),
      async () => await readNonce(reader, nowhere, id),
      async () => await readExpirationSeconds(reader, scene.target),
    ]) {
      expect(await codeOf(ask)).to.equal("NOT_AN_ACCESS_MANAGER");
    }
  });
});
