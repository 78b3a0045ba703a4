import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

import { expect } from "chai";
import type { HardhatUserConfig } from "hardhat/config";

import type { Json } from "../../src/core/canonical-json.js";
import {
  openSnapshot,
  withSnapshot,
} from "../../src/snapshot/open-snapshot.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { contractAt, deploy, send } from "../helpers/contracts.js";
import { upgradePlatform } from "../helpers/deploy-platform.js";
import { RecordingMeter } from "../helpers/recording-meter.js";
import { stderrOf } from "../helpers/stderr.js";
import {
  editContract,
  editState,
  forge,
  openScene,
  replaceListed,
  SOLC,
  type SnapshotScene,
  type TaskJson,
} from "./scene.js";

interface ChangeJson {
  readonly contract: string;
  readonly field: string;
  readonly before: unknown;
  readonly now: unknown;
}

describe("dr:snapshot:verify", () => {
  const folder = useTemporaryFolder();

  afterEach(() => {
    process.exitCode = undefined;
  });

  async function verify(
    { run }: SnapshotScene,
    name = "",
    flags: Readonly<Record<string, boolean>> = {},
  ): Promise<TaskJson> {
    process.exitCode = undefined;
    return await run("dr:snapshot:verify", { name, ...flags });
  }

  async function expectRefused(
    scene: SnapshotScene,
    name: string,
    code: string,
    says?: RegExp,
  ): Promise<void> {
    const { error } = await verify(scene, name);
    expect(error?.code).to.equal(code);
    if (says !== undefined) {
      expect(error?.message).to.match(says);
    }
    expect(process.exitCode).to.equal(3);
  }

  describe("finds", () => {
    it("the newest complete one of the network", async () => {
      const scene = await openScene(folder.path);
      const first = await scene.snapshot();
      const second = await scene.snapshot();
      expect(await verify(scene)).to.include({ path: second });
      await rm(`${second}.manifest.json`);
      expect(await verify(scene)).to.include({ path: first });
      const other = "contract_snapshot_20990101_000000.tar.zst";
      for (const suffix of ["", ".manifest.json"]) {
        await writeFile(join(scene.backups, `${other}${suffix}`), "nonsense");
      }
      const verified = await verify(scene);
      expect(verified).to.include({ path: first });
      expect(verified.unreadable).to.deep.equal([other]);
      const manifest = await readFile(`${first}.manifest.json`, "utf8");
      await writeFile(
        `${first}.manifest.json`,
        manifest.replace('"network":"default"', '"network":"another"'),
      );
      await expectRefused(scene, "", "SNAPSHOT_NONE");
    });

    it("one by its name, without suffixes too, and by its path", async () => {
      const scene = await openScene(folder.path);
      const path = await scene.snapshot();
      await scene.snapshot();
      const name = basename(path);
      const [stem = ""] = name.split(".");
      for (const one of [name, stem, path, `./backups/contracts/${name}`]) {
        expect(await verify(scene, one)).to.include({ path });
      }
      await expectRefused(scene, "contract_snapshot_1", "ARTIFACT_MISSING");
    });

    it("none where none was taken", async () => {
      const scene = await openScene(folder.path);
      await expectRefused(scene, "", "SNAPSHOT_NONE");
    });
  });

  it("tells how far it is", async () => {
    const scene = await openScene(folder.path);
    const path = await scene.snapshot();
    const name = basename(path);
    expect(await stderrOf(async () => await verify(scene))).to.equal(
      `✔ Check: ${name} is what its manifest says\n`,
    );
    const meter = new RecordingMeter();
    await withSnapshot(openSnapshot(path, { trusted: [] }, meter), () =>
      Promise.resolve(),
    );
    expect(meter.complete).to.deep.equal([
      `checking ${name}`,
      `opening ${name}`,
    ]);
  });

  describe("refuses", () => {
    it("a snapshot with one byte changed, wherever it is", async () => {
      const scene = await openScene(folder.path);
      const path = await scene.snapshot();
      const bytes = await readFile(path);
      for (const at of [0, 99, bytes.length >> 1, bytes.length - 1]) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ 1;
        await writeFile(path, changed);
        await expectRefused(scene, "", "ARTIFACT_DAMAGED");
      }
      await writeFile(path, bytes);
      expect((await verify(scene)).error).to.equal(undefined);
    });
  });

  describe("refuses, though all digests are right,", () => {
    let root: string;
    let scene: SnapshotScene;
    let path: string;

    before(async () => {
      root = await mkdtemp(join(tmpdir(), "hardhat-dr-"));
      scene = await openScene(root);
      path = await scene.snapshot();
    });

    after(async () => {
      await rm(root, { recursive: true, force: true });
    });

    const forgeries: readonly [
      what: string,
      change: (files: Map<string, Buffer>) => void,
      says: RegExp,
    ][] = [
      [
        "a file that is missing",
        (files) => files.delete("deployments/default/deploy.json"),
        /it has no deployments\/default\/deploy\.json/,
      ],
      [
        "code that is missing",
        (files) => {
          for (const name of files.keys()) {
            if (name.startsWith("code/0x5FbDB")) {
              files.delete(name);
            }
          }
        },
        /it has no code\//,
      ],
      [
        "a file that nobody listed",
        (files) => files.set("artifacts/more.json", Buffer.from("{}")),
        /artifacts\/more\.json isn't in its list/,
      ],
      [
        "a file that was changed",
        (files) => {
          const name = "deployments/default/deploy.json";
          const text = String(files.get(name));
          files.set(name, Buffer.from(text.replace("uups", "zos ")));
        },
        /deploy\.json isn't the file in its list/,
      ],
      [
        "code that was changed",
        (files) => {
          for (const [name, code] of files) {
            if (name.startsWith("code/0x5FbDB")) {
              files.set(name, Buffer.from(`${String(code)}00`));
            }
          }
        },
        /hasn't the hash/,
      ],
      [
        "no snapshot.json",
        (files) => files.delete("snapshot.json"),
        /it holds no snapshot\.json/,
      ],
      [
        "a snapshot.json that isn't JSON",
        (files) => files.set("snapshot.json", Buffer.from("{")),
        /JSON/,
      ],
      [
        "a snapshot.json written by hand",
        (files) => {
          const state = JSON.parse(String(files.get("snapshot.json"))) as Json;
          files.set(
            "snapshot.json",
            Buffer.from(JSON.stringify(state, null, 2)),
          );
        },
        /isn't byte for byte what was written/,
      ],
      [
        "a wrong hash in the state",
        (files) => {
          editContract(files, "Endorsement", (contract) => {
            contract.proxyCodeHash = `0x${"12".repeat(32)}`;
          });
        },
        /Endorsement has the hash 0x1212/,
      ],
      [
        "a contract that isn't in its deploy.json",
        (files) => {
          editContract(files, "Endorsement", (contract) => {
            contract.proxy = contract.implementation ?? "";
            contract.proxyCodeHash = contract.codeHash ?? "";
          });
        },
        /its manifest speaks of other contracts/,
      ],
      [
        "a field of its own",
        (files) => {
          editState(files, (state) => {
            state.remark = "trust me";
          });
        },
        /remark/,
      ],
      [
        "a network that leads out of its folder",
        (files) => {
          editState(files, (state) => {
            state.network = "../../etc";
          });
        },
        /network/,
      ],
      [
        "a file that leads out of its folder",
        (files) => {
          editState(files, ({ files: list }) => {
            (list as Record<string, Json>)["a/../../b"] = {
              sizeBytes: 0,
              sha256: "0".repeat(64),
            };
          });
        },
        /files/,
      ],
    ];
    for (const [what, change, says] of forgeries) {
      it(what, async () => {
        const forged = await forge(path, change);
        await expectRefused(scene, forged, "SNAPSHOT_INVALID", says);
      });
    }

    it("artifacts, builds and a deploy.json that don't belong to it", async () => {
      const artifact = "artifacts/contracts/Endorsement.sol/Endorsement.json";
      const other = "artifacts/contracts/SkillClaim.sol/SkillClaim.json";
      const id = (await scene.hre.artifacts.readArtifact("Endorsement"))
        .buildInfoId!;
      const deployFile = "deployments/default/deploy.json";
      const cases: readonly [
        string,
        (files: Map<string, Buffer>) => Buffer | string,
        RegExp,
      ][] = [
        [artifact, (files) => files.get(other)!, /isn't the code of/],
        [artifact, () => "{}", /can't be read: contractName/],
        [artifact, () => "[", /can't be read/],
        [`artifacts/build-info/${id}.json`, () => "{}", /can't be read: id/],
        [
          deployFile,
          (files) => String(files.get(deployFile)).replace("31337", "1"),
          /its deploy\.json is of other contracts/,
        ],
        [
          deployFile,
          (files) =>
            String(files.get(deployFile)).replace("Endorsement", "Ends"),
          /its deploy\.json is of other contracts/,
        ],
        [deployFile, () => "{", /its deploy\.json can't be read/],
      ];
      for (const [name, replacement, says] of cases) {
        const forged = await forge(path, (files) => {
          replaceListed(files, name, replacement(files));
        });
        await expectRefused(scene, forged, "SNAPSHOT_INVALID", says);
      }
    });

    it("a manifest of other contracts, or of another kind", async () => {
      const nothing = () => undefined;
      const other = await forge(path, nothing, { recoveryPoint: {} });
      const says = /its manifest speaks of other contracts/;
      await expectRefused(scene, other, "SNAPSHOT_INVALID", says);
      const files = await forge(path, nothing, {}, "files");
      await expectRefused(scene, files, "SNAPSHOT_INVALID", /backup of files/);
    });

    it("a snapshot of a version that it doesn't know", async () => {
      const forged = await forge(path, (files) => {
        editState(files, (state) => {
          state.schemaVersion = 2;
        });
      });
      await expectRefused(scene, forged, "SNAPSHOT_TOO_NEW");
    });

    it("nothing about a forgery that changes nothing", async () => {
      const forged = await forge(path, () => undefined);
      expect((await verify(scene, forged)).error).to.equal(undefined);
    });
  });

  describe("--live", () => {
    async function changesSince(
      scene: SnapshotScene,
    ): Promise<readonly ChangeJson[]> {
      const { live } = await verify(scene, "", { live: true });
      expect(process.exitCode).to.equal(0);
      return (live as { readonly changed: readonly ChangeJson[] }).changed;
    }

    it("finds nothing where nothing happened", async () => {
      const scene = await openScene(folder.path);
      await scene.snapshot();
      expect(await changesSince(scene)).to.deep.equal([]);
    });

    it("shows just what a pause and an upgrade changed", async () => {
      const scene = await openScene(folder.path, {
        dr: {
          snapshot: {
            views: {
              Endorsement: ["function version() view returns (string)"],
            },
          },
        },
      });
      const { connection, platform } = scene;
      await scene.snapshot();
      const profile = await contractAt(
        connection,
        "SkillProfile",
        platform.skillProfile,
      );
      await send(connection, profile, "pause");
      const to = await deploy(connection, "EndorsementV2");
      const { implementations } = platform;
      await upgradePlatform(connection, platform, {
        ...implementations,
        endorsement: to,
      });
      const changes = await changesSince(scene);
      expect(
        changes.map(({ contract, field }) => `${contract}.${field}`),
      ).to.have.members([
        "SkillProfile.paused",
        "Endorsement.implementation",
        "Endorsement.codeHash",
        "Endorsement.slots.eip1967.proxy.implementation",
        "Endorsement.version",
        "Endorsement.views.function version() view returns (string).value",
      ]);
      const of = (field: string) => changes.find((one) => one.field === field);
      expect(of("paused")).to.include({ before: false, now: true });
      expect(of("version")).to.include({ before: "1.0.0", now: "2.0.0" });
      expect(of("implementation")).to.include({
        before: implementations.endorsement,
        now: to,
      });
    });

    it("shows who has a role now, and whose contract it is", async () => {
      const scene = await openScene(folder.path);
      const { connection, platform } = scene;
      await scene.snapshot();
      const other = `0x${"12".repeat(20)}`;
      const uups = await contractAt(
        connection,
        "Endorsement",
        platform.endorsement,
      );
      const role = (await uups.getFunction("PAUSER_ROLE")()) as string;
      await send(connection, uups, "grantRole", [role, other]);
      const claim = await contractAt(
        connection,
        "SkillClaim",
        platform.skillClaim,
      );
      await send(connection, claim, "transferOwnership", [other]);
      const changes = await changesSince(scene);
      const members = changes.find(({ field }) => field.startsWith("roles."));
      expect(members?.before).to.deep.equal([platform.owner]);
      expect(members?.now).to.deep.equal([platform.owner, other]);
      expect(changes.map(({ field }) => field)).to.include.members([
        "pauseAuthority.holders",
      ]);
      expect(
        changes.filter(({ contract }) => contract === "SkillProfile"),
      ).to.deep.equal([]);
    });

    it("refuses another chain", async () => {
      const scene = await openScene(folder.path);
      const path = await scene.snapshot();
      const root = join(folder.path, "other");
      const other = await openScene(root, {
        networks: { default: { type: "edr-simulated", chainId: 4242 } },
      });
      process.exitCode = undefined;
      const { error } = await verify(other, path, { live: true });
      expect(error?.code).to.equal("WRONG_CHAIN");
      expect(process.exitCode).to.equal(3);
    });
  });

  describe("--recompile", () => {
    it("gets the same bytecode, with the project's compiler and no network", async () => {
      const scene = await openScene(folder.path, SOLC);
      await scene.snapshot();
      const { recompiled } = await verify(scene, "", { recompile: true });
      const { endorsement } = scene.platform.implementations;
      expect(recompiled).to.deep.include({
        address: endorsement,
        contract: "contracts/Endorsement.sol:Endorsement",
        match: "exact",
      });
      // Proxies, implementations, ProxyAdmin and beacon.
      expect(recompiled).to.have.lengthOf(8);
      expect(process.exitCode).to.equal(0);
    });

    it("notices sources that aren't those, to the last comment", async () => {
      const scene = await openScene(folder.path, SOLC);
      const path = await scene.snapshot();
      const changes: readonly [from: string, to: string, code: string][] = [
        ["contract Endorsement", "/* hi */ contract Endorsement", DIFFERENT],
        ["contract Endorsement", "contract Endrsement", DIFFERENT],
        ["contract Endorsement", "contrct Endorsement", "COMPILATION_FAILED"],
      ];
      for (const [from, to, code] of changes) {
        const forged = await forge(path, (files) => {
          editSource(files, from, to);
        });
        const { error } = await verify(scene, forged, { recompile: true });
        expect(error?.code, to).to.equal(code);
        expect(process.exitCode).to.equal(3);
      }
    });

    it("notices creation bytecode that makes something else", async () => {
      const scene = await openScene(folder.path, SOLC);
      const forged = await forge(await scene.snapshot(), (files) => {
        const path = "artifacts/contracts/Endorsement.sol/Endorsement.json";
        const text = String(files.get(path));
        replaceListed(files, path, text.replace('"bytecode": "0x', "$&00"));
      });
      const { error } = await verify(scene, forged, { recompile: true });
      expect(error?.code).to.equal(DIFFERENT);
      expect(error?.message).to.include("its creation bytecode is another");
    });

    it("says which compiler it wants and hasn't", async () => {
      const missing: HardhatUserConfig = {
        solidity: {
          compilers: [{ version: "0.8.28", path: join(folder.path, "solc") }],
        },
      };
      const scene = await openScene(folder.path, missing);
      await scene.snapshot();
      const { error } = await verify(scene, "", { recompile: true });
      expect(error?.code).to.equal("COMPILER_MISSING");
      expect(error?.message).to.include("0.8.28+commit.7893614a");
      expect(process.exitCode).to.equal(3);
    });
  });
});

const DIFFERENT = "SNAPSHOT_COMPILES_DIFFERENTLY";

/** Changes Endorsement's source in the build info. */
function editSource(
  files: Map<string, Buffer>,
  from: string,
  to: string,
): void {
  const path = [...files.keys()].find((name) => name.includes("/build-info/"))!;
  const build = JSON.parse(String(files.get(path))) as {
    readonly input: { readonly sources: Record<string, { content: string }> };
  };
  const source = build.input.sources["project/contracts/Endorsement.sol"]!;
  expect(source.content).to.include(from);
  source.content = source.content.replace(from, to);
  replaceListed(files, path, JSON.stringify(build));
}
