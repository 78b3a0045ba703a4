import { join } from "node:path";

import { expect } from "chai";

import { Terminal } from "../helpers/terminal.js";

describe("a bar on a terminal", () => {
  before(function () {
    Terminal.require(this);
  });

  it("shows rate and time left, and isn't drawn for every byte", async () => {
    const worker = join(import.meta.dirname, "progress-worker.ts");
    const node = [process.execPath, "--import", "tsx"];
    const terminal = Terminal.start([...node, worker, "10000"]);
    expect(await terminal.end()).to.equal(0);
    const frames = terminal.text.match(/counting {2}[█░]{20}.*$/gm)!;
    expect(frames.at(-1)).to.match(
      /█{20} 100 % {2}10\.0 kB of 10\.0 kB {2}[\d.]+ .?B\/s {2}0\.0 s left/,
    );
    expect(frames).to.have.length.below(200);
    expect(terminal.text).to.match(/✔ Job: counted\s*$/);
  });
});
