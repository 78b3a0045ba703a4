import { randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";

import type { S3ClientConfig } from "@aws-sdk/client-s3";
import { expect } from "chai";

import type { S3Target } from "../../src/config/types.js";
import { systemClock, type Clock } from "../../src/core/clock.js";
import { DrError } from "../../src/core/errors.js";
import { openS3, type S3Options } from "../../src/offsite/drivers/s3.js";
import type { Source, Storage } from "../../src/offsite/storage.js";
import {
  RADOSGW_PROGRAMS,
  startRadosgw,
  type Radosgw,
} from "../helpers/radosgw.js";
import { requireProgram, requirePrograms } from "../helpers/programs.js";
import {
  codeOf,
  describeStorage,
  sourceOf,
} from "../offsite/describe-storage.js";

const PART_BYTES = 5 * 1024 * 1024;
const HOUR_MS = 3_600_000;

/** A clock that is ahead. */
function ahead(byMs: number): Clock {
  return {
    ...systemClock,
    now: () => new Date(Date.now() + byMs),
  };
}

/** The SDK, and what is asked with it. */
async function watched(
  asked: (string | undefined)[],
): Promise<typeof import("@aws-sdk/client-s3")> {
  const sdk = await import("@aws-sdk/client-s3");
  class WatchedS3 extends sdk.S3 {
    constructor(config: S3ClientConfig) {
      super(config);
      this.middlewareStack.add(
        (next, { commandName }) =>
          async (args) => {
            asked.push(commandName);
            return await next(args);
          },
        { step: "initialize" },
      );
    }
  }
  return { ...sdk, S3: WatchedS3 };
}

describe("the storage in S3, at Ceph's gateway", function () {
  this.timeout(120_000);
  let gateway: Radosgw | undefined;

  before(async function () {
    requirePrograms(this, ...RADOSGW_PROGRAMS);
    requireProgram(
      this,
      process.getuid?.() === 0,
      "only root starts Ceph here",
    );
    gateway = await startRadosgw();
  });

  after(async () => {
    await gateway?.stop();
  });

  let bucket: string;

  beforeEach(async () => {
    bucket = await gateway!.createBucket();
  });

  async function open(
    target: Partial<S3Target> = {},
    options: S3Options = {},
  ): Promise<Storage> {
    const { accessKeyId, secretAccessKey } = gateway!.credentials;
    const secret = (value: string) => ({
      get: async () => await Promise.resolve(value),
    });
    return await openS3(
      {
        kind: "s3",
        name: "ceph",
        prefix: "",
        bucket,
        endpoint: gateway!.endpoint,
        // It takes no notice of checksums, and doesn't always of conditions.
        checksums: false,
        conditionalWrites: false,
        credentials: {
          accessKeyId: secret(accessKeyId),
          secretAccessKey: secret(secretAccessKey),
        },
        ...target,
      },
      { partBytes: PART_BYTES, ...options },
    );
  }

  describeStorage(() => ({
    open: async (options) => await open({}, options),
    largeBytes: PART_BYTES + 1000,
    isRaceFree: false,
  }));

  /** Leaves an upload of which one part or more have arrived. */
  async function interrupt(storage: Storage, source: Source): Promise<void> {
    const controller = new AbortController();
    const put = storage.put("a", source, {
      signal: controller.signal,
      onProgress: () => {
        controller.abort(new DrError("INTERRUPTED", {}));
      },
    });
    expect(await codeOf(put)).to.equal("INTERRUPTED");
    expect(await storage.stat("a")).to.be.undefined;
  }

  it("goes on with an interrupted upload", async () => {
    const bytes = randomBytes(3 * PART_BYTES);
    const source = sourceOf(bytes);
    await interrupt(await open(), source);
    const asked: (string | undefined)[] = [];
    const storage = await open({}, { load: async () => await watched(asked) });
    await storage.put("a", source);
    expect(asked).to.not.include("CreateMultipartUploadCommand");
    expect(
      asked.filter((command) => command === "UploadPartCommand"),
    ).to.have.length.below(3);
    expect((await buffer(await storage.get("a"))).equals(bytes)).to.be.true;
    const range = { start: PART_BYTES - 5, end: PART_BYTES + 5 };
    const part = await buffer(await storage.get("a", range));
    expect(part.equals(bytes.subarray(range.start, range.end))).to.be.true;
  });

  it("refuses a wrong secret", async () => {
    const other = { get: async () => await Promise.resolve("other") };
    const { accessKeyId } = gateway!.credentials;
    const storage = await open({
      credentials: {
        accessKeyId: { get: async () => await Promise.resolve(accessKeyId) },
        secretAccessKey: other,
      },
    });
    expect(await codeOf(storage.listPage(""))).to.equal("OFFSITE_DENIED");
  });

  it("locks what it went on with for the whole time", async () => {
    bucket = await gateway!.createBucket({ hasLocks: true });
    const objectLock = { mode: "compliance", days: 1 } as const;
    const source = sourceOf(randomBytes(2 * PART_BYTES));
    await interrupt(await open({ objectLock }), source);
    const storage = await open({ objectLock }, { clock: ahead(HOUR_MS) });
    await storage.put("a", source);
    const until = (await storage.stat("a"))!.lockedUntil!.getTime();
    expect(until).to.be.greaterThan(Date.now() + 24.5 * HOUR_MS);
  });

  it("keeps what is locked", async () => {
    bucket = await gateway!.createBucket({ hasLocks: true });
    const storage = await open({ objectLock: { mode: "compliance", days: 1 } });
    await storage.put("a", sourceOf(Buffer.from("words")));
    expect((await storage.stat("a"))!.lockedUntil!.getTime()).to.be.greaterThan(
      Date.now(),
    );
    expect(await codeOf(storage.delete("a"))).to.equal("OFFSITE_LOCKED");
    expect((await buffer(await storage.get("a"))).toString()).to.equal("words");
  });
});
