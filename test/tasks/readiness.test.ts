import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NetworkConnection } from "hardhat/types/network";

import type { Address, Hex } from "../../src/core/hex.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { contractAt, deploy, send, signer } from "../helpers/contracts.js";
import {
  deploySafe,
  executeAsSafe,
  handOver,
  placeMultiSend,
  safeAt,
} from "../helpers/deploy-governance.js";
import {
  breakPlatform,
  deployPlatform,
  upgradePlatform,
  type Platform,
} from "../helpers/deploy-platform.js";
import { platformProxies } from "../helpers/recovery-session.js";
import { openProject } from "./project.js";

interface ItemJson {
  readonly type: string;
  readonly procedure?: string;
  readonly kind?: string;
  readonly place?: string;
  readonly status: string;
  readonly reasons: readonly string[];
  readonly fix: string | null;
  readonly proof: {
    readonly by: string;
    readonly ageSeconds: number;
    readonly seconds: number;
    readonly objectiveSeconds: number;
    readonly isWithinObjective: boolean;
    readonly codeHashes: Readonly<Record<string, string>>;
  } | null;
}

interface ReadinessJson {
  readonly status: string;
  readonly block: number;
  readonly items: readonly ItemJson[];
  readonly problems: readonly string[];
  readonly error?: { readonly code: string };
}

interface StatusJson {
  readonly contracts: readonly object[];
  readonly proofs: {
    readonly last: { readonly by: string };
    readonly procedures: readonly ItemJson[];
  };
}

describe("dr:readiness", function () {
  this.timeout(60_000);
  const folder = useTemporaryFolder();
  let hre: HardhatRuntimeEnvironment;
  let connection: NetworkConnection;
  let platform: Platform;

  beforeEach(async () => {
    hre = await openProject(folder.path, { dr: { project: "takumi" } });
    connection = await hre.network.getOrCreate();
    platform = await deployPlatform(connection);
    await breakPlatform(connection, platform);
    await connection.dr.init(platformProxies(platform));
  });

  afterEach(() => {
    process.exitCode = undefined;
  });

  async function run<T>(task: string, args: object = {}): Promise<T> {
    process.exitCode = undefined;
    return (await hre.tasks.getTask(task).run({ json: true, ...args })) as T;
  }

  const readiness = async (args: object = {}) =>
    await run<ReadinessJson>("dr:readiness", args);

  async function rehearse(procedure: string, args = {}): Promise<string> {
    const { files } = await run<{ files: { json: string } }>("dr:rehearse", {
      procedure,
      all: true,
      ...args,
    });
    return files.json;
  }

  async function item(procedure: string): Promise<ItemJson> {
    const { items } = await readiness();
    return items.find((one) => one.procedure === procedure)!;
  }

  it("says what was never tried, and how to", async () => {
    const { status, items } = await readiness();
    expect(status).to.equal("not ready");
    expect(process.exitCode).to.equal(3);
    expect(
      items.map((one) => [one.procedure ?? one.kind, one.status, one.fix]),
    ).to.deep.equal([
      ["pause", "missing", "npx hardhat dr:rehearse pause --all"],
      ["rollback", "missing", "npx hardhat dr:rehearse rollback --all"],
      [
        "deployments-restore",
        "missing",
        "npx hardhat dr:drill --scenario complete-loss",
      ],
      [
        "complete-loss",
        "missing",
        "npx hardhat dr:drill --scenario complete-loss",
      ],
      ["contracts", "missing", "npx hardhat dr:backup"],
    ]);
  });

  it("takes a rehearsal's word until another implementation is there", async () => {
    await rehearse("rollback");
    const { items } = await readiness();
    for (const procedure of ["pause", "rollback"]) {
      const found = items.find((one) => one.procedure === procedure)!;
      expect(found.reasons, procedure).to.deep.equal([]);
      expect(found.status).to.equal("proven");
      expect(found.proof).to.deep.include({
        by: "dr:rehearse",
        objectiveSeconds: 900,
        isWithinObjective: true,
      });
      expect(Object.keys(found.proof!.codeHashes)).to.deep.equal([
        "SkillProfile",
        "Endorsement",
        "SkillClaim",
      ]);
    }
    await upgradePlatform(connection, platform, {
      skillProfile: await deploy(connection, "SkillProfile"),
      endorsement: await deploy(connection, "Endorsement"),
      skillClaim: await deploy(connection, "SkillClaim"),
    });
    const after = await item("rollback");
    expect(after.status).to.equal("stale");
    expect(after.reasons).to.deep.equal([
      "SkillProfile, Endorsement, SkillClaim: it has another implementation since",
    ]);
  });

  it("asks for a new snapshot where the one that is proven is of other implementations", async () => {
    const snapshots = async () => {
      const { items } = await readiness();
      return items.find(({ kind }) => kind === "contracts")!;
    };
    await run("dr:snapshot", {});
    expect((await snapshots()).fix).to.match(
      /^npx hardhat dr:snapshot:verify /,
    );
    await run("dr:snapshot:verify", {});
    expect((await snapshots()).status).to.equal("proven");
    await upgradePlatform(connection, platform, {
      ...platform.implementations,
      skillProfile: await deploy(connection, "SkillProfileV2"),
    });
    const { status, fix } = await snapshots();
    expect([status, fix]).to.deep.equal(["stale", "npx hardhat dr:snapshot"]);
  });

  it("takes a pause's proof back when somebody else may pause", async () => {
    await rehearse("pause");
    expect((await item("pause")).status).to.equal("proven");
    const profile = await contractAt(
      connection,
      "SkillProfile",
      platform.skillProfile,
      await connection.ethers.getSigner(platform.owner),
    );
    const { address } = await signer(connection, 3);
    await send(connection, profile, "transferOwnership", [address]);
    const { status, reasons, fix } = await item("pause");
    expect(status).to.equal("stale");
    expect(reasons).to.deep.equal([
      "SkillProfile: somebody else has the authority",
    ]);
    expect(fix).to.equal("npx hardhat dr:rehearse pause --all");
  });

  it("takes it back when a Safe has another threshold", async () => {
    await placeMultiSend(connection);
    const owners = await Promise.all(
      [1, 2, 3].map(async (index) => await signer(connection, index)),
    );
    const safe = await deploySafe(connection, {
      owners: owners.map(({ address }) => address as Address),
      threshold: 2,
    });
    await handOver(connection, platform, safe);
    await rehearse("emergency", { to: "previous" });
    expect((await item("emergency")).status).to.equal("proven");
    const contract = await safeAt(connection, safe);
    await executeAsSafe(
      connection,
      safe,
      owners
        .slice(0, 2)
        .toSorted((a, b) =>
          a.address.toLowerCase() < b.address.toLowerCase() ? -1 : 1,
        ),
      {
        to: safe,
        data: contract.interface.encodeFunctionData("changeThreshold", [
          3n,
        ]) as Hex,
      },
    );
    const { status, reasons } = await item("emergency");
    expect(status).to.equal("stale");
    expect(reasons).to.deep.equal([
      `SkillProfile, Endorsement, SkillClaim: the threshold of the Safe ${safe} was 2 and is 3`,
    ]);
  });

  it("doesn't guess what an older report was about", async () => {
    const file = await rehearse("pause");
    const report = JSON.parse(await readFile(file, "utf8")) as {
      contracts: { name: string; proxy: string }[];
    };
    const contracts = report.contracts.map(({ name, proxy }) => ({
      name,
      proxy,
    }));
    await writeFile(
      file,
      JSON.stringify({ ...report, schemaVersion: 1, contracts }),
    );
    const { status, reasons } = await item("pause");
    expect(status).to.equal("unknown");
    expect(reasons.join()).to.include("doesn't say which implementation");
  });

  it("lets proofs decay with their age", async () => {
    await rehearse("pause");
    const { items } = await readiness({ maxAge: "0s" });
    const found = items.find((one) => one.procedure === "pause")!;
    expect(found.status).to.equal("stale");
    expect(found.reasons.join()).to.include("days old");
    for (const maxAge of ["90", "-1d", "90 days", "", "1.5d"]) {
      const { error } = await readiness({ maxAge });
      expect(error?.code, maxAge).to.equal("OPTION_INVALID");
      expect(process.exitCode).to.equal(3);
    }
  });

  it("shows in dr:status what is proven, without a request more", async () => {
    await rehearse("rollback");
    const count = async (work: () => Promise<unknown>): Promise<number> => {
      let requests = 0;
      const { provider } = connection;
      const request = provider.request.bind(provider);
      provider.request = async (args) => {
        requests += 1;
        return (await request(args)) as unknown;
      };
      await work();
      provider.request = request;
      return requests;
    };
    const alone = await count(async () => await connection.dr.status());
    let status: StatusJson | undefined;
    const shown = await count(async () => {
      status = await run<StatusJson>("dr:status", { names: [] });
    });
    expect(alone).to.be.above(0);
    expect(shown).to.equal(alone);
    expect(status!.proofs.last.by).to.equal("dr:rehearse");
    expect(
      status!.proofs.procedures.map((one) => [one.procedure, one.status]),
    ).to.deep.equal([
      ["pause", "proven"],
      ["rollback", "proven"],
      ["deployments-restore", "missing"],
      ["complete-loss", "missing"],
    ]);
  });

  it("shows the status where proofs can't be read", async () => {
    await writeFile(join(folder.path, "logs"), "no folder");
    const { proofs, contracts } = await run<StatusJson>("dr:status", {
      names: [],
    });
    expect([proofs, contracts.length]).to.deep.equal([null, 3]);
    expect(process.exitCode).to.equal(0);
  });

  it("is no gate that is open because there is nothing behind it", async () => {
    const empty = join(folder.path, "empty");
    hre = await openProject(empty, { dr: { project: "takumi" } });
    expect((await readiness()).error?.code).to.equal("READINESS_NOTHING");
    expect(process.exitCode).to.equal(3);
  });
});
