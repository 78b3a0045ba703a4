import {
  chmod,
  mkdir,
  readdir,
  readFile,
  rm,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { generateBackupKey } from "../../src/artifact/backup-key.js";
import { backUpFiles } from "../../src/backup/files.js";
import { swapRecordFile } from "../../src/backup/folder.js";
import type { DrUserConfig } from "../../src/config/types.js";
import { systemClock } from "../../src/core/clock.js";
import { acquireLock } from "../../src/run/lock.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { runKilled } from "../helpers/killed-worker.js";
import { stderrOf } from "../helpers/stderr.js";
import { openProject } from "./project.js";

interface PartJson {
  readonly kind: string;
  readonly status: string;
  readonly artifacts?: readonly { readonly name: string }[];
  readonly notices?: readonly string[];
  readonly error?: { readonly code: string };
}

interface BackupJson {
  readonly parts: readonly PartJson[];
  readonly report: string;
  readonly error?: { readonly code: string };
}

interface RestoreJson {
  readonly chain: readonly string[];
  readonly files: number;
  readonly restored: readonly {
    readonly to: string;
    readonly aside?: string;
  }[];
  readonly error?: { readonly code: string };
}

const SECTION: DrUserConfig = {
  project: "takumi",
  files: ["uploads"],
  configuration: [".env"],
  encryption: { keyFile: "backup.key" },
};

describe("dr:backup and dr:backup:restore", () => {
  const folder = useTemporaryFolder();
  let hre: HardhatRuntimeEnvironment;

  beforeEach(async () => {
    await mkdir(join(folder.path, "uploads"));
    await writeFile(join(folder.path, "uploads/a.txt"), "one");
    await writeFile(join(folder.path, ".env"), "PASSWORD=5ecre7\n");
    await generateBackupKey(join(folder.path, "backup.key"));
    hre = await openProject(folder.path, { dr: SECTION });
  });

  const { isTTY } = process.stdin;

  beforeEach(() => {
    process.stdin.isTTY = false;
  });

  afterEach(() => {
    process.exitCode = undefined;
    process.stdin.isTTY = isTTY;
  });

  async function backUp(
    options: { readonly only?: string; readonly full?: boolean } = {},
  ): Promise<BackupJson> {
    return (await hre.tasks
      .getTask("dr:backup")
      .run({ json: true, full: false, ...options })) as BackupJson;
  }

  async function restore(
    name: string,
    options: Readonly<Record<string, unknown>> = {},
  ): Promise<RestoreJson> {
    return (await hre.tasks
      .getTask("dr:backup:restore")
      .run({ json: true, name, yes: true, ...options })) as RestoreJson;
  }

  const partOf = (parts: BackupJson["parts"], kind: string) =>
    parts.find((part) => part.kind === kind)!;

  const read = async (path: string) =>
    await readFile(join(folder.path, path), "utf8");

  it("back up what is configured, and bring it back", async () => {
    const { parts, report } = await backUp();
    expect(process.exitCode).to.equal(0);
    expect(parts.map(({ kind, status }) => [kind, status])).to.deep.equal([
      ["database", "not-configured"],
      ["contracts", "not-configured"],
      ["files", "done"],
      ["configuration", "done"],
      ["offsite", "not-configured"],
    ]);
    expect(report).to.match(/backups\/reports\/backup_\d{8}_\d{6}\.json$/);
    const kept = JSON.parse(await readFile(report, "utf8")) as BackupJson;
    expect(kept.parts).to.deep.equal(parts);
    expect(await readdir(join(folder.path, "backups"))).to.have.members([
      "files",
      "configuration",
      "reports",
    ]);
    await rm(join(folder.path, "uploads/a.txt"));
    await rm(join(folder.path, ".env"));
    const files = await restore(partOf(parts, "files").artifacts![0]!.name);
    expect(files.files).to.equal(1);
    expect(files.restored[0]!.aside).to.match(/uploads\.before-/);
    expect(await read("uploads/a.txt")).to.equal("one");
    const { restored } = await restore("configuration");
    expect(restored).to.deep.equal([{ to: join(folder.path, ".env") }]);
    expect(await read(".env")).to.include("5ecre7");
    expect(process.exitCode).to.equal(0);
  });

  it("make only what is asked for", async () => {
    const { parts } = await backUp({ only: "configuration" });
    expect(parts.map(({ status }) => status)).to.deep.equal([
      "not-asked-for",
      "not-asked-for",
      "not-asked-for",
      "done",
      "not-configured",
    ]);
    expect((await backUp({ only: "house" })).error?.code).to.equal(
      "OPTION_INVALID",
    );
    expect(process.exitCode).to.equal(3);
  });

  it("show what they would make, and make nothing", async () => {
    const plan = async () =>
      (await hre.tasks
        .getTask("dr:backup")
        .run({ json: true, dryRun: true })) as {
        readonly parts: readonly {
          readonly kind: string;
          readonly lines: readonly string[];
          readonly error?: { readonly code: string };
        }[];
      };
    const planned = await plan();
    expect(
      planned.parts.map(({ kind, lines }) => [kind, ...lines]),
    ).to.deep.equal([
      [
        "files",
        `uploads into ${join(folder.path, "backups/files")}, encrypted`,
        "a full backup: it is the first",
      ],
      [
        "configuration",
        `.env into ${join(folder.path, "backups/configuration")}, encrypted`,
      ],
    ]);
    expect(process.exitCode).to.equal(0);
    expect(await readdir(folder.path)).not.to.include("backups");
    await rm(join(folder.path, "uploads"), { recursive: true });
    const { parts } = await plan();
    expect(parts.map(({ error }) => error?.code)).to.deep.equal([
      "BACKUP_SOURCE_UNREADABLE",
      undefined,
    ]);
    expect(process.exitCode).to.equal(3);
    expect(await readdir(folder.path)).not.to.include("backups");
  });

  it("make a full one when asked for", async () => {
    const { parts } = await backUp({ full: true });
    expect(partOf(parts, "files").notices!.join()).to.include(
      "it was asked for",
    );
  });

  it("show what a restore would do and touch nothing", async () => {
    await backUp({ only: "files" });
    await writeFile(join(folder.path, "uploads/a.txt"), "two");
    const shown = await restore("files", { dryRun: true, yes: false });
    expect(shown.restored).to.equal(null);
    expect(shown.chain).to.have.length(1);
    expect(await read("uploads/a.txt")).to.equal("two");
    const into = await restore("files", { into: "there" });
    expect(into.restored[0]!.to).to.equal(join(folder.path, "there/uploads"));
    expect(await read("there/uploads/a.txt")).to.equal("one");
  });

  it("tell how far they are", async () => {
    await backUp({ only: "files" });
    await writeFile(join(folder.path, "uploads/b.txt"), "two");
    const later = () => new Date(Date.now() + 60_000);
    const { artifacts } = await backUpFiles({
      config: hre.config.dr,
      project: folder.path,
      clock: { ...systemClock, now: later },
      tool: "hardhat-dr test",
    });
    const name = artifacts[0]!.name;
    const told = await stderrOf(async () => await restore("files"));
    expect(told.split("\n")).to.deep.equal([
      `✔ Check: ${name} and the 1 that it builds on are whole`,
      "✔ Restore: every file is what was backed up",
      "",
    ]);
  });

  it("tell of a restore that was killed half-way, until it is done again", async () => {
    await backUp({ only: "files" });
    const [uploads, stage] = ["uploads", "stage"].map((name) =>
      join(folder.path, name),
    ) as [string, string];
    await mkdir(stage);
    await runKilled(join(import.meta.dirname, "../backup/swap-worker.ts"), [
      JSON.stringify([{ from: stage, to: uploads }]),
      new Date(0).toISOString(),
      swapRecordFile(hre.config.dr),
      "1",
    ]);
    const { parts, error } = await backUp({ only: "configuration" });
    expect(partOf(parts, "configuration").status).to.equal("done");
    expect(error?.code).to.equal("RESTORE_UNFINISHED");
    expect(process.exitCode).to.equal(5);
    const look = async () =>
      await restore("files", { dryRun: true, yes: false });
    expect(await stderrOf(look)).to.include(
      `${uploads} is missing; what was there is `,
    );
    process.exitCode = undefined;
    const told = await stderrOf(async () => await restore("files"));
    expect(told).to.include("RESTORE_UNFINISHED");
    expect(process.exitCode).to.equal(0);
    expect(await read("uploads/a.txt")).to.equal("one");
    expect(await stderrOf(look)).to.not.include("RESTORE_UNFINISHED");
  });

  it("don't restore unasked", async () => {
    await backUp({ only: "files" });
    const { error } = await restore("files", { yes: false });
    expect(error?.code).to.equal("NO_TERMINAL");
    expect(process.exitCode).to.equal(3);
  });

  it("ask before they restore", async () => {
    await backUp({ only: "files" });
    await writeFile(join(folder.path, "uploads/a.txt"), "two");
    process.stdin.isTTY = true;
    const answers = ["n", "y"];
    const asked: string[] = [];
    hre.hooks.registerHandlers("userInterruptions", {
      requestInput: async (_context, _interruptor, question) => {
        asked.push(question);
        return await Promise.resolve(answers.shift()!);
      },
    });
    const no = await restore("files", { yes: false });
    expect(no.error?.code).to.equal("NOT_CONFIRMED");
    expect(await read("uploads/a.txt")).to.equal("two");
    const yes = await restore("files", { yes: false });
    expect(yes.restored).to.have.length(1);
    expect(await read("uploads/a.txt")).to.equal("one");
    expect(asked).to.deep.equal(Array(2).fill("Type y to restore this"));
  });

  it("say that there is none yet", async () => {
    expect((await restore("files")).error?.code).to.equal("ARTIFACT_MISSING");
    expect((await restore("contracts")).error?.code).to.equal(
      "ARTIFACT_MISSING",
    );
  });

  it("make the others when one fails, and say so to the shell", async () => {
    await rm(join(folder.path, "uploads"), { recursive: true });
    const { parts } = await backUp();
    expect(process.exitCode).to.equal(5);
    expect(partOf(parts, "files").error?.code).to.equal(
      "BACKUP_SOURCE_UNREADABLE",
    );
    expect(partOf(parts, "configuration").status).to.equal("done");
  });

  it("refuse where nothing is configured, and leave no folder", async () => {
    hre = await openProject(join(folder.path, "empty"), {});
    const { error } = await backUp();
    expect(error?.code).to.equal("BACKUP_NOTHING_CONFIGURED");
    expect(process.exitCode).to.equal(3);
    expect(await readdir(join(folder.path, "empty"))).to.not.include("backups");
  });

  it("wait for nobody, and run by themselves", async () => {
    await backUp();
    const backups = join(folder.path, "backups");
    const lock = await acquireLock(backups, systemClock);
    expect((await backUp()).error?.code).to.equal("RUN_LOCKED");
    expect((await restore("files")).error?.code).to.equal("RUN_LOCKED");
    await lock.release();
    expect((await restore("files")).error).to.equal(undefined);
    expect(await readdir(backups)).to.not.include(".lock");
  });

  it("keep the backups when the report can't be written", async () => {
    await mkdir(join(folder.path, "backups"));
    await writeFile(join(folder.path, "backups/reports"), "");
    const { parts, error } = await backUp();
    expect(error?.code).to.equal("NOT_WRITABLE");
    for (const kind of ["files", "configuration"]) {
      expect(partOf(parts, kind).status).to.equal("done");
    }
    expect(process.exitCode).to.equal(5);
    await chmod(folder.path, 0o700);
  });
});
