import { mkdtemp, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";
import hre from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";

import type { DrError } from "../../src/core/errors.js";
import type { Address } from "../../src/core/hex.js";
import {
  IMPLEMENTATION_SLOT,
  ZOS_IMPLEMENTATION_SLOT,
} from "../../src/proxy/slots.js";
import type { RehearsalReport } from "../../src/rehearsal/report.js";
import type { SessionSource } from "../../src/session/open-session.js";
import { rehearseProcedure } from "../../src/session/rehearse-procedure.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { deploy, encode, signer } from "../helpers/contracts.js";
import { handOver } from "../helpers/deploy-governance.js";
import {
  breakPlatform,
  deployPlatform,
  ERC1967_PROXY,
  type Implementations,
  type Platform,
} from "../helpers/deploy-platform.js";
import { deployZos, upgradeProxy } from "../helpers/deploy-proxies.js";
import {
  initialize,
  platformProxies,
  sessionSource,
} from "../helpers/recovery-session.js";
import { createSimulation } from "./simulation.js";

const ROLLBACK = {
  kind: "rollback",
  names: [],
  all: true,
  pause: true,
  keepPaused: false,
  acceptedSlots: [],
} as const;

const PAUSE = { kind: "pause", names: [], all: true } as const;

const SINK: Address = "0x00000000000000000000000000000000005121c0";

async function codeOf(work: Promise<unknown>): Promise<string> {
  return await work.then(
    () => "passed",
    (error: unknown) => (error as DrError).code,
  );
}

describe("a rehearsal", () => {
  const folder = useTemporaryFolder();
  let connection: NetworkConnection;
  let platform: Platform;
  let bad: Implementations;
  let source: SessionSource;

  beforeEach(async () => {
    connection = await hre.network.create();
    platform = await deployPlatform(connection);
    bad = await breakPlatform(connection, platform);
    source = sessionSource(connection, folder.path);
    await initialize(source, platformProxies(platform));
  });

  const request = async (method: string, ...params: unknown[]) =>
    (await connection.provider.request({ method, params })) as unknown;

  it("runs the very rollback and finds nothing unexpected", async () => {
    const { report, outcome } = await rehearseProcedure(
      source,
      createSimulation,
      ROLLBACK,
    );
    expect(outcome.status).to.equal("done");
    expect(report.verdict, report.findings.join()).to.equal("clean");
    expect(
      report.steps.map(({ id, status }) => `${id} ${status}`),
    ).to.deep.equal(
      ["pause", "rollback", "verify", "unpause", "record"].map(
        (id) => `${id} done`,
      ),
    );
    expect(
      report.steps.map(({ transactions }) => transactions.length),
    ).to.deep.equal([3, 3, 0, 3, 0]);
    const gas = report.steps
      .flatMap(({ transactions }) => transactions)
      .reduce((sum, { gasUsed }) => sum + BigInt(gasUsed), 0n);
    expect(report.gasUsed).to.equal(String(gas));
    expect(report.time.paused!.seconds).to.be.greaterThan(0);
    expect(report.time.recovered!.seconds).to.be.greaterThan(
      report.time.paused!.seconds,
    );
    expect(report.time.recovered!.blocks).to.equal(3);
  });

  it("tells every slot that changed, by name", async () => {
    const { report } = await rehearseProcedure(
      source,
      createSimulation,
      ROLLBACK,
    );
    const told = report.storage.map(
      ({ name, label, restored }) =>
        `${String(name)}: ${String(label)}, ${restored ? "restored" : "changed"}`,
    );
    expect(told).to.have.members([
      "SkillProfile: OpenZeppelin Pausable: _paused, restored",
      "Endorsement: OpenZeppelin Pausable: _paused, restored",
      "SkillClaim: OpenZeppelin Pausable: _paused, restored",
      "SkillProfile: EIP-1967 implementation, changed",
      "Endorsement: EIP-1967 implementation, changed",
      "SkillClaim's beacon: implementation, changed",
    ]);
    const slot = report.storage.find(
      ({ account, slot }) =>
        account === platform.skillProfile && slot === IMPLEMENTATION_SLOT,
    );
    expect(slot!.before).to.include(bad.skillProfile.slice(2).toLowerCase());
    expect(slot!.after).to.include(
      platform.implementations.skillProfile.slice(2).toLowerCase(),
    );
  });

  it("leaves the chain and the deployments alone", async () => {
    // Others may rehearse on this machine at the same time.
    const { TMPDIR } = process.env;
    process.env.TMPDIR = await mkdtemp(join(folder.path, "temporary-"));
    const look = async () => ({
      block: await request("eth_blockNumber"),
      nonce: await request(
        "eth_getTransactionCount",
        platform.owner,
        "pending",
      ),
      balance: await request("eth_getBalance", platform.owner, "latest"),
      slots: await Promise.all(
        [platform.skillProfile, platform.endorsement].map(
          async (proxy) =>
            await request(
              "eth_getStorageAt",
              proxy,
              IMPLEMENTATION_SLOT,
              "latest",
            ),
        ),
      ),
      deployJson: await readFile(
        join(folder.path, source.networkName, "deploy.json"),
        "utf8",
      ),
      files: await readdir(folder.path, { recursive: true }),
      temporary: await readdir(tmpdir()),
    });
    try {
      const before = await look();
      await rehearseProcedure(source, createSimulation, ROLLBACK);
      expect(await look()).to.deep.equal(before);
    } finally {
      if (TMPDIR === undefined) {
        delete process.env.TMPDIR;
      } else {
        process.env.TMPDIR = TMPDIR;
      }
    }
  });

  it("makes the plan that the rollback makes", async () => {
    const digests = await Promise.all(
      [0, 1].map(async () => {
        const { report } = await rehearseProcedure(
          source,
          createSimulation,
          ROLLBACK,
        );
        return report.plan.digest;
      }),
    );
    const { openSession } = await import("../../src/session/open-session.js");
    const { prepareRollback } = await import("../../src/session/procedure.js");
    const { digestPlan } = await import("../../src/run/plan.js");
    const { plan } = await prepareRollback(await openSession(source), ROLLBACK);
    expect(digests).to.deep.equal([digestPlan(plan), digestPlan(plan)]);
  });

  it("rehearses a pause", async () => {
    const { report } = await rehearseProcedure(source, createSimulation, {
      kind: "pause",
      names: ["Endorsement"],
      all: false,
    });
    expect(report.verdict).to.equal("clean");
    expect(report.time.paused!.blocks).to.equal(1);
    expect(report.time.recovered).to.equal(null);
    expect(report.storage.map(({ after }) => BigInt(after))).to.deep.equal([
      1n,
    ]);
  });

  it("rehearses an upgrade with its deployment", async () => {
    const { report } = await rehearseProcedure(source, createSimulation, {
      kind: "upgrade",
      name: "Endorsement",
      to: "contracts/v2/EndorsementV2.sol:EndorsementV2",
      constructorArguments: [],
    });
    expect(report.verdict, report.findings.join()).to.equal("clean");
    expect(report.code.map(({ name, change }) => [name, change])).to.deep.equal(
      [["the new implementation", "created"]],
    );
    expect(report.time.recovered).to.not.equal(null);
    expect(report.time.paused).to.equal(null);
  });

  it("tells of a plan that stops part-way", async () => {
    const checks = { Endorsement: () => false };
    const { report, outcome } = await rehearseProcedure(
      { ...source, config: { ...source.config, verify: checks } },
      createSimulation,
      ROLLBACK,
    );
    expect(outcome).to.include({ status: "failed", changed: true });
    expect(report.verdict).to.equal("failed");
    expect(report.outcome.error).to.include({ code: "VERIFICATION_FAILED" });
    expect(report.steps.map(({ status }) => status)).to.deep.equal([
      "done",
      "done",
      "failed",
      "not-reached",
      "not-reached",
    ]);
    expect(report.time.paused).to.not.equal(null);
    expect(report.time.recovered).to.equal(null);
  });

  it("is refused with what the procedure is refused with", async () => {
    const authority = await deploy(connection, "Unpausable");
    await handOver(connection, platform, authority);
    expect(
      await codeOf(
        rehearseProcedure(source, createSimulation, {
          ...ROLLBACK,
          names: ["Endorsement"],
          all: false,
        }),
      ),
    ).to.equal("AUTHORITY_ELSEWHERE");
    expect(
      await codeOf(
        rehearseProcedure(source, createSimulation, {
          ...PAUSE,
          names: ["Nobody"],
          all: false,
        }),
      ),
    ).to.equal("CONTRACT_UNKNOWN");
  });

  it("acts as --from, and as nobody else", async () => {
    const other = (await signer(connection, 3)).address;
    expect(
      await codeOf(
        rehearseProcedure(source, createSimulation, PAUSE, { from: other }),
      ),
    ).to.equal("AUTHORITY_ELSEWHERE");
  });

  it("says who is left out of a pause", async () => {
    const unpausable = await deploy(connection, "Unpausable");
    const { report, refused } = await (async () => {
      await initialize(source, { Unpausable: unpausable });
      return await rehearseProcedure(source, createSimulation, PAUSE);
    })();
    expect(refused.map(({ name }) => name)).to.deep.equal(["Unpausable"]);
    expect(report.verdict).to.equal("attention");
    expect(report.findings.join()).to.match(/Unpausable is left out/);
  });

  it("knows a zOS proxy's slot", async () => {
    const zos = await deployZos(connection);
    const second = await deploy(connection, "PausableV4");
    await upgradeProxy(connection, zos, second);
    await initialize(source, { Zos: zos.proxy });
    const { report } = await rehearseProcedure(source, createSimulation, {
      ...ROLLBACK,
      names: ["Zos"],
      all: false,
    });
    expect(report.findings).to.deep.equal([]);
    const [slot] = report.storage.filter(
      ({ slot }) => slot === ZOS_IMPLEMENTATION_SLOT,
    );
    expect(slot!.label).to.equal("zOS implementation");
  });

  describe("of a pause that does more than it should", () => {
    let proxy: Address;
    let counter: Address;
    let report: RehearsalReport;

    beforeEach(async () => {
      counter = await deploy(connection, "Counter");
      const implementation = await deploy(connection, "Meddling");
      const data = await encode(connection, "Meddling", "initialize", [
        platform.owner,
        counter,
        SINK,
      ]);
      proxy = await deploy(connection, ERC1967_PROXY, [implementation, data]);
      await connection.ethers.provider.send("hardhat_setBalance", [
        proxy,
        "0x64",
      ]);
      await initialize(source, { Meddling: proxy });
      ({ report } = await rehearseProcedure(source, createSimulation, PAUSE));
    });

    it("flags each write the plan doesn't explain, first of all", () => {
      expect(report.verdict).to.equal("attention");
      const unexpected = report.storage.filter(({ expected }) => !expected);
      expect(report.storage.slice(0, unexpected.length)).to.deep.equal(
        unexpected,
      );
      expect(
        unexpected.map(({ account, label }) => [account, label]),
      ).to.have.deep.members([
        [proxy, "fee"],
        [proxy, `pauses[${platform.owner}]`],
        [counter, null],
      ]);
      expect(
        report.storage
          .filter(({ expected }) => expected)
          .map(({ label }) => label),
      ).to.deep.equal(Array(4).fill("OpenZeppelin Pausable: _paused"));
    });

    it("flags coin that goes elsewhere", () => {
      const unexpected = report.balances.filter(({ expected }) => !expected);
      expect(
        unexpected.map(({ account, change }) => [
          account.toLowerCase(),
          change,
        ]),
      ).to.have.deep.members([
        [proxy.toLowerCase(), "-100"],
        [SINK, "100"],
      ]);
      expect(report.findings).to.have.length(5);
    });

    it("flags code that nobody spoke of", async () => {
      const spawning = await deploy(connection, "Spawning");
      await initialize(source, { Spawning: spawning });
      const { report: second } = await rehearseProcedure(
        source,
        createSimulation,
        { ...PAUSE, names: ["Spawning"], all: false },
      );
      expect(second.code.map(({ expected }) => expected)).to.deep.equal([
        false,
      ]);
      const unexpected = second.nonces.filter(({ expected }) => !expected);
      expect(unexpected.map(({ change }) => change)).to.deep.equal([1, 1]);
    });

    it("doesn't take a neighbour in the flag's own slot for the flag", async () => {
      const packed = await deploy(connection, "PackedMeddling");
      await initialize(source, { Packed: packed });
      const { report: second } = await rehearseProcedure(
        source,
        createSimulation,
        { ...PAUSE, names: ["Packed"], all: false },
      );
      expect(second.storage.map(({ expected }) => expected)).to.deep.equal([
        false,
      ]);
    });
  });
});
