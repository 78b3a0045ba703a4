import { randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";

import { expect } from "chai";

import type { S3Target } from "../../src/config/types.js";
import { openS3 } from "../../src/offsite/drivers/s3.js";
import type { Storage } from "../../src/offsite/storage.js";
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
    pageSize = 1000,
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
      { partBytes: PART_BYTES, pageSize },
    );
  }

  describeStorage(() => ({
    open: async ({ pageSize } = {}) => await open({}, pageSize),
    largeBytes: PART_BYTES + 1000,
    isRaceFree: false,
  }));

  it("goes on with an interrupted upload", async () => {
    const bytes = randomBytes(3 * PART_BYTES);
    const storage = await open();
    const source = sourceOf(bytes);
    const controller = new AbortController();
    const put = storage.put("a", source, {
      signal: controller.signal,
      onProgress: () => {
        controller.abort();
      },
    });
    await put.then(
      () => expect.fail("it went on"),
      () => undefined,
    );
    expect(await storage.stat("a")).to.be.undefined;
    await (await open()).put("a", source);
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
