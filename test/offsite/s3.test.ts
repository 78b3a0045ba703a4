import { randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { inspect } from "node:util";

import { expect } from "chai";

import type { Clock } from "../../src/core/clock.js";
import { DrError } from "../../src/core/errors.js";
import { crc64Nvme, formatCrc64Nvme } from "../../src/offsite/crc64-nvme.js";
import { openS3 } from "../../src/offsite/drivers/s3.js";
import type { Storage } from "../../src/offsite/storage.js";
import {
  codeOf,
  describeStorage,
  errorOf,
  sourceOf,
} from "./describe-storage.js";
import { PART_BYTES, secret, useS3, type S3Scene } from "./s3-scene.js";
import type { S3Fault, S3Operation } from "./s3-server.js";
import { useEnvironment } from "../helpers/environment.js";

describe("the storage in S3", function () {
  this.timeout(60_000);
  const scene = useS3();
  const open: S3Scene["open"] = async (...args) => await scene.open(...args);
  const environment = useEnvironment();
  // Made once: random bytes of this size take their time.
  const large = randomBytes(2 * PART_BYTES + 1000);
  const words = sourceOf(Buffer.from("words"));

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
    await storage.put("a", words);
    expect(await codeOf(storage.put("a", words))).to.equal("OFFSITE_EXISTS");
    await storage.put("large", sourceOf(large));
    expect((await read(storage, "large")).equals(large)).to.be.true;
    const { headers } = scene.server.requests.find(
      ({ operation }) => operation === "UploadPart",
    )!;
    expect(headers["content-md5"]).to.be.a("string");
    expect(headers["x-amz-checksum-crc64nvme"]).to.be.undefined;
  });

  it("keeps to its prefix, and takes odd names", async () => {
    const storage = await open({ prefix: "production/" });
    const key = "files/ünïcode & <odd> + name?.tar";
    await storage.put(key, sourceOf(Buffer.from("words")));
    expect(scene.server.store.keys()).to.deep.equal([`production/${key}`]);
    const { objects } = await storage.listPage("files/");
    expect(objects.map((one) => one.key)).to.deep.equal([key]);
    expect((await read(storage, key)).toString()).to.equal("words");
  });

  it("asks once for a page", async () => {
    const storage = await open({}, { pageSize: 2 });
    for (const key of ["a", "b", "c"]) {
      await storage.put(key, sourceOf(Buffer.from(key)));
    }
    scene.server.requests = [];
    const { next } = await storage.listPage("");
    await storage.listPage("", next);
    expect(
      scene.server.requests.map(({ operation }) => operation),
    ).to.deep.equal(["ListObjectsV2", "ListObjectsV2"]);
  });

  it("gives nothing of an empty range", async () => {
    const storage = await open();
    await storage.put("a", words);
    const nothing = await storage.get("a", { start: 3, end: 3 });
    expect(await buffer(nothing)).to.have.length(0);
  });

  it("looks by name for what the listing doesn't show yet", async () => {
    const storage = await open();
    await storage.put("a", words);
    scene.server.inject("ListObjectsV2", "lag");
    expect((await storage.listPage("")).objects).to.deep.equal([]);
    expect((await storage.stat("a"))?.sha256).to.equal(words.sha256);
    expect(await codeOf(storage.put("a", words))).to.equal("OFFSITE_EXISTS");
  });

  describe("with its configuration", () => {
    const clock: Clock = {
      now: () => new Date("2100-01-01T00:00:00Z"),
      sleep: async () => {
        await Promise.resolve();
      },
    };
    const headersOf = (operation: S3Operation) =>
      scene.server.requests.findLast((one) => one.operation === operation)!
        .headers;
    const OF_OBJECTS = ["PutObject", "CreateMultipartUpload"] as const;

    async function putBoth(storage: Storage): Promise<void> {
      await storage.put("small", words);
      await storage.put("large", sourceOf(large));
    }

    it("sends storage class, encryption, lock and digest", async () => {
      const kmsKeyId = "arn:aws:kms:eu-west-1:1:key/2";
      const storage = await open(
        {
          storageClass: "GLACIER_IR",
          encryption: "aws:kms",
          kmsKeyId,
          objectLock: { mode: "compliance", days: 30 },
        },
        { clock },
      );
      expect(storage.capabilities.locks).to.be.true;
      await putBoth(storage);
      for (const operation of OF_OBJECTS) {
        expect(headersOf(operation)).to.include({
          "x-amz-storage-class": "GLACIER_IR",
          "x-amz-server-side-encryption": "aws:kms",
          "x-amz-server-side-encryption-aws-kms-key-id": kmsKeyId,
          "x-amz-object-lock-mode": "COMPLIANCE",
        });
        const until = headersOf(operation)[
          "x-amz-object-lock-retain-until-date"
        ] as string;
        expect(new Date(until)).to.deep.equal(new Date("2100-01-31T00:00:00Z"));
      }
    });

    it("asks another store for none of Amazon's defaults", async () => {
      const storage = await open();
      expect(storage.capabilities.locks).to.be.false;
      await putBoth(storage);
      for (const operation of OF_OBJECTS) {
        const names = Object.keys(headersOf(operation)).join();
        expect(names).to.not.match(/storage-class|encryption|object-lock/);
      }
    });

    it("has Amazon take the cheaper class, and encrypt", async () => {
      const { accessKeyId, secretAccessKey } = scene.server.credentials;
      environment.set("AWS_ENDPOINT_URL_S3", scene.server.endpoint);
      environment.set("AWS_REGION", "eu-west-1");
      environment.set("AWS_ACCESS_KEY_ID", accessKeyId);
      environment.set("AWS_SECRET_ACCESS_KEY", secretAccessKey);
      const { endpoint, credentials, ...amazon } = scene.target;
      expect([endpoint, credentials]).to.not.include(undefined);
      await putBoth(await openS3(amazon, { partBytes: PART_BYTES }));
      for (const operation of OF_OBJECTS) {
        expect(headersOf(operation)).to.include({
          "x-amz-storage-class": "STANDARD_IA",
          "x-amz-server-side-encryption": "AES256",
        });
      }
    });

    it("has every write carry its condition and its digests", async () => {
      await putBoth(await open());
      expect(headersOf("PutObject")).to.include({
        "if-none-match": "*",
        "x-amz-meta-sha256": words.sha256,
        "x-amz-checksum-crc64nvme": formatCrc64Nvme(
          crc64Nvme(Buffer.from("words")),
        ),
      });
      expect(headersOf("CreateMultipartUpload")).to.include({
        "x-amz-meta-sha256": sourceOf(large).sha256,
        "x-amz-checksum-algorithm": "CRC64NVME",
        "x-amz-checksum-type": "FULL_OBJECT",
      });
      expect(headersOf("CompleteMultipartUpload")).to.include({
        "if-none-match": "*",
        "x-amz-checksum-crc64nvme": formatCrc64Nvme(crc64Nvme(large)),
        "x-amz-mp-object-size": String(large.length),
      });
      expect(headersOf("UploadPart")).to.not.have.property("expect");
    });
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
        await storage.put("there", words);
        const attempts: readonly [S3Operation, () => Promise<unknown>][] = [
          ["ListObjectsV2", () => storage.listPage("")],
          ["HeadObject", () => storage.stat("there")],
          ["GetObject", () => storage.get("there")],
          ["PutObject", () => storage.put("new", words)],
          ["ListMultipartUploads", () => storage.put("l", sourceOf(large))],
          ["CreateMultipartUpload", () => storage.put("l", sourceOf(large))],
          ["UploadPart", () => storage.put("l", sourceOf(large))],
          ["DeleteObject", () => storage.delete("there")],
        ];
        for (const [operation, attempt] of attempts) {
          scene.server.inject(operation, fault);
          expect(await codeOf(attempt()), operation).to.equal(
            "OFFSITE_UNREACHABLE",
          );
        }
      });
    }

    it("waits for nobody for ever", async () => {
      const storage = await open({}, { idleTimeoutMs: 100 });
      await storage.put("a", sourceOf(randomBytes(100_000)));
      scene.server.inject("ListObjectsV2", "stall");
      scene.server.inject("PutObject", "stall");
      scene.server.inject("GetObject", "hang");
      for (const attempt of [
        () => storage.listPage(""),
        () => storage.put("b", words),
        () => read(storage, "a"),
      ]) {
        expect(await codeOf(attempt())).to.equal("OFFSITE_UNREACHABLE");
      }
    });

    it("says that nobody is there", async () => {
      const storage = await open({ endpoint: "http://127.0.0.1:9" });
      const error = await errorOf(storage.listPage(""));
      expect(error.code).to.equal("OFFSITE_UNREACHABLE");
      expect(error.message).to.include("ECONNREFUSED");
    });

    it("notices an answer that breaks off, or was changed on the way", async () => {
      const storage = await open();
      await storage.put("a", sourceOf(randomBytes(100_000)));
      scene.server.inject("GetObject", "truncate");
      expect(await codeOf(read(storage, "a"))).to.equal("OFFSITE_UNREACHABLE");
      scene.server.inject("GetObject", "truncate");
      const unchecked = await open({ checksums: false });
      expect(await codeOf(read(unchecked, "a"))).to.equal(
        "OFFSITE_UNREACHABLE",
      );
      scene.server.inject("GetObject", "corrupt-response");
      expect(await codeOf(read(storage, "a"))).to.equal("OFFSITE_DAMAGED");
    });

    it("notices an answer that is of something else", async () => {
      const storage = await open();
      await storage.put("a", words);
      const range = { start: 1, end: 3 };
      const part = await buffer(await storage.get("a", range));
      expect(part.toString()).to.equal("or");
      scene.server.inject("GetObject", "ignore-range");
      expect(await codeOf(storage.get("a", range))).to.equal("OFFSITE_FAILED");
    });

    it("says that there is no such bucket", async () => {
      const other = await open({ bucket: "elsewhere" });
      expect(await codeOf(other.listPage(""))).to.equal("OFFSITE_FAILED");
      expect(await codeOf(other.put("a", words))).to.equal("OFFSITE_FAILED");
    });

    it("says which credentials to set, and never what they are", async () => {
      const { accessKeyId, secretAccessKey } = scene.server.credentials;
      for (const [id, value] of [
        [accessKeyId, "an0ther5ecre7"],
        ["AKIDOTHER", secretAccessKey],
      ] as const) {
        const credentials = {
          accessKeyId: secret(id),
          secretAccessKey: secret(value),
        };
        const storage = await open({ credentials });
        for (const attempt of [
          () => storage.listPage(""),
          () => storage.stat("a"),
          () => storage.put("a", words),
          () => storage.put("l", sourceOf(large)),
          () => storage.delete("a"),
        ]) {
          const error = await errorOf(attempt());
          expect(error.code).to.equal("OFFSITE_DENIED");
          expect(error.fix).to.include("`credentials` of the target");
          expect(inspect(error, { depth: 20 })).to.not.include(value);
        }
      }
    });

    it("says when they have expired, though the answer to a HEAD doesn't", async () => {
      const storage = await open();
      const fault = { status: 400, code: "ExpiredToken" };
      scene.server.inject("HeadObject", fault);
      scene.server.inject("GetObject", fault);
      const error = await errorOf(storage.stat("a"));
      expect(error.code).to.equal("OFFSITE_DENIED");
      expect(error.fix).to.include("Log in anew");
    });

    it("says when there are none", async () => {
      for (const name of [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
      ]) {
        environment.set(name, undefined);
      }
      environment.set("AWS_EC2_METADATA_DISABLED", "true");
      environment.set("AWS_SHARED_CREDENTIALS_FILE", "/nowhere");
      environment.set("AWS_CONFIG_FILE", "/nowhere");
      const { credentials, ...target } = scene.target;
      expect(credentials).to.not.equal(undefined);
      const error = await errorOf((await openS3(target)).listPage(""));
      expect(error.code).to.equal("OFFSITE_DENIED");
      expect(error.fix).to.include("AWS_ACCESS_KEY_ID");
    });

    it("says when they can't be read", async () => {
      const reason = new DrError("INTERRUPTED", {});
      const unset = { get: async () => await Promise.reject(reason) };
      const storage = await open({
        credentials: { accessKeyId: unset, secretAccessKey: unset },
      });
      const error = await errorOf(storage.listPage(""));
      expect(error.code).to.equal("OFFSITE_DENIED");
      expect(error.cause).to.equal(reason);
    });

    it("says so when it is the clock", async () => {
      scene.server.now = () => new Date(Date.now() + 3_600_000);
      const error = await errorOf((await open()).listPage(""));
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

  describe("an object that is locked", () => {
    const objectLock = { mode: "governance", days: 1 } as const;

    it("says until when, and isn't deleted or hidden", async () => {
      const storage = await open({ objectLock });
      await storage.put("a", words);
      const until = (await storage.stat("a"))!.lockedUntil!;
      expect(until.getTime()).to.be.greaterThan(Date.now() + 80_000_000);
      expect(await codeOf(storage.delete("a"))).to.equal("OFFSITE_LOCKED");
      expect(scene.server.count("DeleteObject")).to.equal(0);
      expect(scene.server.store.keys()).to.deep.equal(["a"]);
    });

    it("is kept by the store, whatever the time is here", async () => {
      await (await open({ objectLock })).put("a", words);
      const tomorrow = {
        now: () => new Date(Date.now() + 2 * 86_400_000),
        sleep: async () => {
          await Promise.resolve();
        },
      };
      const early = await open({}, { clock: tomorrow });
      expect(await codeOf(early.delete("a"))).to.equal("OFFSITE_LOCKED");
      expect(scene.server.store.keys()).to.deep.equal(["a"]);
    });

    it("is deleted for good when that is over", async () => {
      const storage = await open();
      await storage.put("a", words);
      await storage.delete("a");
      expect(scene.server.store.versions.get("a")).to.deep.equal([]);
    });
  });
});
