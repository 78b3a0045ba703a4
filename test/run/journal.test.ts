import { execFile } from "node:child_process";
import { constants } from "node:fs";
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  stat,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect } from "chai";
import fc from "fast-check";

import { systemClock } from "../../src/core/clock.js";
import { DrError, isDrError } from "../../src/core/errors.js";
import {
  chainRecord,
  FileJournal,
  MemoryJournal,
  parseJournal,
  readJournal,
  type Journal,
  type JournalEvent,
} from "../../src/run/journal.js";
import type { Plan } from "../../src/run/plan.js";
import { applyPlan } from "../../src/run/runner.js";
import { codeOf, refusalOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";

const STARTED: JournalEvent = {
  type: "run-started",
  run: "20260102-030405-rollback-1f0c",
  procedure: "rollback",
  network: "mainnet",
  chainId: 1,
  // Strings and numbers that JSON can write in more than one way.
  intent: { "é😀\ud83d": 'a"\\/\n\u0007', big: 1e21, tiny: 1e-7, list: [null] },
  steps: [
    { id: "pause", title: "Pause", reversibility: "reversible", approval: [1] },
  ],
  digest: "ab".repeat(32),
  toolVersion: "0.1.0",
};

const EVENTS: readonly JournalEvent[] = [
  STARTED,
  { type: "step-started", step: "pause" },
  { type: "step-entry", step: "pause", entry: { kind: "intent", nonce: 7 } },
  { type: "step-done", step: "pause", already: false },
  { type: "run-done" },
];

describe("a journal", () => {
  const folder = useTemporaryFolder();
  const path = (): string => join(folder.path, "runs", "run.ndjson");

  async function create(
    events: readonly JournalEvent[] = [],
  ): Promise<FileJournal> {
    const journal = await FileJournal.create(path(), systemClock);
    for (const event of events) {
      await journal.append(event);
    }
    return journal;
  }

  /** The bytes of a whole journal on disk. */
  async function written(events = EVENTS): Promise<Buffer> {
    await (await create(events)).close();
    return await readFile(path());
  }

  async function linesWritten(events = EVENTS): Promise<string[]> {
    return (await written(events)).toString().trimEnd().split("\n");
  }

  describe("in a file", () => {
    it("reads as it was written, and goes on", async () => {
      const journal = await create(EVENTS.slice(0, 2));
      await journal.close();
      const again = await FileJournal.open(path(), systemClock);
      expect(again.records).to.deep.equal(journal.records);
      await again.append({ type: "run-done" });
      await again.close();
      const { records, bytes } = await readJournal(path());
      expect(records).to.deep.equal(again.records);
      expect(records.map(({ seq }) => seq)).to.deep.equal([0, 1, 2]);
      expect(bytes).to.equal((await stat(path())).size);
    });

    it("holds a record when its append resolves", async () => {
      const journal = await create();
      for (const [index, event] of EVENTS.entries()) {
        await journal.append(event);
        const { records } = await readJournal(path());
        expect(records).to.have.length(index + 1);
        expect(records.at(-1)).to.deep.include(event);
      }
      await journal.close();
    });

    it("is written through to the disk, and only ever at its end", async function () {
      const journal = await create();
      const flags = await openFlags(path());
      await journal.close();
      if (flags === undefined) {
        process.stderr.write("      skipped: this system tells no flags\n");
        this.skip();
      }
      const wanted = constants.O_DSYNC | constants.O_APPEND;
      expect(flags & wanted).to.equal(wanted);
    });

    it("is its owner's alone to read", async () => {
      await (await create()).close();
      expect((await stat(path())).mode & 0o777).to.equal(0o600);
    });

    it("is never written over another", async () => {
      const before = await written();
      expect(await codeOf(create)).to.equal("NOT_WRITABLE");
      expect(await readFile(path())).to.deep.equal(before);
    });

    it("says that its folder can't be made", async () => {
      await writeFile(join(folder.path, "runs"), "");
      const error = await refusalOf(create);
      expect(error.code).to.equal("NOT_WRITABLE");
      expect(error.exitCode).to.equal(3);
    });

    it("says that it can't be read", async () => {
      await mkdir(path(), { recursive: true });
      for (const unreadable of [path(), join(folder.path, "none.ndjson")]) {
        for (const read of [readJournal, open]) {
          expect(await codeOf(() => read(unreadable))).to.equal(
            "JOURNAL_UNREADABLE",
          );
        }
      }
    });

    it("says that it can't be gone on with", async function () {
      await written();
      await chmod(path(), 0o400);
      if (process.getuid?.() === 0 || process.platform === "win32") {
        process.stderr.write("      skipped: this user may write anything\n");
        this.skip();
      }
      expect(await codeOf(() => open(path()))).to.equal("JOURNAL_NOT_WRITTEN");
    });
  });

  describe("that was changed", () => {
    it("is refused for any one flipped bit", async () => {
      const bytes = await written();
      for (let at = 0; at < bytes.length; at += 1) {
        const byte = bytes[at] ?? 0;
        for (let bit = 0; bit < 8; bit += 1) {
          bytes[at] = byte ^ (1 << bit);
          expectTampered(bytes.toString(), `bit ${bit} of byte ${at}`);
        }
        bytes[at] = byte;
      }
    });

    it("is refused for any one other byte", async () => {
      const bytes = await written();
      fc.assert(
        fc.property(
          fc.nat({ max: bytes.length - 1 }),
          fc.integer({ min: 1, max: 255 }),
          (at, difference) => {
            const changed = Buffer.from(bytes);
            changed[at] = (changed[at] ?? 0) ^ difference;
            expectTampered(changed.toString());
          },
        ),
        { numRuns: 2_000 },
      );
    });

    it("is refused for a byte that is gone or too many, unless at its end", async () => {
      const text = (await written()).toString("latin1");
      for (let at = 0; at < text.length - 1; at += 1) {
        const less = text.slice(0, at) + text.slice(at + 1);
        const more = text.slice(0, at) + " " + text.slice(at);
        for (const changed of [less, more]) {
          expectTampered(
            Buffer.from(changed, "latin1").toString(),
            `byte ${at}`,
          );
        }
      }
    });

    it("is refused for lines swapped, deleted or repeated", async () => {
      const lines = await linesWritten();
      for (let i = 0; i < lines.length; i += 1) {
        const isLast = i === lines.length - 1;
        const [before, line = "", after] = [
          lines.slice(0, i),
          lines[i],
          lines.slice(i + 1),
        ];
        expectTampered(textOf([...before, line, line, ...after]));
        expectTampered(textOf([...before, "", line, ...after]));
        if (!isLast) {
          expectTampered(textOf([...before, ...after]));
          const [next = "", ...rest] = after;
          expectTampered(textOf([...before, next, line, ...rest]));
        }
      }
    });

    it("is refused for a line of another journal", async () => {
      const lines = await linesWritten();
      await rename(path(), `${path()}.first`);
      // Both may be written within a millisecond.
      const others = await linesWritten([
        { ...STARTED, run: `${STARTED.run}-other` },
        ...EVENTS.slice(1),
      ]);
      for (let i = 1; i < lines.length; i += 1) {
        const mixed = [...lines.slice(0, i), ...others.slice(i)];
        expectTampered(textOf(mixed));
      }
    });

    it("is refused for a number that is left out", async () => {
      const [first = ""] = await linesWritten();
      const { records } = parseJournal(`${first}\n`, "");
      const [last] = records;
      const gap = last && { ...last, seq: 1 };
      const next = chainRecord({ type: "run-done" }, gap, new Date());
      expectTampered(textOf([first, JSON.stringify(next)]));
    });

    it("names the line", async () => {
      const lines = await linesWritten();
      const changed = textOf([...lines.slice(0, 3), "{}", ...lines.slice(4)]);
      await writeFile(path(), changed);
      const error = await refusalOf(() => open(path()));
      expect(error.code).to.equal("JOURNAL_TAMPERED");
      expect(error.values.line).to.equal(4);
      expect(await readFile(path(), "utf8")).to.equal(changed);
    });
  });

  describe("that was cut off", () => {
    it("is what was written up to the last whole line, wherever it is cut", async () => {
      const bytes = await written();
      const { records } = parseJournal(bytes.toString(), "");
      for (let length = 0; length <= bytes.length; length += 1) {
        const cut = bytes.subarray(0, length);
        const whole = cut.filter((byte) => byte === 0x0a).length;
        const parsed = parseJournal(cut.toString(), "");
        expect(parsed.records).to.deep.equal(records.slice(0, whole));
        expect(parsed.bytes).to.equal(cut.lastIndexOf(0x0a) + 1);
      }
    });

    it("goes on where the cut line began", async () => {
      const bytes = await written();
      const end = bytes.subarray(0, -1).lastIndexOf(0x0a) + 1;
      for (const length of [end, end + 1, end + 40, bytes.length - 1]) {
        await writeFile(path(), bytes.subarray(0, length));
        const journal = await FileJournal.open(path(), systemClock);
        await journal.append({ type: "run-resumed", pid: 1 });
        await journal.close();
        const { records } = await readJournal(path());
        expect(records.map(({ type }) => type)).to.deep.equal([
          ...EVENTS.slice(0, -1).map(({ type }) => type),
          "run-resumed",
        ]);
      }
    });

    it("is empty when nothing of it arrived", () => {
      for (const text of ["", "{", "\0\0\0"]) {
        expect(parseJournal(text, "")).to.deep.equal({ records: [], bytes: 0 });
      }
    });
  });

  describe("on a full disk", () => {
    const WRITER = join(import.meta.dirname, "journal-writer.ts");

    before(function () {
      if (process.platform === "win32") {
        process.stderr.write("      skipped: no ulimit on this system\n");
        this.skip();
      }
    });

    /** Runs the writer with room for so many blocks of 512 bytes a file. */
    async function write(
      blocks: number | "unlimited",
    ): Promise<{ sent: string[]; code: string }> {
      const { stdout } = await promisify(execFile)(
        "sh",
        [
          "-c",
          `ulimit -f ${blocks}; exec "$0" "$@"`,
          process.execPath,
          "--import",
          "tsx",
          WRITER,
          path(),
          "6",
        ],
        { env: { ...process.env, TSX_DISABLE_CACHE: "1" } },
      );
      return JSON.parse(stdout) as { sent: string[]; code: string };
    }

    it("stops: nothing is sent without its record, and a resume knows all that was", async () => {
      expect(await write("unlimited")).to.deep.include({ code: "done" });
      const { size } = await stat(path());
      for (const blocks of [1, 2, 5]) {
        await rename(path(), `${path()}.before`);
        expect(blocks * 512).to.be.below(size);
        const { sent, code } = await write(blocks);
        expect(code).to.equal("JOURNAL_NOT_WRITTEN");
        const { records } = await readJournal(path());
        const intents = records.flatMap((record) =>
          record.type === "step-entry" ? [record.step] : [],
        );
        expect(sent).to.deep.equal(intents);
        const journal = await FileJournal.open(path(), systemClock);
        await journal.append({ type: "run-resumed", pid: 1 });
        await journal.close();
        await readJournal(path());
      }
      expect(await readdir(join(folder.path, "runs"))).to.have.length(2);
    });

    it("stays stopped, even if there is room again", async () => {
      const journal = await create([STARTED]);
      await journal.close();
      const failed = await refusalOf(() =>
        journal.append({ type: "run-done" }),
      );
      expect(failed.code).to.equal("JOURNAL_NOT_WRITTEN");
      expect(failed.exitCode).to.equal(3);
      expect(
        await refusalOf(() => journal.append({ type: "run-done" })),
      ).to.equal(failed);
      expect(journal.records).to.have.length(1);
    });

    /** One step fails, and then the journal. */
    async function failTwice(reason: Error, failure: Error): Promise<unknown> {
      const journal: Journal = {
        records: [],
        append: () => Promise.reject(failure),
        close: () => Promise.resolve(),
      };
      const step = { id: "a", check: () => Promise.reject(reason) };
      const plan = { steps: [step] } as unknown as Plan;
      return await applyPlan({ plan, journal });
    }

    it("doesn't hide why a step failed", async () => {
      const reason = new DrError("NO_CODE", { address: "0x", what: "it" });
      const full = new DrError("JOURNAL_NOT_WRITTEN", { path: "", reason: "" });
      expect(await failTwice(reason, full)).to.include({
        status: "failed",
        error: reason,
      });
      const bug = new TypeError("a bug");
      const thrown = failTwice(reason, bug).catch((error: unknown) => error);
      expect(await thrown).to.equal(bug);
    });
  });

  it("has any event, in a file as in memory", async () => {
    const at = new Date("2026-01-02T03:04:05Z");
    const clock = { ...systemClock, now: () => at };
    let count = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue(), { maxLength: 5 }),
        async (entries) => {
          count += 1;
          const file = join(folder.path, `${count}.ndjson`);
          const inFile = await FileJournal.create(file, clock);
          const inMemory = new MemoryJournal(clock);
          for (const journal of [inFile, inMemory]) {
            for (const entry of entries) {
              await journal.append({
                type: "step-entry",
                step: "s",
                entry: entry as never,
              });
            }
            await journal.close();
          }
          expect(inFile.records).to.deep.equal(inMemory.records);
          const { records } = await readJournal(file);
          expect(JSON.stringify(records)).to.equal(
            JSON.stringify(inMemory.records),
          );
        },
      ),
      { numRuns: 30 },
    );
  });
});

async function open(path: string): Promise<unknown> {
  return await FileJournal.open(path, systemClock);
}

function textOf(lines: readonly string[]): string {
  return `${lines.join("\n")}\n`;
}

function expectTampered(text: string, what = text): void {
  try {
    parseJournal(text, "");
  } catch (error) {
    if (isDrError(error, "JOURNAL_TAMPERED")) {
      return;
    }
    throw error;
  }
  expect.fail(`not noticed: ${what}`);
}

/** The flags this process has a file open with; undefined where nothing tells. */
async function openFlags(path: string): Promise<number | undefined> {
  const numbers = await readdir("/proc/self/fd").catch(() => []);
  for (const number of numbers) {
    const target = await readlink(`/proc/self/fd/${number}`).catch(() => "");
    if (target === path) {
      const info = await readFile(`/proc/self/fdinfo/${number}`, "utf8");
      return Number.parseInt(/flags:\s*(\d+)/.exec(info)?.[1] ?? "", 8);
    }
  }
  return undefined;
}

describe("a journal that several steps write to", () => {
  const folder = useTemporaryFolder();

  it("keeps its chain when several steps append at the same time", async () => {
    const path = join(folder.path, "run.ndjson");
    const journal = await FileJournal.create(path, systemClock);
    const steps = Array.from({ length: 20 }, (_, index) => String(index));
    await Promise.all(
      steps.map(async (step) => {
        await journal.append({ type: "step-started", step });
      }),
    );
    await journal.close();
    const { records } = await readJournal(path);
    expect(records.map(({ seq }) => seq)).to.deep.equal(steps.map(Number));
  });
});
