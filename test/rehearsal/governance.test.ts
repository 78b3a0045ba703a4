import { expect } from "chai";
import hre from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";

import { ZERO_ADDRESS, type Address } from "../../src/core/hex.js";
import type { SessionSource } from "../../src/session/open-session.js";
import { rehearseProcedure } from "../../src/session/rehearse-procedure.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { contractAt, read, send, signer } from "../helpers/contracts.js";
import {
  deployAccessManager,
  deploySafe,
  deploySafeContract,
  deployTimelock,
  grantManagedRole,
  safeAt,
} from "../helpers/deploy-governance.js";
import {
  breakPlatform,
  deployPlatform,
  PROXY_ADMIN,
  type Platform,
} from "../helpers/deploy-platform.js";
import { initialize, sessionSource } from "../helpers/recovery-session.js";
import { createSimulation } from "./simulation.js";

const TWO_DAYS = 172_800;
const ROLLBACK = {
  kind: "rollback",
  names: ["SkillProfile"],
  all: false,
  pause: true,
  keepPaused: false,
  acceptedSlots: [],
} as const;

describe("a rehearsal of what others let through", () => {
  const folder = useTemporaryFolder();
  let connection: NetworkConnection;
  let platform: Platform;
  let source: SessionSource;

  beforeEach(async () => {
    connection = await hre.network.create();
    platform = await deployPlatform(connection);
    await breakPlatform(connection, platform);
    source = sessionSource(connection, folder.path);
    await initialize(source, { SkillProfile: platform.skillProfile });
  });

  async function giveAdminTo(to: Address): Promise<void> {
    const admin = await contractAt(
      connection,
      PROXY_ADMIN,
      platform.proxyAdmin,
    );
    await send(connection, admin, "transferOwnership", [to]);
  }

  async function rehearse() {
    return await rehearseProcedure(source, createSimulation, ROLLBACK);
  }

  it("lets a timelock's delay pass, and reports it", async () => {
    const proposer = (await signer(connection, 3)).address as Address;
    const timelock = await deployTimelock(connection, {
      minDelaySeconds: TWO_DAYS,
      proposers: [proposer],
      executors: [ZERO_ADDRESS],
    });
    await giveAdminTo(timelock);
    const { report } = await rehearse();
    expect(report.verdict, report.findings.join()).to.equal("clean");
    const wait = report.steps.find(({ id }) => id === "rollback:wait")!;
    expect(wait.waitsSeconds).to.be.within(TWO_DAYS - 60, TWO_DAYS);
    const { paused, recovered } = report.time;
    expect(paused!.waitsSeconds).to.equal(0);
    expect(recovered!.onChainSeconds).to.be.greaterThan(TWO_DAYS - 60);
    expect(
      report.storage.find(({ account }) => account === timelock)!.label,
    ).to.equal("the operation's time");
    // Nothing of it happened on the chain itself.
    const profile = await contractAt(
      connection,
      "SkillProfile",
      platform.skillProfile,
    );
    expect(await read(profile, "version")).to.equal("2.0.0");
  });

  it("goes through an AccessManager's schedule", async () => {
    const manager = await deployAccessManager(connection);
    const member = (await signer(connection, 4)).address as Address;
    await grantManagedRole(connection, manager, platform.proxyAdmin, {
      roleId: 7n,
      functions: ["upgradeAndCall(address,address,bytes)"],
      members: [member],
      executionDelaySeconds: 3600,
    });
    await giveAdminTo(manager);
    const { report } = await rehearse();
    expect(report.verdict, report.findings.join()).to.equal("clean");
    expect(report.time.recovered!.waitsSeconds).to.be.within(3500, 3600);
    expect(
      report.storage.find(({ account }) => account === manager)!.label,
    ).to.equal("the operation's schedule");
  });

  it("lets the owners of a Safe say yes, as many as it asks for", async () => {
    const owners = await Promise.all(
      [5, 6, 7].map(
        async (index) => (await signer(connection, index)).address as Address,
      ),
    );
    const safe = await deploySafe(connection, { owners, threshold: 2 });
    await giveAdminTo(safe);
    const multiSendCallOnly = await deploySafeContract(
      connection,
      "MultiSendCallOnly",
    );
    source = sessionSource(connection, folder.path, {
      safeContracts: { multiSendCallOnly },
    });
    for (const from of [undefined, (await signer(connection, 0)).address]) {
      const { report } = await rehearseProcedure(
        source,
        createSimulation,
        ROLLBACK,
        from === undefined ? {} : { from },
      );
      expect(report.verdict, report.findings.join()).to.equal("clean");
      expect(
        report.storage.find(({ account }) => account === safe)!.label,
      ).to.equal("the Safe's nonce");
    }
    expect(await read(await safeAt(connection, safe), "nonce")).to.equal(0n);
  });

  it("says which role nobody holds", async () => {
    const timelock = await deployTimelock(connection, {
      minDelaySeconds: TWO_DAYS,
      proposers: [],
      executors: [ZERO_ADDRESS],
    });
    await giveAdminTo(timelock);
    const error = await rehearse().then(
      () => undefined,
      (caught: unknown) => caught,
    );
    expect(error).to.include({ code: "AUTHORITY_ELSEWHERE" });
  });
});
