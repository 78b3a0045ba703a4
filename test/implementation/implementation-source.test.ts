import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { expect } from "chai";
import hre from "hardhat";

import { BlockReader } from "../../src/chain/block-reader.js";
import { ProviderRpc } from "../../src/chain/provider-rpc.js";
import { isDrError } from "../../src/core/errors.js";
import type { Address, Hex } from "../../src/core/hex.js";
import type { ArtifactSource } from "../../src/implementation/artifact-source.js";
import {
  findImplementation,
  toLayoutRecord,
  type ImplementationSource,
} from "../../src/implementation/implementation-source.js";
import {
  layoutRecordPath,
  writeLayoutRecord,
} from "../../src/implementation/layout-record.js";
import { variablesOf } from "../../src/recovery/safety/variables.js";
import { deploy, type Connection } from "../helpers/contracts.js";

const CHAIN_ID = 31337;
const TWIN = "contracts/test/safety/Layouts.sol:Twin";

/** Artifacts of a project whose source has moved on. */
const NO_ARTIFACTS: ArtifactSource = {
  getAllFullyQualifiedNames: () => Promise.resolve(new Set<string>()),
  readArtifact: (name) => expect.fail(`nobody has ${name}`),
  artifactExists: () => Promise.resolve(false),
  getArtifactPath: (name) => expect.fail(`nobody has ${name}`),
  getBuildInfoPath: () => Promise.resolve(undefined),
  getBuildInfoOutputPath: () => Promise.resolve(undefined),
};

describe("findImplementation", function () {
  let connection: Connection;
  let root: string;

  beforeEach(async () => {
    connection = await hre.network.create();
    root = await mkdtemp(join(tmpdir(), "hardhat-dr-"));
  });
  afterEach(async () => {
    await rm(root, { recursive: true });
  });

  describe("among artifacts", () => {
    it("knows code whose immutables were filled in", async () => {
      const address = await deploy(connection, "Stamped", [123]);
      const source = await find(address);
      expect(source).to.include({
        status: "known",
        origin: "artifact",
        contract: "contracts/test/safety/Layouts.sol:Stamped",
        solcVersion: "0.8.28",
      });
      expect(labelsOf(source)).to.deep.equal(["count"]);
    });

    it("knows a UUPS implementation, which holds its own address", async () => {
      const address = await deploy(connection, "Endorsement");
      expect(await find(address)).to.include({
        contract: "contracts/Endorsement.sol:Endorsement",
      });
    });

    it("knows code that a library was linked into", async () => {
      const library = await deploy(connection, "Doubling");
      const { ethers } = connection;
      const factory = await ethers.getContractFactory("Linked", {
        libraries: { Doubling: library },
      });
      const linked = await factory.deploy();
      await linked.waitForDeployment();
      expect(await find((await linked.getAddress()) as Address)).to.include({
        contract: "contracts/test/safety/Layouts.sol:Linked",
      });
    });

    it("tells twins apart by their metadata", async () => {
      for (const letter of ["A", "B"]) {
        const address = await deploy(connection, `Twin${letter}`);
        expect(await find(address)).to.include({ contract: TWIN + letter });
      }
    });

    it("asks which it is when the metadata doesn't tell, and takes the answer", async () => {
      const address = await deployWithOtherMetadata("TwinA");
      const source = await find(address);
      expect(source.status).to.equal("unknown");
      expect(source.status === "unknown" ? source.reason : "")
        .to.contain(`${TWIN}A`)
        .and.to.contain(`${TWIN}B`);
      for (const hint of [`${TWIN}B`, "TwinB"]) {
        expect(await find(address, { hint })).to.include({
          contract: `${TWIN}B`,
        });
      }
    });

    it("ignores a changed comment, which only changes the metadata", async () => {
      const address = await deployWithOtherMetadata("Ledger");
      expect(await find(address)).to.include({
        contract: "contracts/test/safety/Ledger.sol:Ledger",
      });
    });

    it("doesn't believe a hint that the code contradicts", async () => {
      const address = await deploy(connection, "Ledger");
      expect(await find(address, { hint: "LedgerAppended" })).to.include({
        contract: "contracts/test/safety/Ledger.sol:Ledger",
      });
    });

    it("says what to do about code that nothing compiles to", async () => {
      const address = await place("0x60016002036003");
      const source = await find(address, { hint: "Ledger" });
      expect(source.status).to.equal("unknown");
      expect(source.status === "unknown" ? source.reason : "")
        .to.contain(address)
        .and.to.contain("Ledger")
        .and.to.contain("npx hardhat build");
    });

    it("says so when the build of a contract isn't kept", async () => {
      const address = await deploy(connection, "Ledger");
      const artifact = await hre.artifacts.readArtifact("Ledger");
      const source = await find(address, {
        hint: "Ledger",
        artifacts: {
          ...NO_ARTIFACTS,
          getAllFullyQualifiedNames: () =>
            Promise.resolve(new Set(["contracts/Old.sol:Ledger"])),
          readArtifact: () => Promise.resolve(artifact),
        },
      });
      expect(source.status === "unknown" ? source.reason : "")
        .to.contain("build info")
        .and.to.contain("--force");
    });

    it("says when there's no code at all", async () => {
      const source = await find("0x00000000000000000000000000000000000000Aa");
      expect(source.status === "unknown" ? source.reason : "").to.contain(
        "No code",
      );
    });
  });

  describe("in a record", () => {
    it("knows a contract whose source is gone", async () => {
      const address = await deploy(connection, "Ledger");
      const found = await find(address);
      await record(found);
      const source = await find(address, { artifacts: NO_ARTIFACTS });
      expect(source).to.deep.equal({ ...found, origin: "record" });
    });

    it("doesn't take a record for other code at the same address", async () => {
      const address = await deploy(connection, "Ledger");
      await record(await find(address));
      await place("0x6001", address);
      const source = await find(address, { artifacts: NO_ARTIFACTS });
      expect(source.status).to.equal("unknown");
    });

    const broken: readonly [what: string, change: (text: string) => string][] =
      [
        ["cut short", (text) => text.slice(0, 100)],
        ["of another format", (text) => text.replace(": 1,", ": 2,")],
        [
          "about another contract",
          (text) => text.replace(/0x[0-9a-fA-F]{40}/, "0x"),
        ],
        ["without a code hash", (text) => text.replace("codeHash", "hash")],
        ["without an ABI", (text) => text.replace('"abi"', '"api"')],
        ["without a layout", (text) => text.replace('"storage"', '"store"')],
        ["that holds nothing", () => "null"],
      ];
    for (const [what, change] of broken) {
      it(`refuses one ${what}`, async () => {
        const address = await deploy(connection, "Ledger");
        await record(await find(address), change);
        try {
          await find(address);
          expect.fail("it was taken");
        } catch (error) {
          expect(
            isDrError(error, "LAYOUT_RECORD_BROKEN"),
            String(error),
          ).to.equal(true);
        }
      });
    }
  });

  describe("in OpenZeppelin's manifest", () => {
    it("knows the layout, and only that", async () => {
      const address = await deploy(connection, "Ledger");
      const found = await find(address);
      await writeManifest(address, found);
      const source = await find(address, { artifacts: NO_ARTIFACTS });
      expect(source).to.include({
        status: "known",
        origin: "openzeppelin-manifest",
      });
      expect(source).to.not.have.property("abi");
      expect(labelsOf(source)).to.deep.equal(labelsOf(found));
    });

    it("finds an implementation that was deployed more than once", async () => {
      const address = await deploy(connection, "Ledger");
      await writeManifest(
        "0x00000000000000000000000000000000000000aA",
        await find(address),
        [address],
      );
      const source = await find(address, { artifacts: NO_ARTIFACTS });
      expect(source.status).to.equal("known");
    });

    it("passes over one that can't be read", async () => {
      const address = await deploy(connection, "Ledger");
      await mkdir(join(root, ".openzeppelin"));
      await writeFile(
        join(root, ".openzeppelin", `unknown-${String(CHAIN_ID)}.json`),
        "{",
      );
      const source = await find(address, { artifacts: NO_ARTIFACTS });
      expect(source.status).to.equal("unknown");
    });
  });

  async function find(
    address: Address,
    {
      artifacts = hre.artifacts,
      hint,
    }: { artifacts?: ArtifactSource; hint?: string } = {},
  ): Promise<ImplementationSource> {
    const reader = await BlockReader.at(
      new ProviderRpc("simulated", connection.provider),
    );
    const places = {
      artifacts,
      folder: join(root, "deployments"),
      root,
      chainId: CHAIN_ID,
    };
    return await findImplementation(reader, address, places, hint);
  }

  async function record(
    source: ImplementationSource,
    change: (text: string) => string = (text) => text,
  ): Promise<void> {
    const found =
      source.status === "known" ? toLayoutRecord(source) : undefined;
    if (found === undefined) {
      expect.fail("nothing to record");
    }
    const folder = join(root, "deployments");
    await writeLayoutRecord(folder, found, async (path, text) => {
      expect(path).to.equal(layoutRecordPath(folder, found.address));
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, change(text));
    });
  }

  async function writeManifest(
    address: string,
    source: ImplementationSource,
    allAddresses: readonly string[] = [],
  ): Promise<void> {
    const layout = source.status === "known" ? source.layout : undefined;
    await mkdir(join(root, ".openzeppelin"));
    await writeFile(
      join(root, ".openzeppelin", `unknown-${String(CHAIN_ID)}.json`),
      JSON.stringify({
        manifestVersion: "3.2",
        proxies: [],
        impls: {
          abc: { address: address.toLowerCase(), allAddresses, layout },
        },
      }),
    );
  }

  async function place(
    code: Hex,
    address: Address = "0x00000000000000000000000000000000000000bB",
  ): Promise<Address> {
    await connection.provider.request({
      method: "hardhat_setCode",
      params: [address, code],
    });
    return address;
  }

  /** As if compiled from a file with another comment: the hash in the metadata differs. */
  async function deployWithOtherMetadata(contract: string): Promise<Address> {
    const { deployedBytecode } = await hre.artifacts.readArtifact(contract);
    const hash = deployedBytecode.lastIndexOf("64697066735822");
    expect(hash).to.be.greaterThan(0);
    const start = hash + 18;
    return await place(
      `${deployedBytecode.slice(0, start)}${"ab".repeat(32)}${deployedBytecode.slice(start + 64)}` as Hex,
    );
  }
});

function labelsOf(source: ImplementationSource): string[] {
  return source.status === "known"
    ? variablesOf(source.layout).map(({ label }) => label)
    : expect.fail(source.reason);
}
