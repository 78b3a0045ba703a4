import { expect } from "chai";

import { RpcResponseError } from "../../src/chain/rpc.js";
import type { Address, Hex } from "../../src/core/hex.js";
import {
  encodeManagedCancel,
  encodeManagedExecute,
  encodeManagedSchedule,
} from "../../src/timelock/managed-operation.js";
import {
  listManagedOperations,
  type ListedManagedOperation,
} from "../../src/timelock/managed-operation-log.js";
import { AlteredRpc } from "../authority/altered-rpc.js";
import { codeOf } from "../deployments/refusal.js";
import { read } from "../helpers/contracts.js";
import {
  openManaged,
  ROLE_DELAY_SECONDS,
  type ManagedScene,
} from "./managed-scene.js";
import { passTime } from "./timelock-scene.js";

const WEEK_SECONDS = 604_800n;

describe("the operations of an AccessManager", () => {
  let scene: ManagedScene;

  beforeEach(async () => {
    scene = await openManaged();
  });

  async function list(
    wanted: "all" | "pending" = "all",
  ): Promise<readonly ListedManagedOperation[]> {
    return await listManagedOperations(
      await scene.reader(),
      scene.manager,
      0n,
      wanted,
    );
  }

  async function schedule(): Promise<Hex> {
    const { target, pause, member } = scene;
    return await scene.send(encodeManagedSchedule(target, pause), member);
  }

  it("are waiting, then ready, then expired", async () => {
    const { contract, connection } = scene;
    const tx = await schedule();
    const [waiting] = await list();
    const readyAt = await read(contract, "getSchedule", [waiting!.id]);
    expect(waiting).to.deep.include({
      nonce: 1n,
      caller: scene.member.address,
      target: scene.target,
      data: scene.pause,
      state: { status: "waiting", readyAt },
    });
    expect(waiting!.scheduledAt).to.deep.include({
      tx,
      sender: scene.member.address,
    });
    await passTime(connection, ROLE_DELAY_SECONDS - 1n);
    expect((await list())[0]!.state.status).to.equal("waiting");
    await passTime(connection, 1n);
    const expiresAt = (readyAt as bigint) + WEEK_SECONDS;
    expect((await list())[0]!.state).to.deep.equal({
      status: "ready",
      readyAt,
      expiresAt,
    });
    await passTime(connection, WEEK_SECONDS - 1n);
    expect((await list("pending"))[0]!.state.status).to.equal("ready");
    await passTime(connection, 1n);
    expect((await list())[0]!.state).to.deep.equal({
      status: "expired",
      expiredAt: expiresAt,
    });
    expect(await list("pending")).to.deep.equal([]);
  });

  it("are told apart by their nonce: expired, cancelled, executed, waiting", async () => {
    const { target, pause, member, guardian, connection } = scene;
    const expired = 10n * WEEK_SECONDS;
    await schedule();
    await passTime(connection, expired);
    await schedule();
    const cancelled = await scene.send(
      encodeManagedCancel(member.address as Address, target, pause),
      guardian,
    );
    await schedule();
    await passTime(connection, ROLE_DELAY_SECONDS);
    const executed = await scene.send(
      encodeManagedExecute(target, pause),
      member,
    );
    await schedule();
    const all = await list();
    expect(all.map(({ nonce }) => nonce)).to.deep.equal([1n, 2n, 3n, 4n]);
    expect(all.map(({ state }) => state.status)).to.deep.equal([
      "expired",
      "cancelled",
      "executed",
      "waiting",
    ]);
    expect(all[1]!.state).to.deep.equal({ status: "cancelled", tx: cancelled });
    expect(all[2]!.state).to.deep.equal({ status: "executed", tx: executed });
    const pending = await list("pending");
    expect(pending.map(({ nonce }) => nonce)).to.deep.equal([4n]);
  });

  it("aren't none when the logs can't be had", async () => {
    const broken = new AlteredRpc(scene.rpc, ({ method }) =>
      method === "eth_getLogs"
        ? { ok: false, error: new RpcResponseError("no logs", -32601) }
        : undefined,
    );
    const reader = await scene.reader(broken);
    expect(
      await codeOf(
        async () => await listManagedOperations(reader, scene.manager, 0n),
      ),
    ).to.equal("RPC_FAILED");
  });
});
