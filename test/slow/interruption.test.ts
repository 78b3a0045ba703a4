import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { assert, expect } from "chai";

import { requireAnvil } from "../helpers/anvil.js";
import {
  BuiltPlugin,
  type Ended,
  type Started,
} from "../helpers/cli-project.js";
import { bytesOfPages, pagesOf, SmallDisk } from "../helpers/small-disk.js";
import { RecoveryScene, type SceneOptions } from "../helpers/recovery-scene.js";

const STACK = /^ +at .+:\d+:\d+\)?$/m;

describe("a process that is stopped", function () {
  this.timeout(120_000);
  const scenes: RecoveryScene[] = [];
  let plugin: BuiltPlugin;

  before(async function () {
    requireAnvil(this);
    plugin = await BuiltPlugin.create();
  });

  after(async () => {
    await plugin.remove();
  });

  /** One for all tests of a block: making one takes longer than resetting it. */
  function useScene(options: SceneOptions): () => RecoveryScene {
    let scene: RecoveryScene;
    before(async () => {
      scene = await RecoveryScene.create(plugin, options);
      scenes.push(scene);
    });
    beforeEach(async () => {
      await scene.reset();
    });
    after(async () => {
      await scene.end();
    });
    return () => scene;
  }

  describe("by a signal, while it waits for a block", () => {
    const scene = useScene({ blocks: "when told" });

    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      it(`${signal} ends it with 5, and it can be resumed`, async () => {
        const { project, rpc } = scene();
        const started = project.start(["dr:pause", "--all", "--yes", "--json"]);
        await until(async () => (await scene().pending()) === 3, started);
        await sleep(300);
        started.child.kill(signal);
        const { exitCode, stdout, stderr } = await started.ended;
        expect(exitCode, stderr).to.equal(5);
        expect(stderr).to.include("INTERRUPTED").and.include("dr:resume");
        expect(stderr).to.not.match(STACK);
        expect(onlyObject(stdout)).to.deep.include({ status: "failed" });
        expect(onlyObject(stdout)).to.have.nested.property(
          "error.code",
          "INTERRUPTED",
        );
        await scene().expectTidy();
        expect(existsSync(join(project.folder, ".lock"))).to.equal(false);
        await rpc.request("evm_mine");
        const resumed = await project.hardhat("dr:resume", "--yes");
        expect(resumed.exitCode, resumed.stderr).to.equal(0);
        await scene().expectSent([3, 0]);
        expect(await scene().paused()).to.deep.equal([true, true, true]);
      });
    }
  });

  describe("by nobody who reads it", () => {
    const scene = useScene({});

    for (const streams of ["", "2>&1 "]) {
      it(`goes on to its end with ${streams}| head -1`, async () => {
        const { project } = scene();
        const command = project.shellCommand(["dr:rollback", "--all", "--yes"]);
        const { ended } = project.startShell(
          `{ ${command}; echo $? > code; } ${streams}| head -1`,
        );
        const { stdout, stderr } = await ended;
        expect(stdout.trim().split("\n")).to.have.length(1);
        expect(stderr).to.not.match(STACK);
        const code = await readFile(join(project.root, "code"), "utf8");
        expect(Number(code), stderr).to.equal(0);
        await scene().expectRolledBack();
        await scene().expectSent([9, 0]);
      });
    }

    it("says so when its output is lost for another reason", async function () {
      if (!existsSync("/dev/full")) {
        skip(this, "there is no /dev/full");
      }
      const { project } = scene();
      const command = project.shellCommand(["dr:pause", "--all", "--yes"]);
      const { ended } = project.startShell(`${command} > /dev/full`);
      const { exitCode, stderr } = await ended;
      expect(exitCode, stderr).to.equal(1);
      expect(stderr).to.include("ENOSPC").and.not.match(STACK);
      expect(await scene().paused()).to.deep.equal([true, true, true]);
      await scene().expectTidy();
    });
  });

  describe("by another one", () => {
    const scene = useScene({});

    it("two at once: one works, one is refused", async () => {
      const { project } = scene();
      const call = ["dr:rollback", "--all", "--yes", "--json"];
      const both = [project.start(call), project.start(call)];
      const ended = await Promise.all(both.map(async (one) => await one.ended));
      const said = ended.map(({ stderr }) => stderr).join("");
      const codes = ended.map(({ exitCode }) => exitCode);
      expect(codes.sort(), said).to.deep.equal([0, 3]);
      const refused = ended.find(({ exitCode }) => exitCode === 3)!;
      expect(onlyObject(refused.stdout)).to.have.nested.property(
        "error.code",
        "RUN_LOCKED",
      );
      await scene().expectRolledBack();
      await scene().expectSent([9, 0]);
      expect(existsSync(join(project.folder, ".lock"))).to.equal(false);
      expect((await project.journals()).size).to.equal(1);
    });

    it("of many at once just one takes over the lock of a dead one", async () => {
      const { project } = scene();
      const dead = project.start(["dr:pause", "SkillClaim", "--yes"]);
      const lock = join(project.folder, ".lock");
      await until(() => existsSync(lock), dead);
      dead.child.kill("SIGKILL");
      await dead.ended;
      expect(existsSync(lock)).to.equal(true);
      const call = ["dr:rollback", "--all", "--yes"];
      const all = [1, 2, 3].map(() => project.start(call));
      const ended = await Promise.all(all.map(async (one) => await one.ended));
      const said = ended.map(({ stderr }) => stderr).join("");
      const codes = ended.map(({ exitCode }) => exitCode);
      expect(codes.sort(), said).to.deep.equal([0, 3, 3]);
      const winner = ended.find(({ exitCode }) => exitCode === 0)!;
      expect(winner.stderr).to.match(/Took over the lock .+ process \d+/);
      await scene().expectTidy();
    });
  });

  describe("by whoever is asked", () => {
    const development = useScene({ blocks: "at once" });
    const live = useScene({ blocks: "at once", chainId: 4242 });

    before(function () {
      requireScript(this);
    });

    /** Answers the question at a terminal; null hangs up instead. */
    async function answer(
      { project }: RecoveryScene,
      text: string | null,
      args: readonly string[],
    ): Promise<Ended> {
      const command = project.shellCommand(args).replaceAll("'", "'\\''");
      const started = project.startShell(
        `exec script --quiet --return --command '${command}' /dev/null`,
      );
      const { child, ended } = started;
      let printed = "";
      child.stdout?.on("data", (chunk: string) => (printed += chunk));
      await until(() => /Type .+: /.test(printed), started);
      if (text === null) {
        child.stdin?.end();
      } else {
        child.stdin?.write(text);
      }
      return await ended;
    }

    const PAUSE = ["dr:pause", "--all", "--confirmations", "1"];

    for (const [name, text] of [
      ["no", "n\r"],
      ["an empty answer", "\r"],
      ["Ctrl-C", "\u0003"],
      ["Ctrl-D", "\u0004"],
      ["a terminal that is gone", null],
    ] as const) {
      it(`${name}: ends with 3 and nothing is sent`, async () => {
        const { exitCode, stdout } = await answer(development(), text, PAUSE);
        expect(exitCode, stdout).to.equal(3);
        expect(stdout).to.include("NOT_CONFIRMED").and.include("Pause Skill");
        await development().expectSent([0, 0]);
        expect((await development().project.journals()).size).to.equal(0);
      });
    }

    it("yes: it is done", async () => {
      const { exitCode, stdout } = await answer(development(), "y\r", PAUSE);
      expect(exitCode, stdout).to.equal(0);
      await development().expectSent([3, 0]);
    });

    for (const text of ["y\r", "Live\r", "liv\r"]) {
      it(`${JSON.stringify(text)} isn't the name of a live network`, async () => {
        const { exitCode, stdout } = await answer(live(), text, PAUSE);
        expect(exitCode, stdout).to.equal(3);
        expect(stdout).to.include("NOT_CONFIRMED");
        await live().expectSent([0, 0]);
      });
    }

    it("the name of a live network is", async () => {
      const { exitCode, stdout } = await answer(live(), "live\r", PAUSE);
      expect(exitCode, stdout).to.equal(0);
      await live().expectSent([3, 0]);
    });

    it("with --json the plan and the question are on stderr", async () => {
      const { project } = live();
      const out = join(project.root, "out.json");
      const command = project.shellCommand([...PAUSE, "--json"]);
      const line = join(project.root, "ask.sh");
      await writeFile(line, `${command} > ${out}`);
      const started = project.startShell(
        `exec script --quiet --return --command 'sh ${line}' /dev/null`,
      );
      let printed = "";
      started.child.stdout?.on("data", (chunk: string) => (printed += chunk));
      await until(() => /Type its name to .+: /.test(printed), started);
      expect(printed).to.include("SkillProfile.pause()");
      started.child.stdin?.write("live\r");
      const { exitCode } = await started.ended;
      expect(exitCode, printed).to.equal(0);
      expect(onlyObject(await readFile(out, "utf8"))).to.include({
        status: "done",
      });
    });

    it("without a terminal nobody can be asked", async () => {
      const { project } = development();
      for (const stdin of ["ignore", "pipe"] as const) {
        const { child, ended } = project.start(PAUSE, { stdin });
        child.stdin?.end("y\n");
        const { exitCode, stderr } = await ended;
        expect(exitCode, stderr).to.equal(3);
        expect(stderr).to.include("NO_TERMINAL");
      }
      await development().expectSent([0, 0]);
    });
  });

  describe("by its disk", () => {
    const scene = useScene({ blocks: "at once" });

    /** Does something with deployments/live on a disk of so many free pages. */
    async function onSmallDisk(
      freePages: number,
      work: (disk: SmallDisk) => Promise<void>,
    ): Promise<void> {
      const { folder } = scene().project;
      const deployFile = await scene().readDeployFile();
      const pages = pagesOf(deployFile) + freePages;
      const disk = SmallDisk.mount(folder, bytesOfPages(pages));
      try {
        await writeFile(join(folder, "deploy.json"), deployFile);
        await work(disk);
      } finally {
        disk.unmount();
      }
    }

    /** A run on a full disk, and what became of it. @returns whether it got to its end. */
    async function runOnFullDisk(disk: SmallDisk): Promise<boolean> {
      const { project, platform, rpc } = scene();
      const before = await rpc.nonce(platform.owner, "pending");
      const call = ["dr:rollback", "--all", "--yes"];
      const run = await project.hardhat(...call, "--json");
      if (run.exitCode === 0) {
        return true;
      }
      expect(run.stderr).to.not.match(STACK);
      expect(onlyObject(run.stdout))
        .to.have.nested.property("error.code")
        .that.matches(
          /^(NOT_WRITABLE|JOURNAL_NOT_WRITTEN|DEPLOY_FILE_NOT_WRITTEN)$/,
        );
      const journal = [...(await project.journals()).values()].join("");
      const announced = (journal.match(/"kind":"intent"/g) ?? []).length;
      const sent = (await rpc.nonce(platform.owner, "pending")) - before;
      expect(sent, "sent unannounced").to.be.at.most(announced * 3);
      expect(run.exitCode, run.stderr).to.equal(announced === 0 ? 3 : 5);
      disk.resize(bytesOfPages(256));
      const next = journal.includes("\n") ? ["dr:resume", "--yes"] : call;
      const again = await project.hardhat(...next);
      expect(again.exitCode, again.stderr).to.equal(0);
      await scene().expectRolledBack();
      await scene().expectSent([9, 0]);
      return false;
    }

    it("full at any moment: nothing is sent that isn't journaled", async function () {
      requireMount(this);
      let refusals = 0;
      const runWith = async (pages: number): Promise<boolean> => {
        let isDone = false;
        await scene().reset();
        await onSmallDisk(pages, async (disk) => {
          isDone = await runOnFullDisk(disk);
        });
        return isDone;
      };
      // The journal's first pages count most; layouts take many after it.
      const enough = [0, 1, 2, 3, 5, 14, 64];
      for (const pages of enough) {
        if (await runWith(pages)) {
          break;
        }
        refusals += 1;
      }
      expect(refusals).to.be.below(enough.length);
      expect(refusals).to.be.at.least(3);
    });

    it("read-only: refused before anything is sent", async function () {
      requireMount(this);
      const { project } = scene();
      await onSmallDisk(8, async (disk) => {
        disk.makeReadOnly();
        for (const task of ["dr:pause", "dr:rollback"]) {
          const run = await project.hardhat(task, "--all", "--yes", "--json");
          expect(run.exitCode, run.stderr).to.equal(3);
          expect(onlyObject(run.stdout)).to.have.nested.property(
            "error.code",
            "NOT_WRITABLE",
          );
        }
      });
      await scene().expectSent([0, 0]);
    });

    it("with a limit on the size of files: stops, and can be resumed", async () => {
      const { project } = scene();
      const call = ["dr:pause", "--all", "--yes", "--json"];
      const { ended } = project.startShell(
        `ulimit -f 2; exec ${project.shellCommand(call)}`,
      );
      const { exitCode, stdout, stderr } = await ended;
      expect(exitCode, stderr).to.equal(3);
      expect(onlyObject(stdout)).to.have.nested.property(
        "error.code",
        "JOURNAL_NOT_WRITTEN",
      );
      await scene().expectSent([0, 0]);
      const { exitCode: paused } = await project.hardhat(
        "dr:pause",
        "--all",
        "--yes",
      );
      expect(paused).to.equal(0);
      await scene().expectTidy();
    });
  });
});

/** stdout is one JSON object and its end of line, nothing else. */
function onlyObject(stdout: string): object {
  expect(
    stdout.endsWith("\n") && stdout.indexOf("\n") === stdout.length - 1,
  ).to.equal(true);
  return JSON.parse(stdout) as object;
}

async function until(
  holds: () => boolean | Promise<boolean>,
  { child, ended }: Started,
): Promise<void> {
  while (!(await holds())) {
    if (child.exitCode !== null) {
      const { stdout, stderr }: Ended = await ended;
      assert.fail(`it ended early: ${stdout}${stderr}`);
    }
    await sleep(5);
  }
}

/** `script` of util-linux gives a process a terminal. */
function requireScript(context: Mocha.Context): void {
  const { status } = spawnSync("script", ["-qec", "true", "/dev/null"]);
  if (status !== 0) {
    skip(context, "there is no script of util-linux");
  }
}

function requireMount(context: Mocha.Context): void {
  if (!SmallDisk.isPossible()) {
    skip(context, "a tmpfs can't be mounted (it takes root)");
  }
}

function skip(context: Mocha.Context, reason: string): never {
  process.stderr.write(`      skipped: ${reason}\n`);
  context.skip();
}
