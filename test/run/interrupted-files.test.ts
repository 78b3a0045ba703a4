import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { writeAtomically } from "../../src/core/atomic-write.js";
import { systemClock } from "../../src/core/clock.js";
import { DrError } from "../../src/core/errors.js";
import { temporaryBeside } from "../../src/core/temporary-file.js";
import { conductPlan } from "../../src/run/conduct.js";
import { FileJournal, MemoryJournal } from "../../src/run/journal.js";
import { listRuns } from "../../src/run/list-runs.js";
import { acquireLock } from "../../src/run/lock.js";
import type { Plan } from "../../src/run/plan.js";
import { applyPlan } from "../../src/run/runner.js";
import { codeOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";

describe("what a process leaves behind that is killed while it writes", () => {
  const folder = useTemporaryFolder();

  /** A temporary file of a process that has ended, of this host or another. */
  async function leave(base: string, host = hostname()): Promise<string> {
    const { pid } = spawnSync(process.execPath, ["--version"]);
    const tag = createHash("sha256").update(host).digest("hex").slice(0, 8);
    const name = `.${base}.${tag}-${String(pid)}-0123456789ab.tmp`;
    await writeFile(join(folder.path, name), "half");
    return name;
  }

  it("is gone after the next write, what others are at stays", async () => {
    await leave("deploy.json");
    const elsewhere = await leave("deploy.json", "another-host");
    const path = join(folder.path, "deploy.json");
    const own = temporaryBeside(path);
    await writeFile(own, "being written");
    await writeAtomically(path, "{}");
    expect((await readdir(folder.path)).sort()).to.deep.equal(
      [elsewhere, own.slice(folder.path.length + 1), "deploy.json"].sort(),
    );
  });

  it("is gone after the next lock", async () => {
    await leave(".lock");
    const lock = await acquireLock(folder.path, systemClock);
    expect(await readdir(folder.path)).to.deep.equal([".lock"]);
    await lock.release();
    expect(await readdir(folder.path)).to.deep.equal([]);
  });
});

describe("a place that can't be written", () => {
  const folder = useTemporaryFolder();

  it("refuses the run before it begins", async () => {
    const file = join(folder.path, "file");
    await writeFile(file, "");
    expect(await codeOf(() => acquireLock(file, systemClock))).to.equal(
      "NOT_WRITABLE",
    );
    await writeFile(join(folder.path, "runs"), "");
    const conduct = async () =>
      await conductPlan(planOf([]), {
        folder: folder.path,
        clock: systemClock,
        toolVersion: "test",
      });
    expect(await codeOf(conduct)).to.equal("NOT_WRITABLE");
    expect(await readdir(folder.path)).to.not.include(".lock");
    expect(await codeOf(() => listRuns(folder.path))).to.equal(
      "JOURNAL_UNREADABLE",
    );
  });

  it("stops the run at the first record that is lost, whatever comes after", async () => {
    const path = join(folder.path, "20260101-full.ndjson");
    const journal = await FileJournal.create(path, systemClock);
    await journal.append({ type: "run-resumed", pid: 1 });
    await journal.close(); // As good as a full disk: nothing can be written.
    for (const pid of [2, 3]) {
      const append = () => journal.append({ type: "run-resumed", pid });
      expect(await codeOf(append)).to.equal("JOURNAL_NOT_WRITTEN");
    }
    expect(journal.records).to.have.length(1);
    expect((await readFile(path, "utf8")).split("\n")).to.have.length(2);
  });

  it("doesn't do a step that can't be announced, and isn't done unless that is written", async () => {
    const ran: string[] = [];
    const plan = planOf(["one", "two"], ran);
    for (const [lost, expected] of [
      [1, []],
      [3, ["one"]],
      [5, ["one", "two"]],
    ] as const) {
      ran.length = 0;
      const journal = new MemoryJournal(systemClock);
      const append = journal.append.bind(journal);
      journal.append = async (event) => {
        if (journal.records.length >= lost - 1) {
          throw new DrError("JOURNAL_NOT_WRITTEN", { path: "", reason: "" });
        }
        await append(event);
      };
      const outcome = await applyPlan({ plan, journal });
      expect(outcome).to.include({ status: "failed", changed: lost > 2 });
      expect(outcome).to.have.nested.property(
        "error.code",
        "JOURNAL_NOT_WRITTEN",
      );
      expect(ran).to.deep.equal(expected);
    }
  });
});

function planOf(steps: readonly string[], ran: string[] = []): Plan {
  return {
    procedure: "pause",
    network: "test",
    chainId: 31337,
    intent: {},
    notes: [],
    assertFresh: () => Promise.resolve(),
    steps: steps.map((id) => ({
      id,
      title: id,
      reversibility: "reversible",
      approval: {},
      check: () => Promise.resolve({ status: "ready" }),
      run: () => {
        ran.push(id);
        return Promise.resolve();
      },
      verify: () => Promise.resolve(),
    })),
  };
}
