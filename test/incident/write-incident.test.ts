import { writeFileSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";

import { expect } from "chai";
import { format } from "prettier";

import { formatIncident } from "../../src/display/incident.js";
import type { Incident } from "../../src/incident/incident.js";
import { readIncident } from "../../src/incident/read-incident.js";
import type { WrittenDocument } from "../../src/incident/write-document.js";
import { writeIncident } from "../../src/incident/write-incident.js";
import {
  addSignature,
  createProposal,
  writeProposal,
} from "../../src/safe/proposal.js";
import { createSealing } from "../../src/safe/sealing.js";
import { codeOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { sampleTransaction } from "../safe/sample-transaction.js";
import {
  approved,
  BAD,
  OWNER,
  PROXY,
  recordsOf,
  RUN,
  sent,
  wholeRun,
  writeJournal,
  type Happening,
} from "./sample-run.js";

const GOLDEN = join(import.meta.dirname, "../vectors/incident/rollback.md");
const NAME = "2026-11-20-rollback-of-skillprofile-on-mainnet";
const WAITING: readonly Happening[] = [
  approved(),
  ...sent("pause", 1),
  [
    1,
    {
      type: "run-waiting",
      step: "rollback",
      reason: "2 of 3 owners have signed.",
    },
  ],
];
/** The day after, by somebody else. */
const RESUMED: readonly Happening[] = [
  ...WAITING,
  [86_400, { type: "run-resumed", pid: 7, by: "night@laptop" }],
  ...sent("rollback", 2),
  [0, { type: "step-done", step: "verify", already: false }],
  ...sent("unpause", 3),
  [0, { type: "step-done", step: "record", already: false }],
  [0, { type: "run-done" }],
];

describe("an incident document", () => {
  const folder = useTemporaryFolder();

  const place = () => ({
    folder: folder.path,
    sealing: createSealing(undefined),
  });

  const incidents = (): string => join(folder.path, "docs/incidents");

  async function write(
    happenings: readonly Happening[],
    title?: string,
    run = RUN,
  ): Promise<WrittenDocument> {
    await writeJournal(folder.path, recordsOf(happenings), run);
    return await writeIncident(
      { ...place(), incidents: incidents(), format: formatIncident },
      { run, ...(title === undefined ? {} : { title }) },
    );
  }

  const files = async (): Promise<string[]> =>
    (await readdir(incidents())).sort();

  /** As a person changes it. */
  async function edit(
    { path }: WrittenDocument,
    change: (text: string) => string,
  ): Promise<string> {
    const text = change(await readFile(path, "utf8"));
    await writeFile(path, text);
    return text;
  }

  it("says all that the journal knows", async () => {
    const { path, status } = await write(wholeRun());
    expect(status).to.equal("created");
    expect(basename(path)).to.equal(`${NAME}.md`);
    expect(await readFile(path, "utf8")).to.equal(
      await readFile(GOLDEN, "utf8"),
    );
  });

  it("is the same when it is written again", async () => {
    const first = await write(wholeRun());
    const second = await write(wholeRun());
    expect(second).to.deep.equal({ path: first.path, status: "unchanged" });
    expect(await files()).to.deep.equal([`${NAME}.md`]);
  });

  it("tells of a run that waits, and goes on with it in the same file", async () => {
    const waiting = await write(WAITING);
    const before = await readFile(waiting.path, "utf8");
    expect(before).to.include("**Not resolved yet.** Waiting since");
    expect(before).to.include("2 of 3 owners have signed.");
    expect(before).to.match(/\| SkillProfile \| paused \| no \| yes \|/);
    expect(before).to.match(
      /\| SkillProfile \| version\(\) \| 2\.0\.0 \| not known \|/,
    );
    const resumed = await write(RESUMED);
    expect(resumed).to.deep.equal({ path: waiting.path, status: "updated" });
    const after = await readFile(resumed.path, "utf8");
    expect(after).to.include("Resumed by night@laptop");
    expect(after).to.include("| Who ran it | ops@bastion, night@laptop |");
    expect(after).to.match(/Resolved on the chain at 2026-11-21 .*, 1 day/);
    expect(after).to.match(/\| SkillProfile \| paused \| no \| no \|/);
    expect(after).to.match(
      /\| SkillProfile \| version\(\) \| 2\.0\.0 \| 1\.0\.0 \|/,
    );
  });

  it("tells of a run that failed, and of one that just ended", async () => {
    const message = "`a` | <b>\n# c";
    const { path } = await write([
      approved(),
      ...sent("pause", 1),
      [5, { type: "step-started", step: "rollback" }],
      [
        5,
        {
          type: "step-failed",
          step: "rollback",
          code: "SEND_REFUSED",
          message,
        },
      ],
    ]);
    const text = await readFile(path, "utf8");
    expect(text).to.include(
      "**Not resolved yet.** Stopped at 2026-11-20 03:15:26 UTC, 26 seconds after the approval. SEND\\_REFUSED: \\`a\\`",
    );
    expect(text).to.include("SEND\\_REFUSED: \\`a\\` \\| &lt;b&gt; \\# c");
    expect(text).to.match(/2\. Roll back .*: \*\*failed\*\* at/);
    expect(text).to.match(/5\. Record .*: not reached$/m);
    const killed = await write(
      [approved()],
      undefined,
      "20261120-0-rollback-k",
    );
    const other = await readFile(killed.path, "utf8");
    expect(other).to.include("It stopped without a word.");
  });

  it("keeps what people wrote, and what they ticked", async () => {
    const first = await write(WAITING);
    const edited = await edit(first, (text) =>
      text
        .replace("Critical / High / Medium / Low _(keep one)_", "High")
        .replace(
          /_What failed.*_/,
          "An unchecked cast.\n\n## Root Cause, part two\n\n…",
        )
        .replace("- [ ] _Tests", "- [x] _Tests")
        .replace("# Incident Report:", "# Our incident:"),
    );
    const again = await write(RESUMED);
    expect(again).to.deep.equal({ path: first.path, status: "updated" });
    const text = await readFile(first.path, "utf8");
    for (const words of [
      "- **Severity**: High",
      "An unchecked cast.",
      "## Root Cause, part two",
      "- [x] _Tests",
      "# Our incident:",
      "Resumed by night@laptop",
    ]) {
      expect(text).to.include(words);
    }
    const free = (document: string): string =>
      document.replace(
        /<!-- hardhat-dr begin (\w+) \w+ -->[^]*?<!-- hardhat-dr end \1 -->/g,
        "<$1>",
      );
    expect(free(text)).to.equal(free(edited));
  });

  it("survives a formatter, another name, and Windows' line ends", async () => {
    const first = await write(WAITING);
    const formatted = await format(await readFile(first.path, "utf8"), {
      parser: "markdown",
    });
    const renamed = join(incidents(), "what-happened-in-november.md");
    await writeFile(renamed, formatted.replaceAll("\n", "\r\n"));
    await writeFile(first.path, "another document\n");
    expect((await write(WAITING)).status).to.equal("unchanged");
    const again = await write(RESUMED);
    expect(again).to.deep.equal({ path: renamed, status: "updated" });
    const text = await readFile(renamed, "utf8");
    expect(text).to.include("Resumed by night@laptop");
    expect(text.replaceAll("\r\n", "")).to.not.include("\n");
  });

  const damages: [string, (text: string) => string][] = [
    [
      "a changed word in a generated part",
      (text) => text.replace("Plan approved", "Plan agreed"),
    ],
    [
      "a lost begin mark",
      (text) => text.replace(/<!-- hardhat-dr begin steps .*\n/, ""),
    ],
    [
      "a lost end mark",
      (text) => text.replace("<!-- hardhat-dr end response -->", ""),
    ],
    [
      "a lost part",
      (text) =>
        text.replace(
          /<!-- hardhat-dr begin resolution [^]*end resolution -->/,
          "",
        ),
    ],
    [
      "a part twice",
      (text) =>
        text.replace(
          /(<!-- hardhat-dr begin resolution [^]*end resolution -->)/,
          "$1\n\n$1",
        ),
    ],
    [
      "marks the wrong way round",
      (text) =>
        text.replace(
          /(<!-- hardhat-dr begin summary \w+ -->)([^]*)(<!-- hardhat-dr end summary -->)/,
          "$3$2$1",
        ),
    ],
  ];
  for (const [what, damage] of damages) {
    it(`leaves a document alone that has ${what}, and writes beside it`, async () => {
      const first = await write(WAITING);
      const edited = await edit(first, damage);
      const beside = await write(RESUMED);
      expect(beside).to.deep.equal({
        path: join(incidents(), `${NAME}-2.md`),
        status: "created",
        leftAlone: first.path,
      });
      expect(await readFile(first.path, "utf8")).to.equal(edited);
      const third = await write(RESUMED);
      expect(third).to.deep.equal({ path: beside.path, status: "unchanged" });
    });
  }

  it("never takes another run's file", async () => {
    await write(WAITING);
    const other = await write(
      wholeRun(),
      undefined,
      "20261120-040000-rollback-beef",
    );
    expect(basename(other.path)).to.equal(`${NAME}-2.md`);
    expect((await write(RESUMED)).path).to.equal(
      join(incidents(), `${NAME}.md`),
    );
  });

  it("makes a file's name of any title", async () => {
    const titles: [string, string][] = [
      ["Très gros dégât: 100 % !", "tres-gros-degat-100"],
      ["../../etc/passwd", "etc-passwd"],
      ["停電", "incident"],
      ["   ", "incident"],
      ["-->\n# x", "x"],
      [`${"long ".repeat(30)}end`, "long-".repeat(12).slice(0, -1)],
    ];
    for (const [index, [title, slug]] of titles.entries()) {
      const { path } = await write(wholeRun(), title, `run-${String(index)}`);
      const name = basename(path).replace(/-\d\.md$/, ".md");
      expect(name).to.equal(`2026-11-20-${slug}.md`);
      expect(path).to.equal(join(incidents(), basename(path)));
    }
  });

  it("can't be broken by names, labels and titles", async () => {
    const name =
      "A|B`<!-- hardhat-dr end summary -->\n# Hacked [x](javascript:1)";
    const { path } = await write(
      wholeRun({ name, label: "<script>\u202Edr()</script>|*_~" }),
      "<img src=x> **bold**",
    );
    const text = await readFile(path, "utf8");
    expect(text).to.not.match(/<script|<img|\[x\]\(|^# Hacked|\u202E/m);
    expect(text.match(/<!-- hardhat-dr end summary -->/g)).to.have.length(1);
    expect(text).to.include("&lt;img src=x&gt; \\*\\*bold\\*\\*");
    for (const row of text.split("\n").filter((line) => line.startsWith("|"))) {
      const cells = row.replaceAll("\\|", "").split("|").length - 2;
      expect([2, 4, 5, 6], row).to.include(cells);
    }
    const again = await write(wholeRun({ name }), "ignored");
    expect(again).to.include({ path, status: "updated" });
  });

  it("shortens what would fill the page", async () => {
    const { path } = await write(wholeRun());
    const text = await readFile(path, "utf8");
    expect(text).to.include("… (204 bytes; all of it is in the journal)");
    expect(text).to.not.include("00".repeat(100));
  });

  it("names who signed a Safe's transaction of the run, owners of owners too", async () => {
    const proposal = createProposal({
      chainId: 1,
      safe: PROXY,
      safeVersion: "1.4.1",
      transaction: sampleTransaction(),
      block: 1,
      proposedAt: "2026-11-20T03:15:01.000Z",
      contracts: [],
    });
    const signature = (signer: typeof OWNER, at: string) =>
      ({
        signer,
        kind: "eip712",
        signature: `0x${"1b".repeat(65)}`,
        at,
      }) as const;
    const signed = addSignature(
      addSignature(proposal, signature(OWNER, "2026-11-20T03:15:03.500Z")),
      {
        ...signature(BAD, "2026-11-20T03:15:02.500Z"),
        kind: "contract",
        signature: "0x",
        nested: [signature(OWNER, "2026-11-20T03:15:02.500Z")],
      },
    );
    await writeProposal(place(), signed);
    const unrelated = createProposal({
      ...proposal,
      transaction: { ...sampleTransaction(), nonce: 99n },
    });
    await writeProposal(
      place(),
      addSignature(unrelated, signature(PROXY, "2026-11-20T03:15:03.000Z")),
    );
    const { path } = await write([
      ...WAITING,
      [
        1,
        {
          type: "step-entry",
          step: "rollback",
          entry: { safeTxHash: proposal.safeTxHash },
        },
      ],
    ]);
    const incident: Incident = await readIncident(place(), RUN);
    expect(
      incident.signatures.map(({ signer, safe }) => [signer, safe]),
    ).to.deep.equal([
      [OWNER, BAD],
      [OWNER, PROXY],
    ]);
    const text = await readFile(path, "utf8");
    expect(text).to.include("### Signers");
    const lines = text.split("\n");
    const at = (words: string): number =>
      lines.findIndex((line) => line.includes(words));
    expect(at("Signed by")).to.be.greaterThan(at("Sending for"));
    expect(at("Signed by")).to.be.lessThan(at("Mined for"));
  });

  it("knows the code that was left, from deploy.json", async () => {
    const codeHash = `0x${"b2".repeat(32)}`;
    const sample = { version: "2.0.0", codeHash };
    await writeFile(
      join(folder.path, "deploy.json"),
      JSON.stringify({
        schemaVersion: 1,
        chainId: 1,
        contracts: {
          SkillProfile: {
            proxy: PROXY,
            kind: "uups",
            implementations: { [BAD]: sample },
            history: [{ implementation: BAD, reason: "deploy" }],
          },
        },
      }),
    );
    const { path } = await write(wholeRun());
    expect(await readFile(path, "utf8")).to.include(
      `| SkillProfile | code hash | \`${codeHash}\` |`,
    );
  });

  it("refuses a damaged journal, and one that says nothing", async () => {
    const records = recordsOf(wholeRun());
    const path = await writeJournal(folder.path, records);
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replace("SkillProfile", "SkillProfilf"));
    const ports = {
      ...place(),
      incidents: incidents(),
      format: formatIncident,
    };
    const code = async (run: string): Promise<string> =>
      await codeOf(async () => await writeIncident(ports, { run }));
    expect(await code(RUN)).to.equal("JOURNAL_TAMPERED");
    await writeFile(path, "");
    expect(await code(RUN)).to.equal("JOURNAL_EMPTY");
    expect(await code("nothing")).to.equal("JOURNAL_UNREADABLE");
    expect(await readdir(folder.path)).to.deep.equal(["runs"]);
  });

  it("says where it can't be written", async () => {
    await mkdir(join(folder.path, "docs"));
    await writeFile(incidents(), "a file where a folder should be");
    expect(await codeOf(async () => await write(wholeRun()))).to.equal(
      "INCIDENT_NOT_WRITTEN",
    );
  });

  it("doesn't overwrite what somebody saves at the same moment", async () => {
    const first = await write(WAITING);
    await writeJournal(folder.path, recordsOf(RESUMED));
    const saveMeanwhile = (incident: Incident) => {
      writeFileSync(first.path, "mine");
      return formatIncident(incident);
    };
    const ports = {
      ...place(),
      incidents: incidents(),
      format: saveMeanwhile,
    };
    expect(
      await codeOf(async () => await writeIncident(ports, { run: RUN })),
    ).to.equal("INCIDENT_NOT_WRITTEN");
    expect(await readFile(first.path, "utf8")).to.equal("mine");
    expect(await files()).to.deep.equal([`${NAME}.md`]);
  });
});
