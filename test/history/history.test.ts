import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { expect } from "chai";

import { isDrError } from "../../src/core/errors.js";
import { formatHistoryHtml } from "../../src/display/history-html.js";
import {
  formatHistory,
  formatHistoryMarkdown,
  historyToJson,
} from "../../src/display/history.js";
import { plain } from "../../src/display/text.js";
import type { DrillReport } from "../../src/drill/report.js";
import { readHistory } from "../../src/history/exercises.js";
import { writeHistory } from "../../src/history/write-history.js";
import { configOf } from "../database/config-of.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { sampleReport } from "../drill/sample-report.js";

const HOSTILE =
  '<script>alert("1")</script> | <!-- hardhat-dr end exercises -->';

describe("the history of exercises", () => {
  const folder = useTemporaryFolder();
  const config = () => configOf("postgres://127.0.0.1:1/takumi", folder.path);
  const document = () => config().paths.exercises;

  async function write(path: string, value: unknown): Promise<string> {
    const file = join(folder.path, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(
      file,
      typeof value === "string" ? value : JSON.stringify(value),
    );
    return file;
  }

  async function drill(day: number, values: Partial<DrillReport> = {}) {
    const stamp = `202401${String(day).padStart(2, "0")}_140000`;
    const startedAt = `2024-01-${String(day).padStart(2, "0")}T14:00:00.000Z`;
    const drillId = `DR_DRILL_${stamp}`;
    return await write(
      `logs/dr-drills/dr_drill_report_${stamp}.json`,
      sampleReport({ drillId, startedAt, ...values }),
    );
  }

  async function others(): Promise<void> {
    await write("backups/reports/offsite_restore_test_20240112_140000.json", {
      test_date: "2024-01-12T14:00:00Z",
      status: "FAILED",
      summary: `Offsite restore test failed: ${HOSTILE}`,
      project: "takumi",
      commit: null,
      targets: [
        {
          target: "disk",
          status: "FAILED",
          tests: {
            database_restore: { status: "failed", backup_file: null },
            contract_restore: { status: "passed", snapshot_file: null },
          },
          details: { database_restore: null, contract_restore: { seconds: 2 } },
        },
      ],
    });
    await write(
      "deployments/mainnet/rehearsals/20240113T140000-000Z-rollback.json",
      {
        schemaVersion: 2,
        procedure: "rollback",
        network: "mainnet",
        chainId: 1,
        commit: null,
        startedAt: "2024-01-13T14:00:00.000Z",
        verdict: "clean",
        findings: [],
        outcome: { status: "done" },
        contracts: [],
        time: { paused: null, recovered: { onChainSeconds: 950 } },
      },
    );
  }

  const markdown = async () =>
    formatHistoryMarkdown(await readHistory(config()));

  it("has every exercise, the newest first, with what was measured", async () => {
    await drill(11);
    await others();
    await drill(14, { status: "FAILED" });
    const damaged = await write(
      "logs/dr-drills/dr_drill_report_20240110_140000.json",
      '{"schemaVersion":1,',
    );
    await drill(9, { project: "other" });
    const history = await readHistory(config());
    expect(
      history.exercises.map(({ kind, name, isPassed }) => [
        kind,
        name,
        isPassed,
      ]),
    ).to.deep.equal([
      ["drill", "DR_DRILL_20240114_140000", false],
      ["rehearsal", "rollback", true],
      ["restore test", "disk", false],
      ["drill", "DR_DRILL_20240111_140000", true],
    ]);
    expect(history.damaged).to.deep.equal([damaged]);
    const text = formatHistory(history, plain);
    expect(text).to.include("4 exercises, 2 passed");
    expect(text).to.include("8.0 s of 30 min");
    expect(text).to.include("15 min 50 s instead of 15 min");
    expect(text).to.include("not reached, of 30 min");
    expect(
      JSON.parse(JSON.stringify(historyToJson(history))),
    ).to.have.nested.property("exercises[1].measures[0].rto.isMet", false);
  });

  it("says how to begin", async () => {
    const text = formatHistory(await readHistory(config()), plain);
    expect(text).to.include("dr:drill");
  });

  it("keeps what people wrote around the list", async () => {
    await drill(11);
    expect(await writeHistory(document(), await markdown())).to.equal(
      "created",
    );
    const first = await readFile(document(), "utf8");
    const own = first
      .replace("## Notes", "## Notes\n\nOn 11 January Ada was on call.")
      .replace("# Recovery", "Read me first.\n\n# Recovery");
    await writeFile(document(), own);
    expect(await writeHistory(document(), await markdown())).to.equal(
      "unchanged",
    );
    await others();
    await drill(14);
    expect(await writeHistory(document(), await markdown())).to.equal(
      "updated",
    );
    const text = await readFile(document(), "utf8");
    expect(text).to.include("On 11 January Ada was on call.");
    expect(text).to.match(/^Read me first\.\n/);
    expect(text.indexOf("20240114")).to.be.below(text.indexOf("20240111"));
    expect(text).to.not.include("<script>");
    expect(text.match(/hardhat-dr end exercises -->/g)).to.have.length(1);
  });

  it("survives a formatter of Markdown", async () => {
    await drill(11);
    await writeHistory(document(), await markdown());
    const text = await readFile(document(), "utf8");
    await writeFile(document(), text.replaceAll(" | ", "    |   "));
    await drill(12);
    expect(await writeHistory(document(), await markdown())).to.equal(
      "updated",
    );
  });

  it("leaves a list alone that somebody has changed, and a document of somebody's own", async () => {
    await drill(11);
    await writeHistory(document(), await markdown());
    const text = await readFile(document(), "utf8");
    await drill(12);
    for (const changed of [
      text.replace("passed", "passed, but late"),
      text.replace(/<!-- hardhat-dr end .*-->/, ""),
      "# My own document\n",
      "",
    ]) {
      await writeFile(document(), changed);
      const error = await writeHistory(document(), await markdown()).catch(
        (thrown: unknown) => thrown,
      );
      expect(isDrError(error, "HISTORY_EDITED"), changed).to.equal(true);
      expect(await readFile(document(), "utf8")).to.equal(changed);
    }
  });

  it("says where it can't be written", async () => {
    await write("docs", "a file, not a folder");
    const error = await writeHistory(document(), await markdown()).catch(
      (thrown: unknown) => thrown,
    );
    expect(isDrError(error, "NOT_WRITABLE")).to.equal(true);
  });

  it("is drawn on a page that loads nothing and shows everything as text", async () => {
    for (let day = 1; day <= 20; day += 1) {
      await drill(day, { project: "takumi", commit: HOSTILE });
    }
    await others();
    const html = formatHistoryHtml(await readHistory(config()));
    expect(html).to.include("default-src 'none'");
    expect(html).to.not.include("<script");
    expect(html).to.not.match(/\b(src|href)=/);
    expect(html).to.include("&lt;script&gt;");
    expect(html.length).to.be.below(300_000);
    // What failed last comes first.
    expect(html.indexOf("Restore test of disk")).to.be.below(
      html.indexOf("Database corruption"),
    );
  });
});
