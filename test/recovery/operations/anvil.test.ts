import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { expect } from "chai";

import { systemClock } from "../../../src/core/clock.js";
import type { Hex } from "../../../src/core/hex.js";
import { readOperations } from "../../../src/recovery/operations/read.js";
import { conductPlan } from "../../../src/run/conduct.js";
import type { Plan } from "../../../src/run/plan.js";
import {
  prepareExecute,
  prepareSchedule,
} from "../../../src/session/timelock-procedure.js";
import { codeOf } from "../../deployments/refusal.js";
import { useTemporaryFolder } from "../../deployments/temporary-folder.js";
import {
  findCast,
  requireAnvil,
  requireCast,
  startAnvil,
  type Anvil,
} from "../../helpers/anvil.js";
import { connectTo } from "../../helpers/connect-anvil.js";
import { handOver } from "../../helpers/deploy-governance.js";
import { deployPlatform } from "../../helpers/deploy-platform.js";
import { platformProxies } from "../../helpers/recovery-session.js";
import { openRecovery } from "../../session/recovery.js";
import {
  MIN_DELAY_SECONDS,
  openTimelock,
  passTime,
} from "../../timelock/timelock-scene.js";

const execute = promisify(execFile);

describe("operations of a timelock on anvil", () => {
  const folder = useTemporaryFolder();
  let anvil: Anvil | undefined;

  before(async function () {
    requireAnvil(this);
    requireCast(this);
    anvil = await startAnvil();
  });
  after(async () => {
    await anvil?.stop();
  });

  it("are scheduled and executed as cast sees it", async () => {
    const url = anvil?.url ?? "";
    const connection = await connectTo(url);
    const recovery = await openRecovery(folder.path, {}, connection);
    const platform = await deployPlatform(connection);
    const timelock = await openTimelock(5, {}, connection);
    await handOver(connection, platform, timelock.address);
    await recovery.init(platformProxies(platform));
    const session = await recovery.session();
    const conduct = async (plan: Plan): Promise<string> => {
      const { outcome } = await conductPlan(plan, {
        folder: recovery.folder,
        clock: systemClock,
        toolVersion: "test",
      });
      return outcome.status;
    };
    const stateByCast = async (id: Hex): Promise<string> => {
      const { stdout } = await execute(findCast() ?? "cast", [
        "call",
        timelock.address,
        "getOperationState(bytes32)(uint8)",
        id,
        "--rpc-url",
        url,
      ]);
      return stdout.trim();
    };

    const { plan, resolution } = await prepareSchedule(session, {
      calls: ["SkillProfile.pause()", "Endorsement.pause()"],
    });
    const { id } = resolution.intent;
    expect(await stateByCast(id)).to.equal("0");
    expect(await conduct(plan)).to.equal("done");
    expect(await stateByCast(id)).to.equal("1");
    expect(
      await codeOf(async () => await prepareExecute(session, { id })),
    ).to.equal("OPERATION_NOT_READY");
    await passTime(connection, MIN_DELAY_SECONDS);
    expect(await stateByCast(id)).to.equal("2");
    const { operations } = await readOperations(session.ports, { all: false });
    expect(operations.map((one) => [one.id, one.status])).to.deep.equal([
      [id, "ready"],
    ]);
    const execution = await prepareExecute(session, { id });
    expect(await conduct(execution.plan!)).to.equal("done");
    expect(await stateByCast(id)).to.equal("3");
    const status = await recovery.dr.status();
    expect(
      status.contracts.map((one) => "paused" in one && one.paused),
    ).to.deep.equal([true, true, false]);
  });
});
