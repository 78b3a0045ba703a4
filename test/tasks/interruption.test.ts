import { setImmediate, setTimeout as sleep } from "node:timers/promises";

import { expect } from "chai";

import { stderrOf } from "../helpers/stderr.js";
import { Interruption } from "../../tasks/actions/apply.js";

/** Whichever; Mocha listens to Ctrl-C itself. */
const SIGNAL = "SIGHUP";

describe("an interruption", () => {
  it("doesn't look to other listeners as if nobody else listened: they would end the process", async () => {
    const interruption = new Interruption("DRILL_INTERRUPTED");
    const before = process.listenerCount(SIGNAL);
    const seen: number[] = [];
    const other = () => seen.push(process.listenerCount(SIGNAL));
    try {
      await interruption.during(async () => {
        process.on(SIGNAL, other);
        process.emit(SIGNAL);
        await setImmediate();
        // The second ends the process.
        expect(process.listenerCount(SIGNAL)).to.equal(before + 1);
      });
    } finally {
      process.removeListener(SIGNAL, other);
    }
    expect(seen).to.deep.equal([before + 2]);
    expect(interruption.signal.reason).to.have.property(
      "code",
      "DRILL_INTERRUPTED",
    );
    expect(process.listenerCount(SIGNAL)).to.equal(before);
  });

  it("tells the way out where what is to stop doesn't answer", async () => {
    const interruption = new Interruption("RESTORE_INTERRUPTED", 10);
    const said = await stderrOf(async () => {
      await interruption.during(async () => {
        process.emit(SIGNAL);
        await sleep(50);
      });
    });
    expect(said).to.include("Ctrl-C once more");
  });
});
