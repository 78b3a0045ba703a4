import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { systemClock } from "../../src/core/clock.js";
import { DrError } from "../../src/core/errors.js";
import { FileJournal } from "../../src/run/journal.js";
import { listRuns } from "../../src/run/list-runs.js";
import { acquireLock } from "../../src/run/lock.js";
import { createDisasterRecovery } from "../../src/session/disaster-recovery.js";
import { requireDone } from "../../src/session/require-done.js";
import { codeOf, refusalOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { breakPlatform, deployPlatform } from "../helpers/deploy-platform.js";
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
    return { ...recovery, health, failRollback };
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
    const { dr, health } = await ailing();
    health.SkillProfile = true;
    const controller = new AbortController();
    controller.abort(new DrError("INTERRUPTED", {}));
    const error = await refusalOf(() =>
      dr.rollback({ contracts: ["SkillProfile"], signal: controller.signal }),
    );
    expect(error).to.include({ code: "INTERRUPTED", exitCode: 5 });
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
