import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { breakPlatform, deployPlatform } from "../helpers/deploy-platform.js";
import { platformProxies } from "../helpers/recovery-session.js";
import { openProject } from "./project.js";

type TaskJson = Readonly<Record<string, unknown>> & {
  readonly error?: { readonly code: string };
};

describe("dr:incident:report", () => {
  const folder = useTemporaryFolder();

  afterEach(() => {
    process.exitCode = undefined;
  });

  async function open() {
    const hre = await openProject(folder.path);
    const connection = await hre.network.getOrCreate();
    const platform = await deployPlatform(connection);
    const bad = await breakPlatform(connection, platform);
    await connection.dr.init(platformProxies(platform));
    return { hre, connection, platform, bad };
  }

  async function run(
    hre: HardhatRuntimeEnvironment,
    task: string,
    args: Readonly<Record<string, unknown>> = {},
  ): Promise<TaskJson> {
    const json = { json: true, ...args };
    return (await hre.tasks.getTask(task).run(json)) as TaskJson;
  }

  it("tells of a real rollback all that happened on the chain", async () => {
    const { hre, connection, platform, bad } = await open();
    const before = await connection.ethers.provider.getBlockNumber();
    await run(hre, "dr:rollback", { all: true, yes: true });
    const after = await connection.ethers.provider.getBlockNumber();
    const report = await run(hre, "dr:incident:report", {
      title: "Reputation overflow",
    });
    expect(report).to.include({ status: "created", leftAlone: null });
    const { path } = report as unknown as { readonly path: string };
    expect(path).to.match(
      /docs\/incidents\/\d{4}-\d\d-\d\d-reputation-overflow\.md$/,
    );
    const text = await readFile(path, "utf8");
    for (let number = before + 1; number <= after; number += 1) {
      const block = await connection.ethers.provider.getBlock(number);
      for (const hash of block!.transactions) {
        expect(text).to.include(
          `| \`${hash}\` | ${await nameIn(text, hash)} | ${String(number)} | \`${platform.owner}\` |`,
        );
      }
    }
    const { implementations } = platform;
    expect(text).to.include(
      `| SkillProfile | implementation | \`${bad.skillProfile}\` | \`${implementations.skillProfile}\` |`,
    );
    expect(text).to.include("| Endorsement | version() | 2.0.0 | 1.0.0 |");
    expect(text).to.not.include("not known");
    expect(text).to.match(/\| Who ran it \| .+@.+ \|/);
    const again = await run(hre, "dr:incident:report", { run: report.run });
    expect(again).to.include({ path, status: "unchanged" });
  });

  /** Whom a transaction was for, as the document says. */
  async function nameIn(text: string, hash: string): Promise<string> {
    const row = text.split("\n").find((line) => line.startsWith(`| \`${hash}`));
    expect(row, `no row of ${hash}`).to.not.equal(undefined);
    return await Promise.resolve(row!.split(" | ")[1]!);
  }

  it("is brought up to date by dr:resume", async () => {
    const { hre } = await open();
    await run(hre, "dr:pause", { all: true, yes: true });
    const runs = join(folder.path, "deployments/default/runs");
    const [journal] = await readdir(runs);
    const path = join(runs, journal!);
    const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
    // As if it had been killed after its first record.
    await writeFile(path, `${lines[0]!}\n`);
    const report = await run(hre, "dr:incident:report");
    const document = report.path as string;
    expect(await readFile(document, "utf8")).to.include("Not resolved yet");
    const resumed = await run(hre, "dr:resume", { yes: true });
    expect(resumed.status).to.equal("done");
    const text = await readFile(document, "utf8");
    expect(text).to.include("Found done already: Pause");
    expect(text).to.include("Resolved on the chain");
    expect(await readdir(join(folder.path, "docs/incidents"))).to.have.length(
      1,
    );
  });

  it("refuses without a run, an unknown and a damaged one", async () => {
    const { hre } = await open();
    const none = await run(hre, "dr:incident:report");
    expect(none.error?.code).to.equal("NO_RUNS");
    expect(process.exitCode).to.equal(3);
    await run(hre, "dr:pause", { all: true, yes: true });
    const unknown = await run(hre, "dr:incident:report", { run: "other" });
    expect(unknown.error?.code).to.equal("RUN_UNKNOWN");
    const runs = join(folder.path, "deployments/default/runs");
    const [journal] = await readdir(runs);
    const path = join(runs, journal!);
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace("SkillProfile", "SkillProfil3"));
    const damaged = await run(hre, "dr:incident:report");
    expect(damaged.error?.code).to.equal("JOURNAL_TAMPERED");
  });
});
