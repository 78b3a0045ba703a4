import { fork, spawn, type ChildProcess } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { systemClock } from "../../src/core/clock.js";
import { conductPlan } from "../../src/run/conduct.js";
import { acquireLock } from "../../src/run/lock.js";
import type { Plan } from "../../src/run/plan.js";
import { isSameProcess, processBirth } from "../../src/run/process-birth.js";
import { codeOf, refusalOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import type { Order } from "./lock-worker.js";

const SINCE = "2026-01-02T03:04:05.000Z";

describe("acquireLock", () => {
  const folder = useTemporaryFolder();
  const lockFile = (): string => join(folder.path, ".lock");
  let deadPid: number;

  before(async () => {
    const child = spawn(process.execPath, ["--version"]);
    deadPid = child.pid ?? 0;
    await once(child, "exit");
  });

  async function leaveLock(owner: object = {}): Promise<void> {
    const text = JSON.stringify({
      user: "ada",
      host: hostname(),
      pid: deadPid,
      since: SINCE,
      id: randomUUID(),
      ...owner,
    });
    await writeFile(lockFile(), `${text}\n`);
  }

  async function acquire(): ReturnType<typeof acquireLock> {
    return await acquireLock(folder.path, systemClock);
  }

  it("says in a file who holds it, and leaves nothing behind", async () => {
    const lock = await acquire();
    expect(lock.takenFrom).to.equal(undefined);
    expect(JSON.parse(await readFile(lockFile(), "utf8"))).to.include({
      host: hostname(),
      pid: process.pid,
    });
    expect(await readdir(folder.path)).to.deep.equal([".lock"]);
    await lock.release();
    expect(await readdir(folder.path)).to.deep.equal([]);
  });

  it("makes the folder", async () => {
    const inner = join(folder.path, "deployments", "mainnet");
    await (await acquireLock(inner, systemClock)).release();
    expect(await readdir(inner)).to.deep.equal([]);
  });

  it("is refused while a living process holds it", async () => {
    const lock = await acquire();
    const error = await refusalOf(acquire);
    expect(error.code).to.equal("RUN_LOCKED");
    expect(error.values).to.include({ pid: process.pid, path: lockFile() });
    await lock.release();
    await (await acquire()).release();
  });

  it("takes over from a dead process, and says so", async () => {
    await leaveLock();
    const lock = await acquire();
    expect(lock.takenFrom).to.include({ user: "ada", pid: deadPid });
    expect(await readdir(folder.path)).to.deep.equal([".lock"]);
    expect(await codeOf(acquire)).to.equal("RUN_LOCKED");
    await lock.release();
    expect(await readdir(folder.path)).to.deep.equal([]);
  });

  /** As if somebody were about to take over the lock that is there. */
  async function claimLock(pid: number): Promise<void> {
    const text = await readFile(lockFile(), "utf8");
    const digest = createHash("sha256").update(text).digest("hex");
    const owner = JSON.parse(text) as object;
    const claim = { ...owner, user: "grace", pid, id: randomUUID() };
    await writeFile(`${lockFile()}.${digest}`, JSON.stringify(claim));
  }

  it("takes over from one that died while it took over", async () => {
    await leaveLock();
    await claimLock(deadPid);
    const lock = await acquire();
    expect(lock.takenFrom).to.include({ user: "grace" });
    expect(await readdir(folder.path)).to.deep.equal([".lock"]);
    await lock.release();
  });

  it("is refused while another takes it over", async () => {
    await leaveLock();
    await claimLock(process.pid);
    const error = await refusalOf(acquire);
    expect(error.code).to.equal("RUN_LOCKED");
    expect(error.values.user).to.equal("grace");
  });

  it("can't judge a process of another host", async () => {
    await leaveLock({ host: "elsewhere.example.org" });
    const error = await refusalOf(acquire);
    expect(error.code).to.equal("RUN_LOCKED");
    expect(error.values).to.include({
      user: "ada",
      host: "elsewhere.example.org",
      pid: deadPid,
    });
    expect(error.values.seconds).to.equal(
      Math.round((Date.now() - Date.parse(SINCE)) / 1000),
    );
  });

  it("isn't fooled by a process that got a dead one's pid", async function () {
    const birth = await processBirth(process.pid);
    if (birth === undefined) {
      process.stderr.write("      skipped: this system tells no births\n");
      this.skip();
    }
    expect(await isSameProcess(process.pid, birth)).to.equal(true);
    await leaveLock({ pid: process.pid, birth });
    expect(await codeOf(acquire)).to.equal("RUN_LOCKED");
    await leaveLock({ pid: process.pid, birth: `${birth}1` });
    const lock = await acquire();
    expect(lock.takenFrom).to.include({ pid: process.pid });
    await lock.release();
  });

  it("lets a living process hold it where nothing tells its birth", async () => {
    await leaveLock({ pid: process.pid });
    expect(await codeOf(acquire)).to.equal("RUN_LOCKED");
  });

  const valid = { host: hostname(), pid: 1, since: SINCE };
  for (const [what, garbage] of [
    ["nothing", ""],
    ["zeros", "\0\0\0\0"],
    ["null", "null"],
    ["no owner", "{}"],
    ["text", '"ada"'],
    ["no host", JSON.stringify({ ...valid, host: 1 })],
    ["no process", JSON.stringify({ ...valid, pid: 0 })],
    ["no number of a process", JSON.stringify({ ...valid, pid: "1" })],
    ["no time", JSON.stringify({ ...valid, since: "yesterday" })],
  ] as const) {
    it(`says what to do about a lock of ${what}`, async () => {
      await writeFile(lockFile(), garbage);
      const error = await refusalOf(acquire);
      expect(error.code).to.equal("LOCK_UNREADABLE");
      expect(error.fix).to.include(lockFile());
      expect(await readFile(lockFile(), "utf8")).to.equal(garbage);
    });
  }

  it("says why it can't be taken", async () => {
    await mkdir(lockFile());
    expect(await codeOf(acquire)).to.equal("NOT_WRITABLE");
    await writeFile(join(folder.path, "file"), "");
    const inFile = join(folder.path, "file", "mainnet");
    expect(await codeOf(() => acquireLock(inFile, systemClock))).to.equal(
      "NOT_WRITABLE",
    );
  });

  it("doesn't give back what somebody else has taken since", async () => {
    const clock = { ...systemClock, now: () => new Date(SINCE) };
    const first = await acquireLock(folder.path, clock);
    await rm(lockFile());
    const second = await acquireLock(folder.path, clock);
    await first.release();
    expect(await codeOf(acquire)).to.equal("RUN_LOCKED");
    await second.release();
  });

  it("is given back when the run fails", async () => {
    const plan = {
      assertFresh: () => Promise.reject(new Error("the world moved on")),
    } as unknown as Plan;
    const ports = {
      folder: folder.path,
      clock: systemClock,
      toolVersion: "0.0.0",
    };
    const failure = await conductPlan(plan, ports).catch(String);
    expect(failure).to.equal("Error: the world moved on");
    expect(await readdir(folder.path)).to.deep.equal([]);
  });

  describe("with many processes racing for it", () => {
    const RACERS = 6;
    let racers: ChildProcess[];

    before(async function () {
      this.timeout(60_000);
      racers = Array.from({ length: RACERS }, startWorker);
      await Promise.all(racers.map(nextWord));
    });

    after(() => {
      racers
        .filter(({ connected }) => connected)
        .forEach((racer) => {
          racer.disconnect();
        });
    });

    for (const [kind, word] of [
      ["free", "won"],
      ["left by the dead", "took over"],
    ] as const) {
      it(`is won by exactly one: ${kind}`, async () => {
        for (let round = 0; round < 20; round += 1) {
          if (kind !== "free") {
            await leaveLock();
          }
          const order = { kind: "acquire", folder: folder.path } as const;
          const words = await tellAll(racers, order);
          const [winner] = racers.filter((_, index) => words[index] === word);
          expect(words.sort()).to.deep.equal(
            [...Array<string>(RACERS - 1).fill("RUN_LOCKED"), word].sort(),
          );
          await tellAll([winner], { kind: "release" });
          expect(await readdir(folder.path)).to.deep.equal([]);
        }
      });
    }

    it("lets in one at a time, given back and left behind in turns", async () => {
      const words = await tellAll(racers, {
        kind: "storm",
        folder: folder.path,
        times: 30,
        deadPid,
      });
      expect(words).to.deep.equal(Array(RACERS).fill("alone"));
      expect(await readdir(folder.path)).to.deep.equal([]);
    });

    it("passes on from one that is killed", async () => {
      const victim = startWorker();
      racers.push(victim);
      await nextWord(victim);
      const births = [racers[0], victim].map(
        async (worker) => await processBirth(worker?.pid ?? 0),
      );
      const [early, late] = await Promise.all(births);
      if (early !== undefined) {
        expect(late).to.not.equal(early);
      }
      const order = { kind: "acquire", folder: folder.path } as const;
      expect(await tellAll([victim], order)).to.deep.equal(["won"]);
      expect(await codeOf(acquire)).to.equal("RUN_LOCKED");
      const exited = once(victim, "exit");
      victim.kill("SIGKILL");
      await exited;
      const lock = await acquire();
      expect(lock.takenFrom).to.include({ pid: victim.pid });
      await lock.release();
    });
  });
});

function startWorker(): ChildProcess {
  return fork(join(import.meta.dirname, "lock-worker.ts"), {
    execArgv: ["--import", "tsx"],
  });
}

async function nextWord(worker: ChildProcess): Promise<unknown> {
  const [word] = (await once(worker, "message")) as unknown[];
  return word;
}

async function tellAll(
  workers: readonly (ChildProcess | undefined)[],
  order: Order,
): Promise<unknown[]> {
  const there = workers.filter((worker) => worker !== undefined);
  const words = there.map(nextWord);
  there.forEach((worker) => worker.send(order));
  return await Promise.all(words);
}
