import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import type { Address } from "../../src/core/hex.js";
import type { RollbackOptions } from "../../src/recovery/rollback.js";
import { exitCodeOf } from "../../src/run/runner.js";
import { readProposal } from "../../src/safe/proposal.js";
import { createSealing } from "../../src/safe/sealing.js";
import { preparePause, prepareRollback } from "../../src/session/procedure.js";
import type { SessionOptions } from "../../src/session/open-session.js";
import { refusalOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { contractAt, read, send, signer } from "../helpers/contracts.js";
import {
  deploySafe,
  deploySafeContract,
  deployTimelock,
  executeAsSafe,
  handOver,
  safeAt,
  SAFE_VERSIONS,
  type SafeVersion,
} from "../helpers/deploy-governance.js";
import { breakPlatform, deployPlatform } from "../helpers/deploy-platform.js";
import { platformProxies } from "../helpers/recovery-session.js";
import { conductWith, openRecovery, type Recovery } from "./recovery.js";

const ALL: RollbackOptions = {
  names: [],
  all: true,
  pause: true,
  keepPaused: false,
  acceptedSlots: [],
};
const OWNERS = [5, 6, 7, 8, 9];
const RECOVERED = ["1.0.0 false", "1.0.0 false", "1.0.0 false"];
const BAD = ["2.0.0 false", "2.0.0 false", "2.0.0 false"];

describe("owned by a Safe", () => {
  const folder = useTemporaryFolder();

  /** A Safe, 3 of 5, holds every power over the platform. */
  async function brokenUnderSafe(
    version: SafeVersion = "1.5.0",
    singleton: "Safe" | "SafeL2" = "SafeL2",
  ) {
    const first = await openRecovery(folder.path);
    const { connection } = first;
    const platform = await deployPlatform(connection);
    await breakPlatform(connection, platform);
    const owners = await Promise.all(
      OWNERS.map(
        async (index) => (await signer(connection, index)).address as Address,
      ),
    );
    const safe = await deploySafe(connection, {
      owners,
      threshold: 3,
      version,
      singleton,
    });
    const multiSendCallOnly = await deploySafeContract(
      connection,
      "MultiSendCallOnly",
      version,
    );
    await handOver(connection, platform, safe);
    const recovery = await openRecovery(
      folder.path,
      { safeContracts: { multiSendCallOnly } },
      connection,
    );
    await recovery.init(platformProxies(platform));
    return { ...recovery, platform, owners, safe };
  }

  async function rollBack(
    recovery: Recovery,
    options: SessionOptions,
    happenings: Parameters<typeof conductWith>[2] = {},
  ) {
    const session = await recovery.session(options);
    const { plan } = await prepareRollback(session, ALL);
    return await conductWith(session, plan, happenings);
  }

  async function statesOf({ dr }: Recovery) {
    const { contracts } = await dr.status();
    return contracts.map((one) =>
      "version" in one ? `${String(one.version)} ${String(one.paused)}` : "",
    );
  }

  async function proposalsOf({ folder: deployments }: Recovery) {
    return await readdir(join(deployments, "safe"));
  }

  for (const version of SAFE_VERSIONS) {
    for (const singleton of ["Safe", "SafeL2"] as const) {
      it(`pauses and rolls back in one transaction, unpauses in another (${singleton} ${version})`, async () => {
        const recovery = await brokenUnderSafe(version, singleton);
        const start = await recovery.blockNumber();
        const { outcome, records } = await rollBack(recovery, {});
        expect(outcome.status, JSON.stringify(outcome)).to.equal("done");
        expect(await statesOf(recovery)).to.deep.equal(RECOVERED);
        expect(await recovery.blockNumber()).to.equal(start + 2);
        const signed = records.flatMap((record) =>
          record.type === "step-entry" &&
          (record.entry as { kind?: string }).kind === "signed"
            ? [record.step]
            : [],
        );
        expect(signed).to.have.lengthOf(10);
        const contract = await safeAt(recovery.connection, recovery.safe);
        expect(await read(contract, "nonce")).to.equal(2n);
      });
    }
  }

  it("waits for signatures where this machine holds none, and goes on with them", async () => {
    const recovery = await brokenUnderSafe();
    const { connection, safe, owners } = recovery;
    const stranger = (await signer(connection, 1)).address;
    const start = await recovery.blockNumber();
    const { run, outcome } = await rollBack(recovery, { from: stranger });
    expect(exitCodeOf(outcome)).to.equal(4);
    if (outcome.status !== "waiting" || outcome.until.kind !== "signatures") {
      expect.fail(JSON.stringify(outcome));
    }
    expect(outcome.step).to.equal("rollback:execute");
    expect(outcome.reason).to.include("0 of 3").and.to.include(owners[4]!);
    expect(await statesOf(recovery)).to.deep.equal(BAD);
    expect(await recovery.blockNumber()).to.equal(start);
    const { safeTxHash } = outcome.until;
    expect(await proposalsOf(recovery)).to.deep.equal([`${safeTxHash}.json`]);

    // Approvals on the chain count like signatures.
    for (const index of OWNERS.slice(0, 3)) {
      const contract = await safeAt(
        connection,
        safe,
        await signer(connection, index),
      );
      await send(connection, contract, "approveHash", [safeTxHash]);
    }
    const error = await refusalOf(
      async () => await recovery.dr.resume(run, { from: stranger }),
    );
    // The unpause asks for signatures of its own, after the verification.
    expect(error.code).to.equal("RUN_WAITING");
    expect(await statesOf(recovery)).to.deep.equal([
      "1.0.0 true",
      "1.0.0 true",
      "1.0.0 true",
    ]);
  });

  describe("and others by another Safe, and by an account", () => {
    async function underTwoSafes() {
      const recovery = await openRecovery(folder.path);
      const { connection } = recovery;
      const platform = await deployPlatform(connection);
      const safes: Address[] = [];
      for (const [name, proxy] of [
        ["SkillProfile", platform.skillProfile],
        ["SkillClaim", platform.skillClaim],
      ] as const) {
        const owner = (await signer(connection, OWNERS[safes.length]))
          .address as Address;
        const safe = await deploySafe(connection, {
          owners: [owner],
          threshold: 1,
        });
        const contract = await contractAt(connection, name, proxy);
        await send(connection, contract, "transferOwnership", [safe]);
        safes.push(safe);
      }
      await recovery.init(platformProxies(platform));
      return { ...recovery, platform, safes };
    }

    async function pauseAll(recovery: Recovery, options: SessionOptions) {
      const session = await recovery.session(options);
      const { plan } = await preparePause(session, {
        names: [],
        all: true,
        paused: true,
      });
      return await conductWith(session, plan, {});
    }

    it("asks the owners of both at once", async () => {
      const recovery = await underTwoSafes();
      const { connection, platform } = recovery;
      const { outcome, run } = await pauseAll(recovery, {
        from: platform.owner,
      });
      expect(exitCodeOf(outcome)).to.equal(4);
      const { reason } = outcome as { readonly reason: string };
      for (const safe of recovery.safes) {
        expect(reason).to.include(`${safe} has 0 of 1`);
      }
      // The account's own contract is paused; both proposals are there.
      expect(await statesOf(recovery)).to.deep.equal([
        "1.0.0 false",
        "1.0.0 true",
        "1.0.0 false",
      ]);
      const names = await proposalsOf(recovery);
      expect(names).to.have.lengthOf(2);
      for (const [index, safe] of recovery.safes.entries()) {
        const owner = await signer(connection, OWNERS[index]);
        const contract = await safeAt(connection, safe, owner);
        for (const name of names) {
          await send(connection, contract, "approveHash", [
            name.replace(".json", ""),
          ]);
        }
      }
      await recovery.dr.resume(run, { from: platform.owner });
      expect(await statesOf(recovery)).to.deep.equal([
        "1.0.0 true",
        "1.0.0 true",
        "1.0.0 true",
      ]);
    });

    it("sends for all of them from one account, each nonce once", async () => {
      const recovery = await underTwoSafes();
      const { connection, platform } = recovery;
      const before = await connection.ethers.provider.getTransactionCount(
        platform.owner,
      );
      const { outcome, records } = await pauseAll(recovery, {});
      expect(outcome.status, JSON.stringify(outcome)).to.equal("done");
      const kinds = records.flatMap((record) =>
        record.type === "step-entry"
          ? [(record.entry as { readonly kind: string }).kind]
          : [],
      );
      expect(kinds).to.not.include("void");
      expect(
        await connection.ethers.provider.getTransactionCount(platform.owner),
      ).to.equal(before + 3);
    });
  });

  it("keeps in the proposal how the contracts stood", async () => {
    const recovery = await brokenUnderSafe();
    const stranger = (await signer(recovery.connection, 1)).address;
    await rollBack(recovery, { from: stranger });
    const [name] = await proposalsOf(recovery);
    const { contracts, transaction } = await readProposal(
      join(recovery.folder, "safe", name!),
      { network: "default", chainId: 31337, sealing: createSealing(undefined) },
    );
    expect(contracts.map((one) => [one.name, one.paused])).to.deep.equal([
      ["SkillProfile", false],
      ["Endorsement", false],
      ["SkillClaim", false],
    ]);
    expect(transaction.operation).to.equal(1);
  });

  it("says which transaction took the nonce", async () => {
    const recovery = await brokenUnderSafe();
    const { connection, safe, platform } = recovery;
    const signers = await Promise.all(
      OWNERS.slice(0, 3).map(async (index) => await signer(connection, index)),
    );
    const stranger = (await signer(connection, 1)).address;
    const { outcome } = await rollBack(
      recovery,
      { from: stranger },
      {
        "rollback:execute": async () => {
          await executeAsSafe(connection, safe, signers, {
            to: platform.skillClaim,
            data: "0x54fd4d50",
          });
        },
      },
    );
    if (outcome.status !== "failed") {
      expect.fail(JSON.stringify(outcome));
    }
    expect(outcome.error).to.include({ code: "SAFE_NONCE_TAKEN" });
    const { values } = outcome.error as { values: Record<string, unknown> };
    expect(values.nonce).to.equal(0n);
    expect(values.by).to.match(/^0x[0-9a-f]{64} in 0x[0-9a-f]{64}, block \d+$/);
    expect(await statesOf(recovery)).to.deep.equal(BAD);
  });

  it("executes nothing when somebody upgraded a contract after it was signed", async () => {
    const recovery = await brokenUnderSafe();
    const { connection, safe, platform } = recovery;
    const other = await deployPlatform(connection);
    const { outcome } = await rollBack(
      recovery,
      {},
      {
        "rollback:execute": async () => {
          const { provider } = connection;
          await provider.request({
            method: "hardhat_impersonateAccount",
            params: [safe],
          });
          await provider.request({
            method: "hardhat_setBalance",
            params: [safe, "0xde0b6b3a7640000"],
          });
          const endorsement = await contractAt(
            connection,
            "Endorsement",
            platform.endorsement,
            await connection.ethers.getSigner(safe),
          );
          await send(connection, endorsement, "upgradeToAndCall", [
            other.implementations.endorsement,
            "0x",
          ]);
        },
      },
    );
    if (outcome.status !== "failed") {
      expect.fail(JSON.stringify(outcome));
    }
    expect(outcome.error).to.include({ code: "PLAN_STALE" });
    const contract = await safeAt(connection, safe);
    expect(await read(contract, "nonce")).to.equal(0n);
  });

  it("doesn't call done what was executed and changed again", async () => {
    const recovery = await brokenUnderSafe();
    const { connection, safe, platform } = recovery;
    const session = await recovery.session();
    const { plan } = await prepareRollback(session, {
      ...ALL,
      names: ["Endorsement"],
      all: false,
    });
    const bad = (await recovery.file()).contracts.Endorsement!.history.at(
      -1,
    )!.implementation;
    const { outcome } = await conductWith(session, plan, {
      "rollback:execute": async () => {
        const [name] = await proposalsOf(recovery);
        const { transaction } = await readProposal(
          join(recovery.folder, "safe", name!),
          {
            network: "default",
            chainId: 31337,
            sealing: createSealing(undefined),
          },
        );
        const signers = await Promise.all(
          OWNERS.slice(0, 3).map(
            async (index) => await signer(connection, index),
          ),
        );
        await executeAsSafe(connection, safe, signers, transaction);
        const endorsement = await contractAt(
          connection,
          "Endorsement",
          platform.endorsement,
        );
        const data = endorsement.interface.encodeFunctionData(
          "upgradeToAndCall",
          [bad, "0x"],
        ) as `0x${string}`;
        const to = platform.endorsement;
        await executeAsSafe(connection, safe, signers, { to, data });
      },
    });
    expect("error" in outcome && outcome.error).to.include({
      code: "SAFE_WITHOUT_EFFECT",
    });
  });

  it("isn't misled by a proposal that was lost", async () => {
    const recovery = await brokenUnderSafe();
    const { rm } = await import("node:fs/promises");
    const { outcome } = await rollBack(
      recovery,
      {},
      {
        "rollback:sign": async () => {
          await rm(join(recovery.folder, "safe"), { recursive: true });
        },
      },
    );
    expect("error" in outcome && outcome.error).to.include({
      code: "SAFE_PROPOSAL_GONE",
    });
  });

  it("proposes to a timelock through its Safe", async () => {
    const recovery = await openRecovery(folder.path);
    const { connection } = recovery;
    const platform = await deployPlatform(connection);
    await breakPlatform(connection, platform);
    const owners = await Promise.all(
      OWNERS.map(
        async (index) => (await signer(connection, index)).address as Address,
      ),
    );
    const safe = await deploySafe(connection, { owners, threshold: 3 });
    const timelock = await deployTimelock(connection, {
      minDelaySeconds: 172_800,
      proposers: [safe],
      executors: [safe],
    });
    const admin = await contractAt(
      connection,
      "@openzeppelin/contracts/proxy/transparent/ProxyAdmin.sol:ProxyAdmin",
      platform.proxyAdmin,
    );
    await send(connection, admin, "transferOwnership", [timelock]);
    await recovery.init({ SkillProfile: platform.skillProfile });
    const { run, outcome } = await rollBack(recovery, {});
    expect(outcome).to.include({ status: "waiting", step: "rollback:wait" });
    await connection.provider.request({
      method: "evm_increaseTime",
      params: [172_800],
    });
    await connection.provider.request({ method: "evm_mine" });
    await recovery.dr.resume(run);
    expect(await statesOf(recovery)).to.deep.equal(["1.0.0 false"]);
    const contract = await safeAt(connection, safe);
    expect(await read(contract, "nonce")).to.equal(2n);
  });

  it("is refused on a chain where Safe's contracts are unknown", async () => {
    const recovery = await brokenUnderSafe();
    const bare = await openRecovery(folder.path, {}, recovery.connection);
    const { outcome } = await rollBack(bare, {});
    expect("error" in outcome && outcome.error).to.include({
      code: "SAFE_CONTRACTS_UNKNOWN",
    });
    // A single call needs none of them.
    const session = await bare.session();
    const { plan } = await preparePause(session, {
      names: ["Endorsement"],
      all: false,
      paused: true,
    });
    expect((await conductWith(session, plan, {})).outcome.status).to.equal(
      "done",
    );
  });
});
