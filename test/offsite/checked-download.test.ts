import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

import { expect } from "chai";

import { DrError } from "../../src/core/errors.js";
import {
  checkedDownload,
  type DownloadChecks,
} from "../../src/offsite/checked-download.js";
import { codeOf } from "./describe-storage.js";

const CHUNK_BYTES = 100_000;

function checks(changes: Partial<DownloadChecks> = {}): DownloadChecks {
  return {
    stallMs: 20,
    onChunk: () => undefined,
    onEnd: () => undefined,
    broken: (reason) =>
      new DrError("OFFSITE_UNREACHABLE", {
        storage: "s",
        operation: "get",
        reason,
      }),
    ...changes,
  };
}

describe("a download that is checked", () => {
  const bytes = randomBytes(5 * CHUNK_BYTES);

  function body(): Readable {
    const chunks = [0, 1, 2, 3, 4].map((index) =>
      bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES),
    );
    return Readable.from(chunks, { objectMode: false });
  }

  it("is passed on as it is, and seen", async () => {
    const seen: Buffer[] = [];
    const download = checkedDownload(
      body(),
      checks({ onChunk: (chunk) => seen.push(chunk) }),
    );
    expect((await buffer(download)).equals(bytes)).to.be.true;
    expect(Buffer.concat(seen).equals(bytes)).to.be.true;
  });

  it("doesn't end when it isn't what it should be", async () => {
    const damaged = new DrError("OFFSITE_DAMAGED", {
      storage: "s",
      key: "a",
      reason: "it is another",
    });
    const download = checkedDownload(body(), checks({ onEnd: () => damaged }));
    expect(await codeOf(buffer(download))).to.equal("OFFSITE_DAMAGED");
  });

  it("waits for a slow reader", async () => {
    const download = checkedDownload(body(), checks());
    let sizeBytes = 0;
    for await (const chunk of download as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length;
      await sleep(40);
    }
    expect(sizeBytes).to.equal(bytes.length);
  });

  it("doesn't wait for one who sends nothing", async () => {
    const silent = new Readable({ read: () => undefined });
    const download = checkedDownload(silent, checks());
    expect(await codeOf(buffer(download))).to.equal("OFFSITE_UNREACHABLE");
    expect(silent.destroyed).to.be.true;
  });

  it("breaks off with what it comes from", async () => {
    const broken = body().destroy(new RangeError("reset"));
    expect(await codeOf(buffer(checkedDownload(broken, checks())))).to.equal(
      "OFFSITE_UNREACHABLE",
    );
  });

  it("lets go of what it comes from when nobody reads on", async () => {
    const silent = new Readable({ read: () => undefined });
    const download = checkedDownload(silent, checks({ stallMs: 60_000 }));
    download.resume();
    download.destroy();
    await new Promise((resolve) => download.once("close", resolve));
    expect(silent.destroyed).to.be.true;
  });
});
