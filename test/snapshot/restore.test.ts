import {
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";

import { expect } from "chai";

import { systemClock } from "../../src/core/clock.js";
import { acquireLock } from "../../src/run/lock.js";
import {
  openSnapshot,
  withSnapshot,
} from "../../src/snapshot/open-snapshot.js";
import { planRestore } from "../../src/snapshot/restore-plan.js";
import {
  restoreSnapshot,
  type RestorePorts,
} from "../../src/snapshot/restore.js";
import { codeOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { runKilled } from "../helpers/killed-worker.js";
import { useTmpdir } from "../helpers/tmpdir.js";
import {
  contentsOf,
  filesIn,
  forge,
  openScene,
  placesIn,
  replaceListed,
  SOLC,
  type SnapshotScene,
  type TaskJson,
} from "./scene.js";

interface FileJson {
  readonly path: string;
  readonly target: string;
  readonly action: string;
  readonly apartFrom: string | null;
  readonly kept: string | null;
}

const DEPLOY_FILE = "deployments/default/deploy.json";
const ARTIFACT = "artifacts/contracts/Endorsement.sol/Endorsement.json";

describe("dr:snapshot:restore", () => {
  const folder = useTemporaryFolder();
  const { isTTY } = process.stdin;

  afterEach(() => {
    process.exitCode = undefined;
    process.stdin.isTTY = isTTY;
  });

  /** A project with OpenZeppelin's manifest, of which a snapshot was taken. */
  async function takenScene(config: Parameters<typeof openScene>[1] = {}) {
    const scene = await openScene(folder.path, config);
    const manifest = join(folder.path, ".openzeppelin/unknown-31337.json");
    await mkdir(dirname(manifest));
    await writeFile(manifest, '{"manifestVersion": "3.4"}');
    const path = await scene.snapshot();
    return { ...scene, path, before: await watched() };
  }

  /** What restoring is about, of the project. */
  async function watched(): Promise<Readonly<Record<string, string>>> {
    const files = await filesIn(folder.path);
    return Object.fromEntries(
      Object.entries(files).filter(([path]) => !path.startsWith("backups/")),
    );
  }

  /** All that can be lost but the backups. */
  async function lose(): Promise<void> {
    for (const name of ["deployments", ".openzeppelin", "artifacts"]) {
      await rm(join(folder.path, name), { recursive: true });
    }
  }

  async function restore(
    { run }: SnapshotScene,
    args: Readonly<Record<string, unknown>> = {},
  ): Promise<TaskJson & { readonly files: readonly FileJson[] }> {
    process.exitCode = undefined;
    return (await run("dr:snapshot:restore", {
      yes: true,
      ...args,
    })) as TaskJson & { readonly files: readonly FileJson[] };
  }

  function actions(files: readonly FileJson[]): Record<string, string> {
    return Object.fromEntries(files.map(({ path, action }) => [path, action]));
  }

  it("gives a project that lost everything the same files back", async () => {
    const scene = await takenScene();
    const contents = await contentsOf(scene.path);
    await lose();
    const { files, status } = await restore(scene);
    expect(status).to.equal("done");
    expect(process.exitCode).to.equal(0);
    expect(new Set(Object.values(actions(files)))).to.deep.equal(
      new Set(["new"]),
    );
    const after = await watched();
    for (const name of [DEPLOY_FILE, ".openzeppelin/unknown-31337.json"]) {
      expect(after[name], name).to.equal(scene.before[name]);
    }
    const restored = [...contents.keys()].filter((name) =>
      /^(deployments|\.openzeppelin|artifacts)\//.test(name),
    );
    expect(restored).to.have.lengthOf(14);
    for (const name of restored) {
      expect(after[name], name).to.equal(String(contents.get(name)));
    }
    expect(Object.keys(after)).to.have.members([...restored, "package.json"]);
    // All that a rollback needs is there again, though nothing is compiled.
    await scene.hre.artifacts.clearCache();
    const artifact = await scene.hre.artifacts.readArtifact("Endorsement");
    expect(artifact.abi).to.not.be.empty;
    const [status0] = (await scene.connection.dr.status()).contracts;
    expect(status0?.drift).to.deep.equal([]);
  });

  it("does nothing where all is there already", async () => {
    const scene = await takenScene();
    await restore(scene);
    const before = await filesIn(folder.path);
    const deployFile = join(folder.path, DEPLOY_FILE);
    const { mtimeMs } = await stat(deployFile);
    const { files } = await restore(scene);
    expect(new Set(Object.values(actions(files)))).to.deep.equal(
      new Set(["same"]),
    );
    expect(await filesIn(folder.path)).to.deep.equal(before);
    expect((await stat(deployFile)).mtimeMs).to.equal(mtimeMs);
  });

  it("keeps what it replaces, beside it", async () => {
    const scene = await takenScene();
    const path = join(folder.path, DEPLOY_FILE);
    const original = await readFile(path, "utf8");
    await writeFile(path, "half a deploy.json");
    const { files } = await restore(scene);
    expect(await readFile(path, "utf8")).to.equal(original);
    const { kept } = files.find((file) => file.path === DEPLOY_FILE)!;
    expect(kept).to.match(/deploy\.json\.before-restore-\d{8}_\d{6}$/);
    expect(await readFile(kept!, "utf8")).to.equal("half a deploy.json");
  });

  it("replaces the file behind a link, and keeps its content", async () => {
    const scene = await takenScene();
    const path = join(folder.path, DEPLOY_FILE);
    const original = await readFile(path, "utf8");
    const real = join(folder.path, "real.json");
    await rename(path, real);
    await symlink(real, path);
    await writeFile(real, "mine");
    const { files } = await restore(scene);
    const { kept } = files.find((file) => file.path === DEPLOY_FILE)!;
    expect((await lstat(path)).isSymbolicLink()).to.equal(true);
    expect(await readFile(real, "utf8")).to.equal(original);
    expect(await readFile(kept!, "utf8")).to.equal("mine");
  });

  it("shows the plan and touches nothing with --dry-run", async () => {
    const scene = await takenScene();
    await lose();
    const before = await filesIn(folder.path);
    const { status, files } = await restore(scene, { dryRun: true });
    expect(status).to.equal("planned");
    expect(files).to.have.lengthOf(14);
    // deploy.json comes last: whoever finds it takes the rest for granted.
    expect(files.at(-1)?.path).to.equal(DEPLOY_FILE);
    expect(await filesIn(folder.path)).to.deep.equal(before);
  });

  it("asks, and takes no for an answer", async () => {
    const scene = await takenScene();
    await lose();
    process.stdin.isTTY = false;
    const unasked = await restore(scene, { yes: false });
    expect(unasked.error?.code).to.equal("NO_TERMINAL");
    process.stdin.isTTY = true;
    const asked = answering(scene, () => "n");
    const refused = await restore(scene, { yes: false });
    expect(refused.error?.code).to.equal("NOT_CONFIRMED");
    expect(process.exitCode).to.equal(3);
    expect(asked).to.have.lengthOf(1);
    expect(await watched()).to.not.have.property(DEPLOY_FILE);
  });

  /** Somebody at the keyboard, who answers every question so. */
  function answering(
    { hre }: SnapshotScene,
    answer: () => Promise<string> | string,
  ): string[] {
    const asked: string[] = [];
    hre.hooks.registerHandlers("userInterruptions", {
      requestInput: async (_context, _interruptor, question) => {
        asked.push(question);
        return await answer();
      },
    });
    return asked;
  }

  it("leaves a project its own artifacts, and puts others apart", async () => {
    const scene = await takenScene();
    const { artifacts } = scene.hre.config.paths;
    const contents = await contentsOf(scene.path);
    await rm(artifacts);
    const own = join(artifacts, "contracts/Endorsement.sol/Endorsement.json");
    await mkdir(dirname(own), { recursive: true });
    await writeFile(own, '{"bytecode": "0x00"}');
    const rebuilt = "artifacts/contracts/SkillClaim.sol/SkillClaim.json";
    const other = join(folder.path, rebuilt);
    const claim = JSON.parse(String(contents.get(rebuilt))) as object;
    await mkdir(dirname(other), { recursive: true });
    await writeFile(other, JSON.stringify({ ...claim, buildInfoId: "later" }));
    const { files } = await restore(scene);
    expect(await readFile(own, "utf8")).to.equal('{"bytecode": "0x00"}');
    expect(actions(files)[rebuilt]).to.equal("same");
    const { target, apartFrom } = files.find(({ path }) => path === ARTIFACT)!;
    expect(apartFrom).to.equal(own);
    expect(target).to.match(
      /deployments\/default\/restored\/contract_snapshot_\d+_\d+\/artifacts\//,
    );
    expect(await readFile(target, "utf8")).to.equal(
      String(contents.get(ARTIFACT)),
    );
    const again = await restore(scene);
    expect(actions(again.files)[ARTIFACT]).to.equal("same");
  });

  it("refuses a snapshot of another network, or of another chain", async () => {
    const { path } = await takenScene();
    const code = "SNAPSHOT_OF_OTHER_NETWORK";
    const other = await openScene(join(folder.path, "other"), {
      networks: { default: { type: "edr-simulated", chainId: 4242 } },
    });
    const chain = await restore(other, { name: path });
    expect(chain.error?.code).to.equal(code);
    expect(chain.error?.message).to.include("chain 31337");
    expect(process.exitCode).to.equal(3);
    await withSnapshot(openSnapshot(path, { trusted: [] }), async (opened) => {
      const places = { ...placesIn(folder.path), network: "mainnet" };
      expect(await codeOf(() => planRestore(opened, places))).to.equal(code);
    });
  });

  it("waits for no run: while one is under way it refuses", async () => {
    const scene = await takenScene();
    await rm(join(folder.path, DEPLOY_FILE));
    const lock = await acquireLock(scene.deployments, systemClock);
    const { error } = await restore(scene);
    expect(error?.code).to.equal("RUN_LOCKED");
    await lock.release();
    expect((await restore(scene)).status).to.equal("done");
    expect(await watched()).to.not.have.property("deployments/default/.lock");
  });

  it("refuses when something changed since the plan was shown", async () => {
    const scene = await takenScene();
    const path = join(folder.path, DEPLOY_FILE);
    await writeFile(path, "one");
    const before = Object.keys(await watched());
    process.stdin.isTTY = true;
    answering(scene, async () => {
      await writeFile(path, "another");
      return "y";
    });
    const { error } = await restore(scene, { yes: false });
    expect(error?.code).to.equal("RESTORE_STALE");
    expect(process.exitCode).to.equal(3);
    expect(await readFile(path, "utf8")).to.equal("another");
    expect(Object.keys(await watched())).to.deep.equal(before);
  });

  it("says what can't be written", async () => {
    const scene = await takenScene();
    await rm(join(folder.path, DEPLOY_FILE));
    await mkdir(join(folder.path, DEPLOY_FILE));
    const { error } = await restore(scene);
    expect(error?.code).to.equal("NOT_WRITABLE");
  });

  it("compiles the sources first with --recompile", async () => {
    const scene = await takenScene(SOLC);
    await lose();
    const forged = await forge(scene.path, (files) => {
      const [build = ""] = [...files.keys()].filter((name) =>
        name.includes("/build-info/"),
      );
      const text = String(files.get(build));
      const changed = text.replace(
        "contract SkillClaim",
        "contract SkillClaims",
      );
      replaceListed(files, build, changed);
    });
    const refused = await restore(scene, { name: forged, recompile: true });
    expect(refused.error?.code).to.equal("SNAPSHOT_COMPILES_DIFFERENTLY");
    expect(await watched()).to.not.have.property(DEPLOY_FILE);
    const { status } = await restore(scene, { recompile: true });
    expect(status).to.equal("done");
  });

  describe("interrupted", () => {
    const temporary = useTemporaryFolder();
    useTmpdir(temporary);

    const STRANGE = [DEPLOY_FILE, ".openzeppelin/unknown-31337.json"];

    /** Two files that aren't the snapshot's, and the layouts gone. */
    async function makeStrange(deployments: string): Promise<void> {
      await rm(join(deployments, "layouts"), { recursive: true, force: true });
      for (const name of STRANGE) {
        await writeFile(join(folder.path, name), `mine: ${name}`);
      }
    }

    async function restoreWith(
      path: string,
      ports: Partial<RestorePorts>,
    ): Promise<unknown> {
      return await withSnapshot(
        openSnapshot(path, { trusted: [] }),
        async (opened) => {
          const places = placesIn(folder.path);
          const plan = await planRestore(opened, places);
          const all = { clock: systemClock, ...ports };
          return await restoreSnapshot(opened, places, plan, all);
        },
      );
    }

    /** Besides them is what the loader of TypeScript keeps. */
    async function unpacked(): Promise<readonly string[]> {
      const names = await readdir(temporary.path);
      return names.filter((name) => name.startsWith(".hardhat-dr-"));
    }

    async function expectNothingLost(): Promise<void> {
      const texts = Object.values(await watched());
      expect(texts).to.include.members(STRANGE.map((name) => `mine: ${name}`));
    }

    // The manifest is kept, then replaced; three layouts; deploy.json is kept, then replaced.
    for (const deadly of [0, 1, 3, 6]) {
      it(`by a kill before rename ${String(deadly)} of 7, it can be done again, and nothing is lost`, async () => {
        const { path, deployments } = await takenScene();
        await makeStrange(deployments);
        const worker = join(import.meta.dirname, "restore-worker.ts");
        await runKilled(worker, [path, folder.path, String(deadly)]);
        const [left = ""] = await unpacked();
        const { mode } = await stat(join(temporary.path, left));
        expect(mode & 0o777, "nobody else reads it").to.equal(0o700);
        await expectNothingLost();
        let renames = 0;
        await restoreWith(path, {
          rename: async (from, to) => {
            renames += 1;
            await rename(from, to);
          },
        });
        // What it was killed at, once more: a copy that was made stays the copy.
        expect(renames).to.equal(7 - deadly + (deadly % 5 === 1 ? 1 : 0));
        await expectNothingLost();
        const files = await watched();
        for (const [name, bytes] of await contentsOf(path)) {
          if (/^(deployments|\.openzeppelin)\//.test(name)) {
            expect(files[name], name).to.equal(String(bytes));
          }
        }
        expect(
          Object.keys(files).filter((name) => /\.tmp|\.lock/.test(name)),
        ).to.deep.equal([]);
        expect(await unpacked()).to.deep.equal([]);
      });
    }

    it("by a disk that is full, it says so and leaves nothing half", async () => {
      const { path, deployments } = await takenScene();
      await makeStrange(deployments);
      const full = () => Promise.reject(new Error("ENOSPC"));
      const code = await codeOf(() => restoreWith(path, { rename: full }));
      expect(code).to.equal("NOT_WRITABLE");
      await expectNothingLost();
      await restoreWith(path, {});
      await expectNothingLost();
    });

    it("by somebody who writes at the same time, it says so", async () => {
      const { path, deployments } = await takenScene();
      await makeStrange(deployments);
      const target = join(folder.path, DEPLOY_FILE);
      const meddlers: [string, RestorePorts["rename"]][] = [
        [
          "RESTORE_STALE",
          async (from, to) => {
            await rename(from, to);
            if (to.startsWith(`${target}.before`)) {
              await writeFile(target, "somebody's");
            }
          },
        ],
        [
          "RESTORED_WRONG",
          async (from, to) => {
            await rename(from, to);
            if (to === target) {
              await writeFile(target, "somebody's");
            }
          },
        ],
      ];
      for (const [code, move] of meddlers) {
        await writeFile(target, "mine");
        const ports = { rename: move } as RestorePorts;
        expect(await codeOf(() => restoreWith(path, ports))).to.equal(code);
        expect(await readFile(target, "utf8")).to.equal("somebody's");
      }
    });
  });
});
