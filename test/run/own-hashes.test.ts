import { appendFile, mkdir } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { systemClock } from "../../src/core/clock.js";
import { FileJournal } from "../../src/run/journal.js";
import { readOwnHashes } from "../../src/run/own-hashes.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";

const hash = (digits: string): string => `0x${digits.repeat(32)}`;

describe("what the journals of this machine speak of", () => {
  const folder = useTemporaryFolder();

  async function writeRun(run: string, procedure: string): Promise<string> {
    const path = join(folder.path, "runs", `${run}.ndjson`);
    await mkdir(join(folder.path, "runs"), { recursive: true });
    const journal = await FileJournal.create(path, systemClock);
    await journal.append({
      type: "run-started",
      run,
      procedure,
      network: "test",
      chainId: 31337,
      intent: { nested: [{ id: hash("AA") }], predecessor: hash("bb") },
      steps: [],
      digest: "00",
      toolVersion: "test",
    });
    await journal.append({
      type: "step-entry",
      step: "send",
      entry: { kind: "sent", hashes: { timelock: hash("cc") } },
    });
    await journal.close();
    return path;
  }

  it("is ids and transactions, but no predecessor", async () => {
    await writeRun("one", "timelock-schedule");
    expect([...(await readOwnHashes(folder.path, () => false))]).to.deep.equal([
      [hash("aa"), "one"],
      [hash("cc"), "one"],
    ]);
  });

  it("is only what was done, of a run that dealt with others' work", async () => {
    await writeRun("two", "timelock-cancel");
    const own = await readOwnHashes(
      folder.path,
      (procedure) => procedure === "timelock-cancel",
    );
    expect([...own.keys()]).to.deep.equal([hash("cc")]);
  });

  it("isn't anything where there are no runs, or a journal was tampered with", async () => {
    expect((await readOwnHashes(folder.path, () => false)).size).to.equal(0);
    await appendFile(await writeRun("three", "pause"), "{}\n");
    expect((await readOwnHashes(folder.path, () => false)).size).to.equal(0);
  });
});
