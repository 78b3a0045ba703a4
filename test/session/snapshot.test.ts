import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { generateKey } from "../../src/artifact/generate-keys.js";
import { checkArtifact } from "../../src/artifact/read-artifact.js";
import type { DrConfig } from "../../src/config/types.js";
import { buildChangePlan } from "../../src/recovery/change-plan.js";
import { readJournal, type JournalRecord } from "../../src/run/journal.js";
import { exitCodeOf } from "../../src/run/runner.js";
import { prepareUpgrade } from "../../src/session/procedure.js";
import { snapshotOf } from "../../src/session/snapshot.js";
import type { Session } from "../../src/session/open-session.js";
import { refusalOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { contractAt, deploy, send, signer } from "../helpers/contracts.js";
import { deployPlatform, PROXY_ADMIN } from "../helpers/deploy-platform.js";
import { platformProxies } from "../helpers/recovery-session.js";
import { conductWith, openRecovery, type Recovery } from "./recovery.js";

const UPGRADE = {
  name: "SkillProfile",
  to: "SkillProfileV2",
  constructorArguments: [],
};
const CALL = { contract: "SkillProfile", to: "SkillProfileV2" };

describe("the snapshot before an upgrade", () => {
  const folder = useTemporaryFolder();
  const backups = () => join(folder.path, "backups/contracts");

  async function live(config: Partial<DrConfig> = {}) {
    const recovery = await openRecovery(folder.path, config);
    const platform = await deployPlatform(recovery.connection);
    await recovery.init(platformProxies(platform));
    return { ...recovery, platform };
  }

  /** Those that were finished. */
  async function snapshots(): Promise<string[]> {
    const names = await readdir(backups()).catch((): string[] => []);
    return names
      .filter((name) => name.endsWith(".manifest.json"))
      .map((name) => name.replace(".manifest.json", ""));
  }

  async function recordsOf(
    { folder: network }: Recovery,
    run: string,
  ): Promise<readonly JournalRecord[]> {
    return (await readJournal(join(network, "runs", `${run}.ndjson`))).records;
  }

  function stepsIn(records: readonly JournalRecord[], type: string): string[] {
    return records.flatMap((record) =>
      record.type === type && "step" in record ? [record.step] : [],
    );
  }

  it("is the first step, journaled before it is taken, whole before anything is sent", async () => {
    const scene = await live();
    const { run } = await scene.dr.upgrade(CALL);
    const records = await recordsOf(scene, run!);
    expect(stepsIn(records, "step-done").slice(0, 3)).to.deep.equal([
      "snapshot",
      "deploy",
      "upgrade",
    ]);
    const [name, ...others] = await snapshots();
    expect(others).to.deep.equal([]);
    expect(snapshotOf(records)).to.equal(name);
    const path = join(backups(), name!);
    const { manifest } = await checkArtifact(path, { trusted: [] });
    // The old implementation: it was taken before.
    expect(manifest.contents).to.have.nested.property(
      "contracts.SkillProfile.implementation",
      scene.platform.implementations.skillProfile,
    );
  });

  it("is in the plan that is approved, with where it goes", async () => {
    const scene = await live();
    const { plan } = await prepareUpgrade(await scene.session(), UPGRADE);
    const [step] = plan.steps;
    const { root } = scene.source;
    expect(step?.title).to.equal(
      `Snapshot the contracts before the upgrade, into ${backups()}`,
    );
    expect(step?.approval).to.deep.equal({ folder: backups() });
    const inProject = join(root, "backups");
    const paths = { ...scene.source.config.paths, backups: inProject };
    const other = await openRecovery(folder.path, { paths }, scene.connection);
    const session = await other.session();
    const { plan: shown } = await prepareUpgrade(session, UPGRADE);
    expect(shown.steps[0]?.title).to.match(/ into backups\/contracts$/);
  });

  it("comes before no rollback, and no emergency", async () => {
    const scene = await live();
    await scene.dr.upgrade(CALL);
    const taken = await snapshots();
    await scene.dr.rollback({ contracts: ["SkillProfile"] });
    expect(await snapshots()).to.deep.equal(taken);
    const session = await scene.session();
    const { resolution } = await prepareUpgrade(session, UPGRADE);
    const intent = { ...resolution.intent, atOnce: true };
    const plan = buildChangePlan(session.ports, resolution.chainId, intent);
    expect(plan.steps.map(({ id }) => id)).to.not.include("snapshot");
  });

  /** Runs an upgrade that stops before its second step. */
  async function interrupted(
    scene: Recovery,
    session?: Session,
  ): Promise<{ readonly run: string; readonly exitCode: number }> {
    const opened = session ?? (await scene.session());
    const { plan } = await prepareUpgrade(opened, UPGRADE);
    const { run, outcome } = await conductWith(opened, plan, {
      deploy: () => Promise.reject(new Error("killed")),
    });
    expect(outcome).to.include({ status: "failed", changed: false });
    return { run, exitCode: exitCodeOf(outcome) };
  }

  it("isn't taken again by a run that goes on after it", async () => {
    const scene = await live();
    const { run } = await interrupted(scene);
    const taken = await snapshots();
    expect(taken).to.have.lengthOf(1);
    await scene.dr.resume();
    expect(await snapshots()).to.deep.equal(taken);
    const records = await recordsOf(scene, run);
    const done = stepsIn(records, "step-done");
    expect(done.filter((step) => step === "snapshot")).to.have.lengthOf(1);
    const [status] = (await scene.dr.status()).contracts;
    expect(status).to.deep.include({ version: "2.0.0", drift: [] });
  });

  /** A run that was killed after the snapshot's name was journaled, and perhaps after it was whole. */
  async function killedWhileTaking(
    scene: Recovery,
    happened: "nothing" | "all",
  ): Promise<string> {
    const session = await scene.session();
    const { plan } = await prepareUpgrade(session, UPGRADE);
    const steps = plan.steps.map((step) =>
      step.id === "snapshot"
        ? {
            ...step,
            run: async (log: Parameters<typeof step.run>[0]) => {
              if (happened === "all") {
                await step.run(log);
              } else {
                await log.append({
                  artifact: "contract_snapshot_20240115_140000.tar.zst",
                });
              }
              throw new Error("killed");
            },
          }
        : step,
    );
    const { run } = await conductWith(session, { ...plan, steps }, {});
    return run;
  }

  it("is called done, and not taken again, when it was whole at the kill", async () => {
    const scene = await live();
    const run = await killedWhileTaking(scene, "all");
    const taken = await snapshots();
    await scene.dr.resume();
    expect(await snapshots())
      .to.deep.equal(taken)
      .and.to.have.lengthOf(1);
    const records = await recordsOf(scene, run);
    const done = records.find(
      (record) => record.type === "step-done" && record.step === "snapshot",
    );
    expect(done).to.include({ already: true });
  });

  it("is taken by the run that goes on when it wasn't", async () => {
    const scene = await live();
    const run = await killedWhileTaking(scene, "nothing");
    expect(await snapshots()).to.deep.equal([]);
    await scene.dr.resume();
    expect(await snapshots()).to.deep.equal([
      snapshotOf(await recordsOf(scene, run)),
    ]);
  });

  it("is taken again when it is damaged by then", async () => {
    const scene = await live();
    const run = await killedWhileTaking(scene, "all");
    const [name = ""] = await snapshots();
    const path = join(backups(), name);
    const bytes = await readFile(path);
    bytes[99] = (bytes[99] ?? 0) ^ 1;
    await writeFile(path, bytes);
    await scene.dr.resume();
    const now = snapshotOf(await recordsOf(scene, run));
    expect(now).to.not.equal(name);
    expect(await snapshots()).to.have.members([name, now]);
  });

  it("leaves a run that can't be begun as if it never was", async () => {
    const keyFile = join(folder.path, "backup.key");
    const encryption = {
      format: "aes-256-gcm",
      keyFile,
      oldKeyFiles: [],
      recipients: [],
    } as const;
    const scene = await live({ encryption });
    const before = await scene.blockNumber();
    const error = await refusalOf(() => scene.dr.upgrade(CALL));
    expect(error).to.include({ code: "KEY_FILE_UNREADABLE", exitCode: 3 });
    expect(await scene.blockNumber()).to.equal(before);
    await generateKey("encryption", keyFile);
    await scene.dr.resume();
    const [name] = await snapshots();
    expect(name).to.match(/\.enc$/);
  });

  it("changes nothing: what was planned is asked once more before going on", async () => {
    const scene = await live();
    const { exitCode } = await interrupted(scene);
    expect(exitCode).to.equal(1);
    // Somebody takes the nonce that the new implementation's address follows from.
    await deploy(scene.connection, "UupsV5");
    const error = await refusalOf(() => scene.dr.resume());
    expect(error).to.include({ code: "PLAN_STALE", exitCode: 3 });
  });

  it("isn't undone, nor done again, by what comes after it", async () => {
    const scene = await live();
    const { connection, platform } = scene;
    const session = await scene.session();
    const { plan } = await prepareUpgrade(session, UPGRADE);
    const stranger = await signer(connection, 19);
    const transfer = async (index: number, to: string) => {
      const from = await signer(connection, index);
      const { proxyAdmin } = platform;
      const admin = await contractAt(connection, PROXY_ADMIN, proxyAdmin, from);
      await send(connection, admin, "transferOwnership", [to]);
    };
    const { outcome } = await conductWith(session, plan, {
      upgrade: async () => {
        await transfer(0, stranger.address);
      },
    });
    expect(outcome).to.include({ status: "failed", changed: true });
    await rm(backups(), { recursive: true });
    await transfer(19, platform.owner);
    await scene.dr.resume();
    expect(await snapshots()).to.deep.equal([]);
  });
});
