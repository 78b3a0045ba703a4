import { expect } from "chai";

import { giveBack, handOver } from "../../src/core/hand-over.js";

describe("bytes that are handed over", () => {
  it("lose their memory when they are given back", () => {
    const chunk = handOver(Buffer.alloc(65_536, "x"));
    expect(chunk.length).to.equal(65_536);
    giveBack(chunk);
    expect(chunk.length).to.equal(0);
    expect(chunk.buffer.byteLength).to.equal(0);
  });

  it("keep it when they share it with others", () => {
    const all = Buffer.from(new ArrayBuffer(8)).fill("abcdefgh");
    const part = handOver(all.subarray(2, 4));
    giveBack(part);
    expect(all.toString()).to.equal("abcdefgh");
  });

  it("are the only ones that lose it", () => {
    const kept = Buffer.from(new ArrayBuffer(4)).fill("kept");
    giveBack(kept);
    expect(kept.toString()).to.equal("kept");
  });

  it("may be given back twice", () => {
    const chunk = handOver(Buffer.from(new ArrayBuffer(4)));
    giveBack(chunk);
    giveBack(chunk);
    expect(chunk.length).to.equal(0);
  });
});
