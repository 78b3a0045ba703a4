import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { expect } from "chai";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { sampleReport } from "../drill/sample-report.js";
import { deployPlatform } from "../helpers/deploy-platform.js";
import { platformProxies } from "../helpers/recovery-session.js";
import { stderrOf } from "../helpers/stderr.js";
import { openProject } from "./project.js";

interface HistoryJson {
  readonly exercises: readonly { readonly name: string }[];
  readonly files: Readonly<Record<string, string>>;
  readonly error?: { readonly code: string };
}

describe("dr:history", function () {
  this.timeout(60_000);
  const folder = useTemporaryFolder();
  let hre: HardhatRuntimeEnvironment;

  beforeEach(async () => {
    const paths = { exercises: "notes/exercises.md" };
    hre = await openProject(folder.path, { dr: { project: "takumi", paths } });
    const file = join(
      folder.path,
      "logs/dr-drills/dr_drill_report_20240115_140000.json",
    );
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, JSON.stringify(sampleReport()));
  });

  afterEach(() => {
    process.exitCode = undefined;
  });

  async function run<T>(task: string, args: object = {}): Promise<T> {
    process.exitCode = undefined;
    return (await hre.tasks.getTask(task).run({ json: true, ...args })) as T;
  }

  const file = () => join(folder.path, "notes/exercises.md");

  it("writes the document and the page only where it is asked to", async () => {
    const shown = await run<HistoryJson>("dr:history");
    expect(shown.exercises.map(({ name }) => name)).to.deep.equal([
      "DR_DRILL_20240115_140000",
    ]);
    expect(shown.files).to.deep.equal({});
    const written = await run<HistoryJson>("dr:history", {
      markdown: true,
      html: "trend.html",
    });
    expect(process.exitCode).to.equal(0);
    expect(written.files.markdown).to.equal(file());
    expect(await readFile(file(), "utf8")).to.include("20240115");
    expect(await readFile(join(folder.path, "trend.html"), "utf8")).to.include(
      "<svg",
    );
    await writeFile(file(), "# Mine\n");
    const refused = await run<HistoryJson>("dr:history", { markdown: true });
    expect(refused.error?.code).to.equal("HISTORY_EDITED");
    expect(process.exitCode).to.equal(3);
  });

  it("is brought up to date after an exercise, and never fails it", async () => {
    const connection = await hre.network.getOrCreate();
    const platform = await deployPlatform(connection);
    await connection.dr.init(platformProxies(platform));
    const rehearse = { procedure: "pause", all: true };
    await run("dr:rehearse", rehearse);
    await readFile(file(), "utf8").then(
      () => expect.fail("nobody asked for it"),
      () => undefined,
    );
    await run("dr:history", { markdown: true });
    await run("dr:rehearse", rehearse);
    const text = await readFile(file(), "utf8");
    expect(text.match(/rehearsal `pause`/g)).to.have.length(2);
    await writeFile(file(), "# Mine\n");
    const told = await stderrOf(async () => await run("dr:rehearse", rehearse));
    expect(told).to.include("HISTORY_EDITED");
    expect(process.exitCode).to.equal(0);
    expect(await readFile(file(), "utf8")).to.equal("# Mine\n");
  });
});
