import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmod,
  cp,
  mkdir,
  readdir,
  readFile,
  rm,
  writeFile,
} from "node:fs/promises";
import { basename, join } from "node:path";
import { gunzipSync } from "node:zlib";

import { expect } from "chai";
import type { HardhatUserConfig } from "hardhat/config";
import * as Hash from "ox/Hash";

import { generateKey } from "../../src/artifact/generate-keys.js";
import { checkArtifact } from "../../src/artifact/read-artifact.js";
import { systemClock, type Clock } from "../../src/core/clock.js";
import type { Hex } from "../../src/core/hex.js";
import { plain } from "../../src/display/text.js";
import { formatSnapshot } from "../../src/display/snapshot.js";
import { openSession } from "../../src/session/open-session.js";
import { snapshotContracts } from "../../src/session/snapshot.js";
import type { PresentContractState } from "../../src/snapshot/snapshot.js";
import { codeOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { stderrOf } from "../helpers/stderr.js";
import { contractAt, send } from "../helpers/contracts.js";
import { deploySolady } from "../helpers/families.js";
import { requirePrograms } from "../helpers/programs.js";
import {
  contentsOf,
  openScene,
  stateIn,
  type SnapshotScene,
  type TaskJson,
} from "./scene.js";

describe("dr:snapshot", () => {
  const folder = useTemporaryFolder();

  afterEach(() => {
    process.exitCode = undefined;
  });

  /** Takes one as somebody whose clock says so. */
  async function takeAt(scene: SnapshotScene, now: string) {
    const { hre, connection } = scene;
    const clock: Clock = { ...systemClock, now: () => new Date(now) };
    const { networkName, networkConfig, provider } = connection;
    const { ports } = await openSession({
      networkName,
      networkConfig,
      provider,
      artifacts: hre.artifacts,
      config: hre.config.dr,
      root: hre.config.paths.root,
    });
    return await snapshotContracts({ ...ports, clock }, hre.config.dr);
  }

  it("holds the state of transparent, UUPS and beacon proxies", async () => {
    const { platform, connection, snapshot } = await openScene(folder.path, {
      dr: {
        snapshot: {
          views: {
            SkillProfile: [
              "function owner() view returns (address)",
              "function paused() view returns (bool, address)",
              "function nobody() view returns (uint256)",
            ],
          },
        },
      },
    });
    const { chainId, block, contracts, code } = await stateIn(await snapshot());
    const { provider } = connection.ethers;
    const latest = await provider.getBlock("latest");
    expect(chainId).to.equal(31337);
    expect(block).to.deep.equal({
      number: latest!.number,
      hash: latest!.hash,
      timestamp: latest!.timestamp,
    });
    const codeHash = async (address: string) =>
      Hash.keccak256((await provider.getCode(address)) as Hex);
    const { skillProfile, implementations } = platform;
    const slot = (address: string) =>
      `0x${address.slice(2).toLowerCase().padStart(64, "0")}`;
    const zero = slot("0x");
    expect(contracts.SkillProfile).to.deep.include({
      kind: "transparent",
      proxy: skillProfile,
      proxyCodeHash: await codeHash(skillProfile),
      implementation: implementations.skillProfile,
      codeHash: await codeHash(implementations.skillProfile),
      admin: platform.proxyAdmin,
      adminCodeHash: await codeHash(platform.proxyAdmin),
      beacon: null,
      beaconCodeHash: null,
      version: "1.0.0",
      paused: false,
      owner: platform.owner,
      pendingOwner: null,
      roles: [],
      slots: {
        "eip1967.proxy.implementation": slot(implementations.skillProfile),
        "eip1967.proxy.admin": slot(platform.proxyAdmin),
        "eip1967.proxy.beacon": zero,
        "org.zeppelinos.proxy.implementation": zero,
        "org.zeppelinos.proxy.admin": zero,
      },
      views: {
        "function owner() view returns (address)": {
          status: "answered",
          value: platform.owner,
        },
        "function paused() view returns (bool, address)": {
          status: "other",
          data: zero,
        },
        "function nobody() view returns (uint256)": { status: "reverts" },
      },
    });
    expect(contracts.SkillProfile).to.have.nested.property(
      "upgradeAuthority.holders[0].address",
      platform.owner,
    );
    const uups = contracts.Endorsement as PresentContractState;
    expect(uups.kind).to.equal("uups");
    expect(uups.roles?.map(({ name }) => name)).to.have.members([
      "DEFAULT_ADMIN_ROLE",
      "PAUSER_ROLE",
      "UPGRADER_ROLE",
    ]);
    for (const { members } of uups.roles!) {
      expect(members).to.deep.equal([platform.owner]);
    }
    expect(contracts.SkillClaim).to.deep.include({
      kind: "beacon",
      beacon: platform.beacon,
      beaconCodeHash: await codeHash(platform.beacon),
      implementation: implementations.skillClaim,
    });
    for (const address of Object.keys(code)) {
      expect(code[address as Hex]?.codeHash).to.equal(await codeHash(address));
    }
  });

  it("holds what it takes to verify and redeploy", async () => {
    const scene = await openScene(folder.path);
    const { hre, platform } = scene;
    const path = await scene.snapshot();
    const [files, { code }] = [await contentsOf(path), await stateIn(path)];
    const { source, layout } = code[platform.implementations.endorsement]!;
    expect(source).to.deep.include({
      status: "known",
      contract: "contracts/Endorsement.sol:Endorsement",
      match: "exact",
    });
    if (source.status !== "known") {
      return;
    }
    const json = (name: string) =>
      JSON.parse(String(files.get(name))) as Record<string, unknown>;
    const artifact = await hre.artifacts.readArtifact("Endorsement");
    expect(json(source.artifact)).to.deep.equal(artifact);
    const info = json(source.buildInfo!);
    expect(info).to.have.property("solcLongVersion", "0.8.28+commit.7893614a");
    const { sources } = info.input as {
      readonly sources: Readonly<Record<string, { readonly content: string }>>;
    };
    const id = artifact.buildInfoId!;
    for (const [name, { content }] of Object.entries(sources)) {
      expect(String(files.get(`sources/${id}/${name}`))).to.equal(content);
    }
    // solc puts the digest of the metadata at the end of the code.
    expect(artifact.deployedBytecode).to.include(
      ipfsDigest(files.get(source.metadata!)!),
    );
    expect(json(layout!)).to.deep.include({
      contract: "contracts/Endorsement.sol:Endorsement",
    });
    // The proxies too: all of it can be deployed again.
    expect(code[platform.endorsement]?.source).to.deep.include({
      contract:
        "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol:ERC1967Proxy",
    });
  });

  it("holds deploy.json, layouts and OpenZeppelin's manifest as they are", async () => {
    const scene = await openScene(folder.path);
    const { deployments, hre, platform } = scene;
    await scene.run("dr:upgrade", {
      name: "SkillProfile",
      to: "SkillProfileV2",
      yes: true,
    });
    const openzeppelin = join(hre.config.paths.root, ".openzeppelin");
    await mkdir(openzeppelin);
    for (const name of ["unknown-31337.json", "mainnet.json"]) {
      await writeFile(join(openzeppelin, name), `{"of": "${name}"}`);
    }
    const path = await scene.snapshot();
    const files = await contentsOf(path);
    const kept = [
      "deploy.json",
      ...(await readdir(join(deployments, "layouts"))).map(
        (name) => `layouts/${name}`,
      ),
    ];
    expect(kept).to.have.lengthOf(3);
    for (const name of kept) {
      const inArchive = files.get(`deployments/default/${name}`);
      const own = await readFile(join(deployments, name));
      expect(inArchive?.equals(own), name).to.equal(true);
    }
    expect(
      [...files.keys()].filter((name) => name.startsWith(".openzeppelin/")),
    ).to.deep.equal([".openzeppelin/unknown-31337.json"]);
    expect(String(files.get(".openzeppelin/unknown-31337.json"))).to.equal(
      '{"of": "unknown-31337.json"}',
    );
    const { code } = await stateIn(path);
    const of = (address: string) => code[address as Hex]?.layout;
    const { skillProfile, endorsement } = platform.implementations;
    expect(of(skillProfile)).to.equal(
      `deployments/default/layouts/${skillProfile}.json`,
    );
    // One that is about other code is kept, and not believed.
    const stale = join(deployments, "layouts", `${endorsement}.json`);
    await writeFile(stale, "{}");
    const later = await stateIn(await scene.snapshot());
    expect(later.code[endorsement]?.layout).to.equal(null);
    expect(later.files).to.have.property(
      `deployments/default/layouts/${endorsement}.json`,
    );
  });

  it("is the same byte for byte at one block, whatever the clock says", async () => {
    const scene = await openScene(folder.path, {
      dr: { backup: { compression: "gzip" } },
    });
    const first = await takeAt(scene, "2026-11-20T03:15:00Z");
    const second = await takeAt(scene, "2027-01-02T10:00:00Z");
    expect(basename(first.path)).to.equal(
      "contract_snapshot_20261120_031500.tar.gz",
    );
    expect(basename(second.path)).to.equal(
      "contract_snapshot_20270102_100000.tar.gz",
    );
    const [a, b] = await Promise.all(
      [first, second].map(async ({ path }) => await readFile(path)),
    );
    expect(a!.equals(b!)).to.equal(true);
    // The first header's time, in octal: not the clock's, but the block's.
    const time = gunzipSync(a!).toString("latin1", 136, 147);
    expect(parseInt(time, 8)).to.equal(first.snapshot.block.timestamp);
    const { connection, platform } = scene;
    const profile = await contractAt(
      connection,
      "SkillProfile",
      platform.skillProfile,
    );
    await send(connection, profile, "pause");
    const third = await takeAt(scene, "2027-01-02T10:00:01Z");
    expect(third.manifest.plain).to.not.deep.equal(first.manifest.plain);
  });

  it("says in its manifest of which contracts, and of which block", async () => {
    const scene = await openScene(folder.path);
    const path = await scene.snapshot();
    const { manifest } = await checkArtifact(path, { trusted: [] });
    const { block, contracts } = await stateIn(path);
    const { kind, proxy, implementation, codeHash } =
      contracts.Endorsement as PresentContractState;
    expect(manifest.recoveryPoint).to.deep.equal({
      chainId: 31337,
      block: block.number,
      hash: block.hash,
    });
    expect(manifest.contents).to.deep.include({
      network: "default",
      chainId: 31337,
    });
    expect(manifest.contents)
      .to.have.nested.property("contracts.Endorsement")
      .that.deep.equals({ kind, proxy, implementation, codeHash });
  });

  describe("for programs of the machine", () => {
    for (const [compression, program] of [
      ["zstd", "zstd"],
      ["gzip", "gzip"],
    ] as const) {
      it(`is a tar in ${compression}, with a checksum`, async function () {
        requirePrograms(this, "tar", program, "sha256sum");
        const scene = await openScene(folder.path, {
          dr: { backup: { compression } },
        });
        const path = await scene.snapshot();
        execFileSync("sha256sum", ["-c", `${basename(path)}.sha256`], {
          cwd: scene.backups,
        });
        const tar = execFileSync(program, ["-dc", path], {
          maxBuffer: 100_000_000,
        });
        const listed = execFileSync("tar", ["-t"], { input: tar }).toString();
        const names = listed.split("\n").slice(0, -1);
        expect(names[0]).to.equal("snapshot.json");
        expect(names).to.deep.equal([...(await contentsOf(path)).keys()]);
        const file = "deployments/default/deploy.json";
        expect(
          execFileSync("tar", ["-xO", file], { input: tar }).toString(),
        ).to.equal(
          await readFile(join(scene.deployments, "deploy.json"), "utf8"),
        );
      });
    }
  });

  it("is encrypted and signed where the configuration says so", async () => {
    const signing = join(folder.path, "signing.pem");
    await generateKey("encryption", join(folder.path, "backup.key"));
    const { shown } = await generateKey("signing", signing);
    const dr: HardhatUserConfig["dr"] = {
      encryption: { keyFile: "backup.key" },
      signing: { keyFile: "signing.pem", trusted: [shown] },
    };
    const scene = await openScene(folder.path, { dr });
    const taken = await scene.run("dr:snapshot");
    expect(taken).to.include({ encrypted: "aes-256-gcm", signedBy: shown });
    expect(taken.artifact).to.match(/\.tar\.zst\.enc$/);
    const verified = await scene.run("dr:snapshot:verify");
    expect(verified).to.include({ artifact: taken.artifact });
    expect(process.exitCode).to.equal(0);
    await chmod(join(folder.path, "backup.key"), 0o644);
    const refused = await scene.run("dr:snapshot");
    expect(refused.error?.code).to.equal("KEY_FILE_EXPOSED");
    expect(process.exitCode).to.equal(3);
  });

  it("says whose source it doesn't know, and keeps the rest", async () => {
    const scene = await openScene(folder.path);
    const { proxy, second } = await deploySolady(scene.connection);
    await scene.connection.dr.init({ Token: proxy });
    const path = await scene.snapshot();
    const state = await stateIn(path);
    expect(state.code[state.contracts.Token!.proxy]).to.exist;
    const token = state.contracts.Token as PresentContractState;
    expect(token.implementation.toLowerCase()).to.equal(second.toLowerCase());
    const { source } = state.code[token.implementation]!;
    expect(source).to.deep.equal({
      status: "unknown",
      reason: "No contract of this project compiles to this code.",
    });
    const code = (await contentsOf(path)).get(
      `code/${token.implementation}.hex`,
    );
    expect(Hash.keccak256(String(code) as Hex)).to.equal(token.codeHash);
    const { manifest } = await checkArtifact(path, { trusted: [] });
    const text = formatSnapshot({ path, manifest, snapshot: state }, plain);
    expect(text).to.include("! Token: its source isn't in the snapshot.");
    expect(text).to.not.include("! Endorsement");
  });

  it("says which sources can't be compiled again, or have no metadata", async () => {
    const scene = await openScene(folder.path);
    const { artifacts } = scene.hre.config.paths;
    const own = join(folder.path, "own");
    await cp(artifacts, own, { recursive: true, dereference: true });
    await rm(artifacts);
    await cp(own, artifacts, { recursive: true });
    await scene.hre.artifacts.clearCache();
    const builds = join(artifacts, "build-info");
    const names = await readdir(builds);
    const textOf = async () => {
      const path = await scene.snapshot();
      const { manifest } = await checkArtifact(path, { trusted: [] });
      const snapshot = await stateIn(path);
      return formatSnapshot({ path, manifest, snapshot }, plain);
    };
    expect(await textOf()).to.not.include("! Endorsement");
    for (const name of names.filter((one) => one.includes(".output."))) {
      await rm(join(builds, name));
    }
    expect(await textOf()).to.include("! Endorsement: its build has no metad");
    await rm(builds, { recursive: true });
    await scene.hre.artifacts.clearCache();
    expect(await textOf()).to.include("! Endorsement: its build info isn't");
  });

  it("keeps a contract that is gone as missing", async () => {
    const scene = await openScene(folder.path);
    const { deployments, platform } = scene;
    const path = join(deployments, "deploy.json");
    const text = await readFile(path, "utf8");
    const nowhere = `0x${"12".repeat(20)}`;
    await writeFile(path, text.replaceAll(platform.endorsement, nowhere));
    const { contracts } = await stateIn(await scene.snapshot());
    expect(contracts.Endorsement).to.deep.equal({
      kind: "missing",
      proxy: nowhere,
    });
    const verified = await scene.run("dr:snapshot:verify", { live: true });
    expect(verified).to.have.nested.property("live.changed").that.is.empty;
  });

  it("waits for the next second where one was taken in this", async () => {
    const scene = await openScene(folder.path);
    const taken: TaskJson[] = [];
    for (let count = 0; count < 2; count += 1) {
      taken.push(await scene.run("dr:snapshot"));
    }
    const [first, second] = taken;
    expect(first?.artifact).to.not.equal(second?.artifact);
    expect(first?.archiveSha256).to.equal(second?.archiveSha256);
    const at = "2026-11-20T03:15:00Z";
    await takeAt(scene, at);
    // A clock that stands still never gets there.
    expect(await codeOf(() => takeAt(scene, at))).to.equal("ARTIFACT_EXISTS");
  });

  it("refuses another chain than deploy.json's", async () => {
    const scene = await openScene(folder.path);
    const path = join(scene.deployments, "deploy.json");
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace("31337", "1"));
    const { error } = await scene.run("dr:snapshot");
    expect(error?.code).to.equal("WRONG_CHAIN");
    expect(await readdir(folder.path)).to.not.include("backups");
  });

  it("is of one block though the chain takes blocks back meanwhile", async () => {
    const scene = await openScene(folder.path);
    const { connection, hre } = scene;
    let reorganisations = 0;
    /** Answers for the block that is read with another hash, so many times. */
    const session = async (times: number) => {
      reorganisations = 0;
      const { networkName, networkConfig, provider } = connection;
      const { ports } = await openSession({
        networkName,
        networkConfig,
        provider,
        artifacts: hre.artifacts,
        config: hre.config.dr,
        root: hre.config.paths.root,
      });
      const rpc: typeof ports.rpc = Object.create(ports.rpc, {
        request: {
          value: async (method: string, params: readonly unknown[]) => {
            const answer = await ports.rpc.request(method, params);
            const isAgain =
              method === "eth_getBlockByNumber" && params[0] !== "latest";
            if (!isAgain || reorganisations >= times) {
              return answer;
            }
            reorganisations += 1;
            return { ...(answer as object), hash: `0x${"00".repeat(32)}` };
          },
        },
      }) as typeof ports.rpc;
      return { ...ports, rpc };
    };
    const { dr } = hre.config;
    await snapshotContracts(await session(1), dr);
    expect(reorganisations).to.equal(1);
    const ports = await session(9);
    expect(await codeOf(() => snapshotContracts(ports, dr))).to.equal(
      "CHAIN_REORGANISED",
    );
    expect(reorganisations).to.equal(3);
  });

  it("is offered in code, and keeps a test's snapshots in its folder", async () => {
    const { connection } = await openScene(folder.path);
    const own = join(folder.path, "own");
    const { proxy } = await deploySolady(connection);
    const dr = connection.dr.withDeployments(own);
    await dr.init({ Token: proxy });
    const { path, snapshot } = await dr.snapshot();
    expect(path.startsWith(join(own, "backups/contracts/"))).to.equal(true);
    expect(Object.keys(snapshot.contracts)).to.deep.equal(["Token"]);
  });

  it("tells of views of contracts that deploy.json hasn't", async () => {
    const scene = await openScene(folder.path, {
      dr: {
        snapshot: { views: { Nobody: ["function x() view returns (bool)"] } },
      },
    });
    expect(
      await stderrOf(async () => await scene.run("dr:snapshot")),
    ).to.include("names Nobody, which isn't");
  });
});

/** SHA-256 of a file of one block, as IPFS wraps it. @see https://github.com/ipfs/specs, UnixFS */
function ipfsDigest(content: Buffer): string {
  const length = varint(content.length);
  const file = Buffer.concat([
    Buffer.of(0x08, 2, 0x12),
    length,
    content,
    Buffer.of(0x18),
    length,
  ]);
  return createHash("sha256")
    .update(Buffer.concat([Buffer.of(0x0a), varint(file.length), file]))
    .digest("hex");
}

function varint(value: number): Buffer {
  return value < 128
    ? Buffer.of(value)
    : Buffer.concat([Buffer.of((value % 128) + 128), varint(value >> 7)]);
}
