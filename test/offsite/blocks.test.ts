import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";

import { expect } from "chai";
import fc from "fast-check";

import { blockBytesOf, blocksOf, chunked } from "../../src/offsite/blocks.js";
import { sourceOf } from "./describe-storage.js";

describe("blocks of an object", () => {
  it("are all of one size but the last, and together all of it", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 40 })),
        fc.integer({ min: 1, max: 50 }),
        async (chunks, blockBytes) => {
          const bytes = Buffer.concat(chunks);
          const source = {
            ...sourceOf(bytes),
            open: () =>
              Readable.from(chunks.map((chunk) => Buffer.from(chunk))),
          };
          const blocks: Buffer[] = [];
          for await (const block of blocksOf(source, blockBytes)) {
            blocks.push(block);
          }
          expect(Buffer.concat(blocks).equals(bytes)).to.be.true;
          expect(blocks).to.have.length(Math.ceil(bytes.length / blockBytes));
          for (const block of blocks.slice(0, -1)) {
            expect(block).to.have.length(blockBytes);
          }
        },
      ),
    );
  });

  it("grow before there are too many of them", () => {
    const MIB = 1024 * 1024;
    expect(blockBytesOf(5 * MIB, 8 * MIB, 50_000)).to.equal(8 * MIB);
    expect(blockBytesOf(400_000 * MIB, 8 * MIB, 50_000)).to.equal(8 * MIB);
    for (const sizeBytes of [400_000 * MIB + 1, 1e12, 4e12 + 1]) {
      const blockBytes = blockBytesOf(sizeBytes, 8 * MIB, 50_000);
      expect(blockBytes).to.be.greaterThan(8 * MIB);
      expect(Math.ceil(sizeBytes / blockBytes)).to.be.at.most(50_000);
    }
  });

  it("can be sent more than once", async () => {
    const bytes = randomBytes(200_000);
    const body = chunked(bytes);
    expect((await buffer(body())).equals(bytes)).to.be.true;
    expect((await buffer(body())).equals(bytes)).to.be.true;
  });
});
