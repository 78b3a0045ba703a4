import { randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";

import { expect } from "chai";

import type { S3Target } from "../../src/config/types.js";
import { DrError } from "../../src/core/errors.js";
import {
  crc64Nvme,
  crc64NvmeOfAll,
  formatCrc64Nvme,
} from "../../src/offsite/crc64-nvme.js";
import { openS3, type S3Options } from "../../src/offsite/drivers/s3.js";
import type { Storage } from "../../src/offsite/storage.js";
import { codeOf, describeStorage, sourceOf } from "./describe-storage.js";
import { S3Server, type S3Fault, type S3Operation } from "./s3-server.js";

const PART_BYTES = 5 * 1024 * 1024;
const secret = (value: string) => ({
  get: async () => await Promise.resolve(value),
});

describe("the storage in S3", function () {
  this.timeout(60_000);
  let server: S3Server;
  // Made once: random bytes of this size take their time.
  const large = randomBytes(4 * PART_BYTES + 1000);

  before(async () => {
    server = await S3Server.start();
  });

  after(async () => {
    await server.stop();
  });

  beforeEach(() => {
    server.reset();
  });

  async function open(
    target: Partial<S3Target> = {},
    options: S3Options = {},
  ): Promise<Storage> {
    const { accessKeyId, secretAccessKey } = server.credentials;
    return await openS3(
      {
        kind: "s3",
        name: "s3",
        prefix: "",
        bucket: server.bucket,
        endpoint: server.endpoint,
        credentials: {
          accessKeyId: secret(accessKeyId),
          secretAccessKey: secret(secretAccessKey),
        },
        ...target,
      },
      { partBytes: PART_BYTES, idleTimeoutMs: 1000, ...options },
    );
  }

  const read = async (storage: Storage, key: string) =>
    await buffer(await storage.get(key));

  describeStorage(() => ({
    open: async (options = {}) => await open({}, options),
    largeBytes: PART_BYTES + 1000,
  }));

  it("overwrites nothing without conditions and checksums either", async () => {
    const storage = await open({
      conditionalWrites: false,
      checksums: false,
    });
    const words = sourceOf(Buffer.from("words"));
    await storage.put("a", words);
    expect(await codeOf(storage.put("a", words))).to.equal("OFFSITE_EXISTS");
    await storage.put("large", sourceOf(large));
    expect((await read(storage, "large")).equals(large)).to.be.true;
    const { headers } = server.requests.find(
      ({ operation }) => operation === "UploadPart",
    )!;
    expect(headers["content-md5"]).to.be.a("string");
    expect(headers["x-amz-checksum-crc64nvme"]).to.be.undefined;
  });

  it("keeps to its prefix, and takes odd names", async () => {
    const storage = await open({ prefix: "production/" });
    const key = "files/ünïcode & <odd> + name?.tar";
    await storage.put(key, sourceOf(Buffer.from("words")));
    expect(server.store.keys()).to.deep.equal([`production/${key}`]);
    const { objects } = await storage.listPage("files/");
    expect(objects.map((one) => one.key)).to.deep.equal([key]);
    expect((await read(storage, key)).toString()).to.equal("words");
  });

  it("asks once for a page", async () => {
    const storage = await open({}, { pageSize: 2 });
    for (const key of ["a", "b", "c"]) {
      await storage.put(key, sourceOf(Buffer.from(key)));
    }
    server.requests = [];
    const { next } = await storage.listPage("");
    await storage.listPage("", next);
    expect(server.requests.map(({ operation }) => operation)).to.deep.equal([
      "ListObjectsV2",
      "ListObjectsV2",
    ]);
  });

  it("sends what is configured, Amazon's defaults to Amazon only", async () => {
    const source = sourceOf(Buffer.from("words"));
    const now = new Date("2026-01-01T00:00:00Z");
    server.now = () => new Date();
    const storage = await open(
      {
        storageClass: "STANDARD_IA",
        encryption: "aws:kms",
        kmsKeyId: "arn:aws:kms:eu-west-1:1:key/2",
        objectLock: { mode: "compliance", days: 30 },
      },
      {
        clock: {
          now: () => now,
          sleep: async () => {
            await Promise.resolve();
          },
        },
      },
    );
    expect(storage.capabilities.locks).to.be.true;
    await storage.put("a", source);
    await storage.put("large", sourceOf(large));
    for (const operation of ["PutObject", "CreateMultipartUpload"]) {
      const { headers } = server.requests.find(
        (one) => one.operation === operation,
      )!;
      expect(headers).to.include({
        "x-amz-storage-class": "STANDARD_IA",
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id":
          "arn:aws:kms:eu-west-1:1:key/2",
        "x-amz-object-lock-mode": "COMPLIANCE",
      });
      expect(
        new Date(String(headers["x-amz-object-lock-retain-until-date"])),
      ).to.deep.equal(new Date("2026-01-31T00:00:00Z"));
    }
    await (await open()).put("b", source);
    const { headers } = server.requests.findLast(
      (one) => one.operation === "PutObject",
    )!;
    expect(headers["x-amz-storage-class"]).to.be.undefined;
    expect(headers["x-amz-server-side-encryption"]).to.be.undefined;
    expect(headers["if-none-match"]).to.equal("*");
    expect(headers["x-amz-meta-sha256"]).to.equal(source.sha256);
  });

  describe("when something goes wrong", () => {
    const passing: readonly [string, S3Fault][] = [
      ["a lost connection", "drop-before"],
      ["an error of the store", { status: 500, code: "InternalError" }],
      ["a busy store", { status: 503, code: "SlowDown" }],
      ["too many requests", { status: 429, code: "TooManyRequests" }],
    ];
    for (const [name, fault] of passing) {
      it(`says that trying again may help: ${name}`, async () => {
        const storage = await open();
        const words = sourceOf(Buffer.from("words"));
        await storage.put("there", words);
        const attempts: [S3Operation, () => Promise<unknown>][] = [
          ["ListObjectsV2", async () => await storage.listPage("")],
          ["HeadObject", async () => await storage.stat("there")],
          ["GetObject", async () => await storage.get("there")],
          [
            "PutObject",
            async () => {
              await storage.put("new", words);
            },
          ],
          [
            "UploadPart",
            async () => {
              await storage.put("l", sourceOf(large));
            },
          ],
          [
            "DeleteObject",
            async () => {
              await storage.delete("there");
            },
          ],
        ];
        for (const [operation, attempt] of attempts) {
          server.inject(operation, fault);
          expect(await codeOf(attempt()), operation).to.equal(
            "OFFSITE_UNREACHABLE",
          );
        }
      });
    }

    it("doesn't wait for ever", async () => {
      const storage = await open();
      server.inject("ListObjectsV2", "stall");
      expect(await codeOf(storage.listPage(""))).to.equal(
        "OFFSITE_UNREACHABLE",
      );
      const nobody = await open({ endpoint: "http://127.0.0.1:9" });
      expect(await codeOf(nobody.listPage(""))).to.equal("OFFSITE_UNREACHABLE");
    });

    it("notices an answer that breaks off, or was changed on the way", async () => {
      const storage = await open();
      const bytes = randomBytes(100_000);
      await storage.put("a", sourceOf(bytes));
      server.inject("GetObject", "truncate");
      expect(await codeOf(read(storage, "a"))).to.equal("OFFSITE_UNREACHABLE");
      server.inject("GetObject", "corrupt-response");
      expect(await codeOf(read(storage, "a"))).to.equal("OFFSITE_DAMAGED");
    });

    it("has the store refuse what was changed on the way", async () => {
      const storage = await open();
      server.inject("PutObject", "corrupt-request");
      expect(
        await codeOf(storage.put("a", sourceOf(Buffer.from("words")))),
      ).to.equal("OFFSITE_UNREACHABLE");
      server.inject("UploadPart", "corrupt-request", 2);
      expect(await codeOf(storage.put("l", sourceOf(large)))).to.equal(
        "OFFSITE_UNREACHABLE",
      );
      expect(server.store.keys()).to.deep.equal([]);
    });

    it("takes away what the store has kept otherwise", async () => {
      const storage = await open();
      server.inject("PutObject", "corrupt-stored");
      expect(
        await codeOf(storage.put("a", sourceOf(Buffer.from("words")))),
      ).to.equal("OFFSITE_DAMAGED");
      server.inject("CompleteMultipartUpload", "corrupt-stored");
      expect(await codeOf(storage.put("l", sourceOf(large)))).to.equal(
        "OFFSITE_DAMAGED",
      );
      expect(server.store.keys()).to.deep.equal([]);
      expect(server.store.versions.get("a")).to.deep.equal([]);
    });

    it("finds what has arrived though the answer was lost", async () => {
      const storage = await open();
      server.inject("PutObject", "drop-after");
      await storage.put("a", sourceOf(Buffer.from("words")));
      server.inject("CompleteMultipartUpload", "drop-after");
      await storage.put("l", sourceOf(large));
      expect((await read(storage, "l")).equals(large)).to.be.true;
    });

    it("says when the store is full, or has no such bucket", async () => {
      const storage = await open();
      const words = sourceOf(Buffer.from("words"));
      server.inject("PutObject", { status: 403, code: "QuotaExceeded" });
      expect(await codeOf(storage.put("a", words))).to.equal("OFFSITE_FULL");
      const other = await open({ bucket: "elsewhere" });
      expect(await codeOf(other.listPage(""))).to.equal("OFFSITE_FAILED");
      expect(await codeOf(other.put("a", words))).to.equal("OFFSITE_FAILED");
    });

    it("says which credentials to set, and never what they are", async () => {
      const words = sourceOf(Buffer.from("words"));
      const { accessKeyId, secretAccessKey } = server.credentials;
      for (const [id, value] of [
        [accessKeyId, "an0ther5ecre7"],
        ["AKIDOTHER", secretAccessKey],
      ] as const) {
        const storage = await open({
          credentials: {
            accessKeyId: secret(id),
            secretAccessKey: secret(value),
          },
        });
        for (const use of [
          async () => {
            await storage.listPage("");
          },
          async () => {
            await storage.stat("a");
          },
          async () => {
            await storage.put("a", words);
          },
        ]) {
          const error = await use().then(
            () => expect.fail("let in"),
            (reason: unknown) => reason as DrError,
          );
          expect(error.code).to.equal("OFFSITE_DENIED");
          expect(error.fix).to.include("credentials");
          const text = `${error.message}${error.fix}${JSON.stringify(error)}`;
          expect(text).to.not.include(value);
          expect(text).to.not.include(secretAccessKey);
        }
      }
      server.inject("HeadObject", { status: 403, code: "ExpiredToken" });
      server.inject("GetObject", { status: 403, code: "ExpiredToken" });
      expect(await codeOf((await open()).stat("a"))).to.equal("OFFSITE_DENIED");
      const unset = await open({
        credentials: {
          accessKeyId: {
            get: async () =>
              await Promise.reject(new DrError("INTERRUPTED", {})),
          },
          secretAccessKey: secret(""),
        },
      });
      expect(await codeOf(unset.listPage(""))).to.equal("OFFSITE_DENIED");
    });

    it("says so when it is the clock", async () => {
      server.now = () => new Date(Date.now() + 3_600_000);
      const error = await (await open()).listPage("").then(
        () => expect.fail("let in"),
        (reason: unknown) => reason as DrError,
      );
      expect(error.code).to.equal("OFFSITE_DENIED");
      expect(error.fix).to.include("clock");
    });

    it("says which package it needs", async () => {
      const missing = Object.assign(new DrError("INTERRUPTED", {}), {
        code: "ERR_MODULE_NOT_FOUND",
      });
      const load = async () => await Promise.reject(missing);
      expect(await codeOf(open({}, { load }))).to.equal(
        "OFFSITE_PACKAGE_MISSING",
      );
    });
  });

  describe("an interrupted upload", () => {
    it("goes on where it was, wherever that is", async () => {
      for (const failed of [1, 3, 5]) {
        server.reset();
        server.inject("UploadPart", "drop-before", failed);
        const storage = await open();
        expect(await codeOf(storage.put("a", sourceOf(large)))).to.equal(
          "OFFSITE_UNREACHABLE",
        );
        const there = [...server.store.uploads.values()][0]!.parts.size;
        server.requests = [];
        await (await open()).put("a", sourceOf(large));
        expect(server.count("UploadPart")).to.equal(5 - there);
        expect(server.count("CreateMultipartUpload")).to.equal(0);
        expect((await read(storage, "a")).equals(large)).to.be.true;
        expect(server.store.uploads.size).to.equal(0);
      }
    });

    it("keeps no part of other content", async () => {
      server.inject("CompleteMultipartUpload", "drop-before");
      const storage = await open();
      await codeOf(storage.put("a", sourceOf(large)));
      const other = Buffer.from(large);
      other[PART_BYTES + 5]! ^= 1;
      server.requests = [];
      await storage.put("a", sourceOf(other));
      expect(server.count("UploadPart")).to.equal(1);
      expect((await read(storage, "a")).equals(other)).to.be.true;
    });

    it("is forgotten when the source isn't what it says", async () => {
      const storage = await open();
      const source = { ...sourceOf(large), sha256: "ab".repeat(32) };
      expect(await codeOf(storage.put("a", source))).to.equal(
        "ARTIFACT_DAMAGED",
      );
      expect(server.store.uploads.size).to.equal(0);
      const small = { ...sourceOf(Buffer.from("words")), sizeBytes: 6 };
      expect(await codeOf(storage.put("b", small))).to.equal(
        "ARTIFACT_DAMAGED",
      );
    });

    it("isn't begun for what is there", async () => {
      const storage = await open();
      await storage.put("a", sourceOf(large));
      server.requests = [];
      expect(await codeOf(storage.put("a", sourceOf(large)))).to.equal(
        "OFFSITE_EXISTS",
      );
      expect(server.count("UploadPart")).to.equal(0);
    });
  });

  describe("an object that is locked", () => {
    it("says until when, and isn't deleted or hidden", async () => {
      const storage = await open({
        objectLock: { mode: "governance", days: 1 },
      });
      await storage.put("a", sourceOf(Buffer.from("words")));
      const until = (await storage.stat("a"))!.lockedUntil!;
      expect(until.getTime()).to.be.greaterThan(Date.now() + 80_000_000);
      expect(await codeOf(storage.delete("a"))).to.equal("OFFSITE_LOCKED");
      expect(server.store.keys()).to.deep.equal(["a"]);
    });

    it("is deleted for good when that is over", async () => {
      const storage = await open();
      await storage.put("a", sourceOf(Buffer.from("words")));
      await storage.delete("a");
      expect(server.store.versions.get("a")).to.deep.equal([]);
    });
  });
});

describe("CRC-64/NVME", () => {
  it("is what the specification's check value says", () => {
    const digits = Buffer.from("123456789");
    expect(crc64Nvme(digits)).to.equal(0xae8b14860a799888n);
    expect(formatCrc64Nvme(crc64Nvme(digits))).to.equal("rosUhgp5mIg=");
  });

  it("comes from the checksums of the parts", () => {
    const bytes = randomBytes(1000);
    for (const cut of [0, 1, 500, 1000]) {
      const parts = [bytes.subarray(0, cut), bytes.subarray(cut)];
      const sums = parts.map((part) => ({
        crc64Nvme: crc64Nvme(part),
        sizeBytes: part.length,
      }));
      expect(crc64NvmeOfAll(sums)).to.equal(crc64Nvme(bytes));
    }
  });
});
