import { join } from "node:path";

import { expect } from "chai";

import { systemClock } from "../../src/core/clock.js";
import { FileJournal, readJournal } from "../../src/run/journal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";

describe("FileJournal", () => {
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
