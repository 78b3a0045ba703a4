import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import hre from "hardhat";

import { systemClock } from "../../src/core/clock.js";
import { DrError } from "../../src/core/errors.js";
import { FileJournal } from "../../src/run/journal.js";
import { listRuns } from "../../src/run/list-runs.js";
import { acquireLock } from "../../src/run/lock.js";
import { createDisasterRecovery } from "../../src/session/disaster-recovery.js";
import { requireDone } from "../../src/session/require-done.js";
import { codeOf, refusalOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { contractAt, deploy, send } from "../helpers/contracts.js";
import {
  breakPlatform,
  deployPlatform,
  upgradePlatform,
} from "../helpers/deploy-platform.js";
import { platformProxies, sessionSource } from "../helpers/recovery-session.js";
import { openRecovery } from "./recovery.js";

describe("dr.resume", () => {
  const folder = useTemporaryFolder();

  /** A platform whose SkillProfile and Endorsement fail their checks, for now. */
  async function ailing() {
    const health = { SkillProfile: false, Endorsement: false };
    const recovery = await openRecovery(folder.path, {
      verify: {
        SkillProfile: () => health.SkillProfile,
        Endorsement: () => health.Endorsement,
      },
    });
    const platform = await deployPlatform(recovery.connection);
    await breakPlatform(recovery.connection, platform);
    await recovery.init(platformProxies(platform));
    const failRollback = async (name: string) => {
      const code = await codeOf(() =>
        recovery.dr.rollback({ contracts: [name] }),
      );
      expect(code).to.equal("VERIFICATION_FAILED");
      const [newest] = await listRuns(recovery.folder);
      return newest!.run;
    };
    /** A run that was approved, and interrupted before its first step. */
    const interrupt = async (task: "pause" | "rollback") => {
      const controller = new AbortController();
      controller.abort(new DrError("INTERRUPTED", {}));
      const { signal } = controller;
      const call = { contracts: ["SkillProfile"], signal };
      const code = await codeOf(() => recovery.dr[task](call));
      expect(code).to.equal("INTERRUPTED");
    };
    return { ...recovery, platform, health, failRollback, interrupt };
  }

  it("refuses when there is nothing to go on with", async () => {
    const { dr } = await ailing();
    expect(await codeOf(() => dr.resume())).to.equal("NOTHING_TO_RESUME");
    expect(await codeOf(() => dr.resume("19700101-x"))).to.equal("RUN_UNKNOWN");
  });

  it("asks which, when several are unfinished, and finishes each once", async () => {
    const { dr, health, failRollback } = await ailing();
    const first = await failRollback("SkillProfile");
    await failRollback("Endorsement");
    const error = await refusalOf(() => dr.resume());
    expect(error.code).to.equal("RUN_AMBIGUOUS");
    expect(error.message).to.include(first);
    health.SkillProfile = true;
    health.Endorsement = true;
    expect(await dr.resume(first)).to.equal(first);
    expect(await codeOf(() => dr.resume(first))).to.equal("RUN_ALREADY_DONE");
    await dr.resume();
    expect(await codeOf(() => dr.resume())).to.equal("NOTHING_TO_RESUME");
  });

  it("refuses a plan that isn't the approved one any more, showing the difference", async () => {
    const { connection, failRollback } = await ailing();
    await failRollback("SkillProfile");
    const unchecked = createDisasterRecovery(
      sessionSource(connection, folder.path, { verify: {} }),
    );
    const error = await refusalOf(() => unchecked.resume());
    expect(error.code).to.equal("RESUME_PLAN_CHANGED");
    expect(error.message).to.include("your checks of SkillProfile");
  });

  it("refuses a journal somebody changed", async () => {
    const { dr, folder: runs, failRollback } = await ailing();
    const run = await failRollback("SkillProfile");
    const path = join(runs, "runs", `${run}.ndjson`);
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace('"chainId":31337', '"chainId":31338'));
    expect(await codeOf(() => dr.resume(run))).to.equal("JOURNAL_TAMPERED");
  });

  it("refuses a journal without a beginning, and one it can't read", async () => {
    const { dr, folder: runs } = await ailing();
    await mkdir(join(runs, "runs", "20260101-directory.ndjson"), {
      recursive: true,
    });
    await writeFile(join(runs, "runs", "20260101-empty.ndjson"), "");
    expect(await codeOf(() => dr.resume("20260101-empty"))).to.equal(
      "JOURNAL_EMPTY",
    );
    expect(await codeOf(() => dr.resume("20260101-directory"))).to.equal(
      "JOURNAL_UNREADABLE",
    );
  });

  it("refuses a procedure of a newer version", async () => {
    const { dr, folder: runs } = await ailing();
    const path = join(runs, "runs", "20260101-teleport.ndjson");
    const journal = await FileJournal.create(path, systemClock);
    await journal.append({
      type: "run-started",
      run: "20260101-teleport",
      procedure: "teleport",
      network: "default",
      chainId: 31337,
      intent: {},
      steps: [],
      digest: "",
      toolVersion: "99.0.0",
    });
    await journal.close();
    expect(await codeOf(() => dr.resume())).to.equal("PROCEDURE_UNKNOWN");
  });

  it("refuses a run of another chain", async () => {
    const { dr, folder: network, failRollback } = await ailing();
    const run = await failRollback("SkillProfile");
    const other = await openRecovery(
      folder.path,
      {},
      await hre.network.create({ override: { chainId: 4242 } }),
    );
    expect(other.folder).to.equal(network);
    expect(await codeOf(() => other.dr.resume(run))).to.equal("WRONG_CHAIN");
    expect(await codeOf(() => dr.resume(run))).to.equal("VERIFICATION_FAILED");
  });

  it("refuses when somebody else upgraded meanwhile, and says to what", async () => {
    const { dr, connection, platform, health, interrupt, blockNumber } =
      await ailing();
    health.SkillProfile = true;
    await interrupt("rollback");
    const elsewhere = await deploy(connection, "SkillProfile");
    const implementations = {
      ...platform.implementations,
      skillProfile: elsewhere,
    };
    await upgradePlatform(connection, platform, implementations);
    const before = await blockNumber();
    const error = await refusalOf(() => dr.resume());
    expect(error).to.include({ code: "PLAN_STALE", exitCode: 3 });
    expect(error.message).to.include(elsewhere);
    expect(await blockNumber()).to.equal(before);
  });

  it("fails the verification when somebody upgraded what it had upgraded", async () => {
    const { dr, connection, platform, health, failRollback, blockNumber } =
      await ailing();
    await failRollback("SkillProfile");
    health.SkillProfile = true;
    const elsewhere = await deploy(connection, "SkillProfile");
    const implementations = {
      ...platform.implementations,
      skillProfile: elsewhere,
    };
    await upgradePlatform(connection, platform, implementations);
    const before = await blockNumber();
    const error = await refusalOf(() => dr.resume());
    expect(error).to.include({ code: "VERIFICATION_FAILED", exitCode: 5 });
    expect(error.message).to.include(elsewhere);
    expect(await blockNumber()).to.equal(before);
  });

  it("is done when somebody else did what was left, and sends nothing", async () => {
    const { dr, connection, platform, interrupt, blockNumber } = await ailing();
    await interrupt("pause");
    const { skillProfile } = platform;
    const contract = await contractAt(connection, "SkillProfile", skillProfile);
    await send(connection, contract, "pause");
    const before = await blockNumber();
    await dr.resume();
    expect(await blockNumber()).to.equal(before);
    expect(await codeOf(() => dr.resume())).to.equal("NOTHING_TO_RESUME");
  });

  it("minds no strange files, and names a damaged journal instead of nothing", async () => {
    const { dr, folder: network } = await ailing();
    const runs = join(network, "runs");
    await mkdir(runs, { recursive: true });
    await writeFile(join(runs, "notes.txt"), "by hand");
    await writeFile(join(runs, "20260101-empty.ndjson"), "");
    expect(await codeOf(() => dr.resume())).to.equal("NOTHING_TO_RESUME");
    await writeFile(join(runs, "20260102-damaged.ndjson"), "{}\n");
    expect(await codeOf(() => dr.resume())).to.equal("JOURNAL_TAMPERED");
    const states = (await listRuns(network)).map(({ status }) => status);
    expect(states).to.deep.equal(["damaged", "empty"]);
  });

  it("lets one run at a time at a network", async () => {
    const { dr, folder: network, blockNumber } = await ailing();
    const lock = await acquireLock(network, systemClock);
    const before = await blockNumber();
    const error = await refusalOf(() => dr.pause());
    expect(error).to.include({ code: "RUN_LOCKED", exitCode: 3 });
    expect(error.message).to.include(String(process.pid));
    expect(await blockNumber()).to.equal(before);
    await lock.release();
    expect((await dr.pause()).contracts).to.have.length(3);
  });

  it("goes on after an interruption", async () => {
    const { dr, health, interrupt } = await ailing();
    health.SkillProfile = true;
    await interrupt("rollback");
    await dr.resume();
    const [status] = (await dr.status()).contracts;
    expect(status).to.deep.include({ version: "1.0.0", paused: false });
  });

  it("tells of a run that waits", async () => {
    const waiting = {
      run: "20260101-waiting",
      outcome: {
        status: "waiting",
        step: "execute",
        reason: "two days",
        until: { kind: "time", readyAt: 172_800n },
      },
      records: [],
    } as const;
    const error = await refusalOf(() => requireDone(waiting));
    expect(error).to.include({ code: "RUN_WAITING", exitCode: 4 });
  });
});
