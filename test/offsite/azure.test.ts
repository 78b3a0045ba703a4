import { randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";

import type { BlobGetPropertiesResponse } from "@azure/storage-blob";
import { expect } from "chai";

import type { AzureTarget } from "../../src/config/types.js";
import { systemClock, type Clock } from "../../src/core/clock.js";
import { DrError } from "../../src/core/errors.js";
import {
  openAzure,
  type AzureOptions,
} from "../../src/offsite/drivers/azure.js";
import {
  DEFAULT_PATIENCE,
  RetryingStorage,
} from "../../src/offsite/retrying.js";
import {
  listObjects,
  type Source,
  type Storage,
} from "../../src/offsite/storage.js";
import { startAzurite, type Azurite } from "../helpers/azurite.js";
import { codeOf, describeStorage, sourceOf } from "./describe-storage.js";
import {
  startFaultyProxy,
  type Answer,
  type Fault,
  type FaultyProxy,
} from "./faulty-proxy.js";

const BLOCK_BYTES = 100_000;
const BLOCKS = 7;

const LIST = /^GET .*comp=list/;
const HEAD = /^HEAD /;
const GET = /^GET [^?]+$/;
const WHOLE = /^PUT [^?]+$/;
const BLOCK = /^PUT .*comp=block&/;
const BLOCKS_KEPT = /^GET .*comp=blocklist/;
const COMMIT = /^PUT .*comp=blocklist/;
const LOCK = /^PUT .*comp=immutabilityPolicies/;
const DELETE = /^DELETE /;

/** As Azure answers. */
function refusal(status: number, code: string, message = "Sorry"): Answer {
  return {
    status,
    headers: { "content-type": "application/xml", "x-ms-error-code": code },
    body: `<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>${message}.\nRequestId:1\nTime:2</Message></Error>`,
  };
}

async function errorOf(work: Promise<unknown>): Promise<DrError> {
  try {
    await work;
  } catch (error) {
    expect(error).to.be.instanceOf(DrError);
    return error as DrError;
  }
  return expect.fail("it went well");
}

async function reasonOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => "it went well",
    (reason: unknown) => reason,
  );
}

describe("the storage in Azure", () => {
  let azurite: Azurite;
  let proxy: FaultyProxy;
  let container: Awaited<ReturnType<Azurite["createContainer"]>>;

  before(async () => {
    azurite = await startAzurite();
    proxy = await startFaultyProxy(new URL(azurite.endpoint).origin);
  });
  after(async () => {
    await proxy.close();
    await azurite.stop();
  });
  beforeEach(async () => {
    container = await azurite.createContainer();
    proxy.reset();
  });

  /** Through the proxy. */
  async function open(
    changes: Partial<AzureTarget> = {},
    options: AzureOptions = {},
  ): Promise<Storage> {
    const target: AzureTarget = {
      kind: "azure",
      name: "takumi",
      prefix: "",
      account: azurite.account,
      container: container.containerName,
      key: { get: async () => await Promise.resolve(azurite.key) },
      endpoint: `${proxy.url}/${azurite.account}`,
      ...changes,
    };
    return await openAzure(target, { blockBytes: BLOCK_BYTES, ...options });
  }

  /** Of several blocks, the last not a whole one. */
  function large(): Buffer {
    return randomBytes((BLOCKS - 0.5) * BLOCK_BYTES);
  }

  async function read(storage: Storage, key: string): Promise<Buffer> {
    return await buffer(await storage.get(key));
  }

  /** Past the driver. */
  async function propertiesOf(key: string): Promise<BlobGetPropertiesResponse> {
    return await container.getBlobClient(key).getProperties();
  }

  function blockIds(): string[] {
    return proxy
      .requests(BLOCK)
      .map(({ line }) => /blockid=([^&]+)/.exec(line)![1]!);
  }

  describeStorage(() => ({
    open: async (options) => await open({}, options),
    largeBytes: 3.5 * BLOCK_BYTES,
  }));

  it("keeps to its prefix", async () => {
    const storage = await open({ prefix: "production/" });
    await storage.put("a/1", sourceOf(Buffer.from("words")));
    const [all, own, others] = await Promise.all([
      (await open()).listPage(""),
      storage.listPage("a/"),
      (await open({ prefix: "staging/" })).listPage(""),
    ]);
    expect(all.objects.map(({ key }) => key)).to.deep.equal(["production/a/1"]);
    expect(own.objects.map(({ key }) => key)).to.deep.equal(["a/1"]);
    expect(others.objects).to.deep.equal([]);
    expect(storage.address).to.equal(
      `azure://takumi/${container.containerName}/production/`,
    );
  });

  it("takes any name", async () => {
    const storage = await open();
    const key = "a b/ü%2F+#?&<'.sql";
    await storage.put(key, sourceOf(Buffer.from("words")));
    expect((await storage.listPage("a b/ü%")).objects[0]?.key).to.equal(key);
    expect((await read(storage, key)).toString()).to.equal("words");
    await storage.delete(key);
    expect(await storage.stat(key)).to.be.undefined;
  });

  it("asks once for each page", async () => {
    const storage = await open({}, { pageSize: 2 });
    for (const key of ["1", "2", "3", "4", "5"]) {
      await storage.put(key, sourceOf(Buffer.from(key)));
    }
    proxy.reset();
    const keys = [];
    for await (const { key } of listObjects(storage)) {
      keys.push(key);
    }
    expect(keys).to.deep.equal(["1", "2", "3", "4", "5"]);
    expect(proxy.requests()).to.have.length(3);
  });

  it("keeps objects in the tier that is configured, with their digests", async () => {
    const bytes = [Buffer.from("words"), large()];
    for (const tier of [undefined, "Hot"] as const) {
      const name = tier ?? "default";
      const storage = await open(tier === undefined ? {} : { tier });
      for (const [index, content] of bytes.entries()) {
        const key = `${name}/${String(index)}`;
        const source = sourceOf(content);
        await storage.put(key, source);
        const { accessTier, metadata, contentMD5 } = await propertiesOf(key);
        expect(accessTier).to.equal(tier ?? "Cool");
        expect(metadata).to.deep.equal({ sha256: source.sha256 });
        expect(contentMD5).to.have.length(16);
        expect((await storage.stat(key))?.sha256).to.equal(source.sha256);
      }
    }
  });

  it("refuses a source that isn't what it says", async () => {
    const storage = await open();
    for (const bytes of [Buffer.from("words"), large()]) {
      const source = { ...sourceOf(bytes), sha256: "0".repeat(64) };
      expect(await codeOf(storage.put("a", source))).to.equal(
        "ARTIFACT_DAMAGED",
      );
      expect(await storage.stat("a")).to.be.undefined;
    }
  });

  it("reads nothing for an empty range", async () => {
    const storage = await open();
    await storage.put("a", sourceOf(Buffer.from("words")));
    const nothing = await storage.get("a", { start: 2, end: 2 });
    expect(await buffer(nothing)).to.have.length(0);
  });

  describe("when something goes wrong", () => {
    const operations: readonly [
      name: string,
      on: RegExp,
      run: (storage: Storage, newKey: string) => Promise<unknown>,
    ][] = [
      ["list", LIST, async (storage) => await storage.listPage("")],
      ["stat", HEAD, async (storage) => await storage.stat("there")],
      ["get", GET, async (storage) => await read(storage, "there")],
      [
        "put",
        WHOLE,
        async (storage, newKey) => {
          await storage.put(newKey, sourceOf(Buffer.from("words")));
        },
      ],
      [
        "resume",
        BLOCKS_KEPT,
        async (storage, newKey) => {
          await storage.put(newKey, sourceOf(large()));
        },
      ],
      [
        "put a block",
        BLOCK,
        async (storage, newKey) => {
          await storage.put(newKey, sourceOf(large()));
        },
      ],
      [
        "commit",
        COMMIT,
        async (storage, newKey) => {
          await storage.put(newKey, sourceOf(large()));
        },
      ],
      [
        "delete",
        DELETE,
        async (storage) => {
          await storage.delete("there");
        },
      ],
    ];
    const passing: readonly [name: string, fault: Fault][] = [
      ["a lost connection", "drop-before"],
      ["silence", "stall"],
      ["an error of the store", { answer: refusal(500, "InternalError") }],
      ["a busy store", { answer: refusal(503, "ServerBusy") }],
      ["a slow store", { answer: refusal(500, "OperationTimedOut") }],
      ["too many requests", { answer: { status: 429 } }],
      [
        "a gateway",
        { answer: { status: 502, body: "<html>Bad gateway</html>" } },
      ],
    ];

    for (const [name, fault] of passing) {
      it(`says that trying again may help: ${name}`, async () => {
        await (await open()).put("there", sourceOf(Buffer.from("words")));
        const asking = operations.map(async ([operation, on, run], index) => {
          const own = await startFaultyProxy(proxy.url);
          try {
            own.inject({ fault, on });
            const storage = await open(
              { endpoint: `${own.url}/${azurite.account}` },
              { stallMs: 1000 },
            );
            const error = await errorOf(run(storage, `new/${String(index)}`));
            expect(error.code, operation).to.equal("OFFSITE_UNREACHABLE");
            expect(
              own.requests(on),
              `${operation}: asking again is left to others`,
            ).to.have.length(on === BLOCK ? 4 : 1);
          } finally {
            await own.close();
          }
        });
        await Promise.all(asking);
      });
    }

    it("says so when nobody is there", async () => {
      const storage = await open({ endpoint: "http://127.0.0.1:9/takumi" });
      const error = await errorOf(storage.listPage(""));
      expect(error.code).to.equal("OFFSITE_UNREACHABLE");
      expect(error.message).to.contain("ECONNREFUSED");
    });

    it("says so when an answer breaks off, or falls silent", async () => {
      const bytes = large();
      await (await open()).put("there", sourceOf(bytes));
      const storage = await open({}, { stallMs: 200 });
      for (const fault of ["truncate", "stall-midway"] as const) {
        proxy.inject({ fault, on: GET, times: 1 });
        expect(await codeOf(read(storage, "there"))).to.equal(
          "OFFSITE_UNREACHABLE",
        );
        proxy.inject({ fault, on: LIST, times: 1 });
        expect(await codeOf(storage.listPage(""))).to.equal(
          "OFFSITE_UNREACHABLE",
        );
      }
      proxy.inject({ fault: "truncate", on: GET, times: 2 });
      const patient = new RetryingStorage(storage, {
        ...DEFAULT_PATIENCE,
        clock: { ...systemClock, sleep: () => Promise.resolve() },
      });
      expect((await read(patient, "there")).equals(bytes)).to.be.true;
    });

    it("says what Azure's refusals mean", async () => {
      const storage = await open();
      const refusals: readonly [Answer, string][] = [
        [refusal(400, "InvalidAuthenticationInfo"), "OFFSITE_DENIED"],
        [refusal(401, "NoAuthenticationInformation"), "OFFSITE_DENIED"],
        [refusal(403, "AuthorizationFailure"), "OFFSITE_DENIED"],
        [refusal(403, "AccountIsDisabled"), "OFFSITE_DENIED"],
        [
          { status: 403, body: "<html>Not through here</html>" },
          "OFFSITE_DENIED",
        ],
        [refusal(404, "ContainerNotFound"), "OFFSITE_FAILED"],
        [refusal(409, "ContainerBeingDeleted"), "OFFSITE_FAILED"],
        [refusal(409, "BlobArchived"), "OFFSITE_FAILED"],
        [refusal(400, "InvalidBlobOrBlock"), "OFFSITE_FAILED"],
        [refusal(501, "NotImplemented"), "OFFSITE_FAILED"],
        [refusal(409, "AccountLimitExceeded"), "OFFSITE_FULL"],
        [{ status: 507 }, "OFFSITE_FULL"],
        [refusal(412, "ConditionNotMet"), "OFFSITE_EXISTS"],
      ];
      await storage.put("a", sourceOf(Buffer.from("there")));
      for (const [answer, code] of refusals) {
        const retract = proxy.inject({ fault: { answer }, on: WHOLE });
        const error = await errorOf(
          storage.put("a", sourceOf(Buffer.from("words"))),
        );
        retract();
        expect(error.code, JSON.stringify(answer)).to.equal(code);
        expect(error.message).to.not.match(/undefined|RequestId|<|\n/);
        expect(error.fix).to.not.match(/undefined|\n/);
      }
    });

    it("tells a container that isn't there from an object that isn't", async () => {
      const storage = await open({ container: "nowhere" });
      for (const run of [
        async () => await storage.listPage(""),
        async () => await storage.stat("a"),
        async () => await storage.get("a"),
        async () => {
          await storage.put("a", sourceOf(Buffer.from("words")));
        },
        async () => {
          await storage.put("a", sourceOf(large()));
        },
        async () => {
          await storage.delete("a");
        },
      ]) {
        const error = await errorOf(run());
        expect(error.code).to.equal("OFFSITE_FAILED");
        expect(error.message).to.match(/no container nowhere/);
      }
    });

    it("passes errors of the source on", async () => {
      const storage = await open();
      const { open: all, ...extent } = sourceOf(Buffer.from("words"));
      const source: Source = {
        ...extent,
        open: () => all().destroy(new RangeError("the disk is gone")),
      };
      const error = await errorOf(storage.put("a", source));
      expect(error.code).to.equal("OFFSITE_FAILED");
      expect(error.message).to.contain("the disk is gone");
    });
  });

  describe("with a key that doesn't fit", () => {
    async function expectDenied(
      key: AzureTarget["key"],
      secrets: readonly string[],
      way: RegExp,
    ): Promise<void> {
      const uses: ((storage: Storage) => Promise<unknown>)[] = [
        async (storage) => await storage.listPage(""),
        async (storage) => await storage.stat("a"),
        async (storage) => {
          await storage.put("a", sourceOf(Buffer.from("words")));
        },
      ];
      for (const use of uses) {
        const error = await errorOf(open({ key }).then(use));
        expect(error.code).to.equal("OFFSITE_DENIED");
        expect(error.fix).to.match(way);
        const everything = `${error.message}${error.fix}${JSON.stringify(error)}${inspect(error, { depth: Infinity })}`;
        for (const secret of [azurite.key, ...secrets]) {
          expect(everything.includes(secret), everything).to.be.false;
        }
      }
    }
    const toSet = /AZURE_STORAGE_KEY.*`key`/;

    it("says which to set, and never what it is", async () => {
      const other = randomBytes(64).toString("base64");
      await expectDenied(
        { get: async () => await Promise.resolve(other) },
        [other],
        toSet,
      );
      const words = "correct horse battery staple";
      await expectDenied(
        { get: async () => await Promise.resolve(words) },
        [words],
        toSet,
      );
    });

    it("says so when there is none", async () => {
      const reason = "no value for the configuration variable";
      await expectDenied(
        { get: async () => await Promise.reject(new RangeError(reason)) },
        [],
        toSet,
      );
      await expectDenied(
        { get: async () => await Promise.resolve("") },
        [],
        toSet,
      );
    });

    it("takes one with a line's end", async () => {
      const key = {
        get: async () => await Promise.resolve(`${azurite.key}\n`),
      };
      expect((await (await open({ key })).listPage("")).objects).to.be.empty;
    });

    it("says so when it is the clock", async () => {
      const storage = await open();
      const answer = refusal(403, "AuthenticationFailed");
      for (const [offset, way] of [
        [-60, /clock: it is 60 minutes ahead/],
        [60, /clock: it is 60 minutes behind/],
        [0, toSet],
      ] as const) {
        const date = new Date(Date.now() + offset * 60_000).toUTCString();
        proxy.inject({
          fault: {
            answer: { ...answer, headers: { ...answer.headers, date } },
          },
          times: 1,
        });
        const error = await errorOf(storage.listPage(""));
        expect(error.code).to.equal("OFFSITE_DENIED");
        expect(error.fix).to.match(way);
      }
    });
  });

  it("says which package it needs", async () => {
    const name = "@azure/not-installed";
    const opened = open(
      {},
      { load: async () => (await import(name)) as never },
    );
    expect(await codeOf(opened)).to.equal("OFFSITE_PACKAGE_MISSING");
  });

  describe("an interrupted upload", () => {
    it("goes on where it was, wherever that is", async () => {
      const storage = await open();
      for (let arriving = 0; arriving <= BLOCKS; arriving += 1) {
        proxy.reset();
        const key = `after/${String(arriving)}`;
        const bytes = large();
        const retract = proxy.inject({
          fault: "drop-before",
          on: arriving === BLOCKS ? COMMIT : BLOCK,
          skip: arriving === BLOCKS ? 0 : arriving,
        });
        expect(await codeOf(storage.put(key, sourceOf(bytes)))).to.equal(
          "OFFSITE_UNREACHABLE",
        );
        expect(await storage.stat(key)).to.be.undefined;
        const arrived = blockIds().slice(0, arriving);
        retract();
        proxy.reset();
        const progress: number[] = [];
        await storage.put(key, sourceOf(bytes), {
          onProgress: (sizeBytes) => progress.push(sizeBytes),
        });
        const sent = blockIds();
        expect(new Set([...arrived, ...sent])).to.have.property("size", BLOCKS);
        expect(sent).to.have.length(BLOCKS - arriving);
        expect(progress).to.have.length(BLOCKS);
        expect(progress.at(-1)).to.equal(bytes.length);
        expect((await read(storage, key)).equals(bytes)).to.be.true;
      }
    });

    it("can be called off where there is nothing to send", async () => {
      const storage = await open();
      const source = sourceOf(large());
      proxy.inject({ fault: "drop-before", on: COMMIT, times: 1 });
      expect(await codeOf(storage.put("a", source))).to.equal(
        "OFFSITE_UNREACHABLE",
      );
      const controller = new AbortController();
      const progress: number[] = [];
      const put = storage.put("a", source, {
        signal: controller.signal,
        onProgress: (sizeBytes) => {
          progress.push(sizeBytes);
          controller.abort(new DrError("INTERRUPTED", {}));
        },
      });
      expect(await codeOf(put)).to.equal("INTERRUPTED");
      expect(progress).to.deep.equal([BLOCK_BYTES]);
      expect(blockIds()).to.have.length(BLOCKS);
    });

    it("sends no block again of which only the answer was lost", async () => {
      const storage = await open();
      const bytes = large();
      proxy.inject({ fault: "drop-after", on: BLOCK, skip: 2, times: 1 });
      expect(await codeOf(storage.put("a", sourceOf(bytes)))).to.equal(
        "OFFSITE_UNREACHABLE",
      );
      await storage.put("a", sourceOf(bytes));
      expect(blockIds()).to.have.length(BLOCKS);
      expect((await read(storage, "a")).equals(bytes)).to.be.true;
    });

    it("keeps only blocks of the same content", async () => {
      const storage = await open();
      const first = large();
      proxy.inject({ fault: "drop-before", on: COMMIT, times: 1 });
      expect(await codeOf(storage.put("a", sourceOf(first)))).to.equal(
        "OFFSITE_UNREACHABLE",
      );
      const second = Buffer.from(first);
      second.writeUInt8(second.readUInt8(0) ^ 1, 0);
      second.subarray(-1).fill(second.readUInt8(second.length - 1) ^ 1);
      proxy.reset();
      await storage.put("a", sourceOf(second));
      expect(blockIds()).to.have.length(2);
      expect((await read(storage, "a")).equals(second)).to.be.true;
    });

    it("has at most four blocks on the way, and in memory", async () => {
      const storage = await open();
      const { open: all, ...extent } = sourceOf(large());
      let readBytes = 0;
      const source: Source = {
        ...extent,
        open: () =>
          all().on("data", (chunk: Buffer) => {
            readBytes += chunk.length;
          }),
      };
      const controller = new AbortController();
      proxy.inject({ fault: "stall", on: BLOCK });
      const put = codeOf(
        storage.put("a", source, { signal: controller.signal }),
      );
      while (proxy.requests(BLOCK).length < 4) {
        await sleep(10);
      }
      await sleep(50);
      controller.abort(new DrError("INTERRUPTED", {}));
      expect(await put).to.equal("INTERRUPTED");
      expect(proxy.requests(BLOCK)).to.have.length(4);
      expect(readBytes).to.be.below(6 * BLOCK_BYTES);
    });
  });

  describe("when an answer is lost", () => {
    it("finds what has arrived all the same", async () => {
      const storage = await open();
      for (const [key, bytes, on] of [
        ["small", Buffer.from("words"), WHOLE],
        ["large", large(), COMMIT],
      ] as const) {
        proxy.inject({ fault: "drop-after", on, times: 1 });
        await storage.put(key, sourceOf(bytes));
        expect(proxy.requests(on)).to.have.length(1);
        expect((await read(storage, key)).equals(bytes)).to.be.true;
      }
    });

    it("takes nobody else's object for its own", async () => {
      const storage = await open();
      await storage.put("a", sourceOf(Buffer.from("other")));
      proxy.inject({ fault: "drop-before", on: WHOLE, times: 1 });
      expect(
        await codeOf(storage.put("a", sourceOf(Buffer.from("words")))),
      ).to.equal("OFFSITE_UNREACHABLE");
    });

    it("leaves it to the next attempt when that can't be asked either", async () => {
      const storage = await open();
      const patient = new RetryingStorage(storage, {
        ...DEFAULT_PATIENCE,
        clock: { ...systemClock, sleep: () => Promise.resolve() },
      });
      proxy.inject({ fault: "drop-after", on: WHOLE, times: 1 });
      proxy.inject({ fault: "drop-before", on: HEAD, times: 1 });
      await patient.put("a", sourceOf(Buffer.from("words")));
      expect(proxy.requests(WHOLE)).to.have.length(2);
      expect((await read(storage, "a")).toString()).to.equal("words");
    });
  });

  describe("bytes that change on the way", () => {
    it("are refused by the store, and sent again", async () => {
      const storage = await open();
      for (const [bytes, on, reason] of [
        [Buffer.from("words"), WHOLE, "Md5Mismatch"],
        [large(), BLOCK, "Crc64Mismatch"],
      ] as const) {
        const key = String(bytes.length);
        proxy.inject({ fault: "corrupt-request", on, times: 1 });
        const error = await errorOf(storage.put(key, sourceOf(bytes)));
        expect(error.code).to.equal("OFFSITE_UNREACHABLE");
        expect(error.message).to.contain(reason);
        expect(await storage.stat(key)).to.be.undefined;
        await storage.put(key, sourceOf(bytes));
        expect((await read(storage, key)).equals(bytes)).to.be.true;
      }
    });

    it("are noticed when they are read", async () => {
      const storage = await open();
      for (const [key, bytes] of [
        ["small", Buffer.from("words")],
        ["large", large()],
      ] as const) {
        await storage.put(key, sourceOf(bytes));
        proxy.inject({ fault: "corrupt-response", on: GET, times: 1 });
        expect(await codeOf(read(storage, key))).to.equal("OFFSITE_DAMAGED");
      }
    });

    it("are taken away again when the store has kept them", async () => {
      const storage = await open();
      const md5 = randomBytes(16).toString("base64");
      for (const bytes of [Buffer.from("words"), large()]) {
        proxy.inject({
          fault: { amended: { "content-md5": md5 } },
          on: HEAD,
          skip: bytes.length > BLOCK_BYTES ? 1 : 0,
          times: 1,
        });
        expect(await codeOf(storage.put("a", sourceOf(bytes)))).to.equal(
          "OFFSITE_DAMAGED",
        );
        expect(await storage.stat("a")).to.be.undefined;
      }
    });

    it("aren't taken away when they may be somebody else's", async () => {
      const storage = await open();
      await storage.put("a", sourceOf(Buffer.from("other")));
      // As if it were written, and replaced since.
      proxy.inject({ fault: { answer: { status: 201 } }, on: WHOLE });
      expect(
        await codeOf(storage.put("a", sourceOf(Buffer.from("words")))),
      ).to.equal("OFFSITE_DAMAGED");
      const headers = { etag: '"0x8D"' };
      proxy.reset();
      proxy.inject({ fault: { answer: { status: 201, headers } }, on: WHOLE });
      expect(
        await codeOf(storage.put("a", sourceOf(Buffer.from("words")))),
      ).to.equal("OFFSITE_DAMAGED");
      expect((await read(storage, "a")).toString()).to.equal("other");
    });
  });

  it("ends when it is called off, whatever it waits for", async () => {
    const storage = await open();
    for (const [bytes, on] of [
      [Buffer.from("words"), WHOLE],
      [large(), HEAD],
      [large(), BLOCKS_KEPT],
      [large(), BLOCK],
      [large(), COMMIT],
    ] as const) {
      proxy.reset();
      proxy.inject({ fault: "stall", on });
      const controller = new AbortController();
      const { signal } = controller;
      const reason = new RangeError("somebody has thought better of it");
      const put = reasonOf(storage.put("a", sourceOf(bytes), { signal }));
      while (proxy.requests(on).length === 0) {
        await sleep(5);
      }
      controller.abort(reason);
      expect(await put, String(on)).to.equal(reason);
      proxy.reset();
      expect(
        await reasonOf(storage.put("a", sourceOf(bytes), { signal })),
      ).to.equal(reason);
      expect(proxy.requests(), "it was called off before").to.be.empty;
    }
    expect(await storage.stat("a")).to.be.undefined;
  });

  describe("what is there", () => {
    it("is found out before anything large is sent", async () => {
      const storage = await open();
      const bytes = large();
      await storage.put("a", sourceOf(bytes));
      proxy.reset();
      expect(await codeOf(storage.put("a", sourceOf(bytes)))).to.equal(
        "OFFSITE_EXISTS",
      );
      expect(proxy.requests()).to.have.length(1);
    });

    it("is of one of two who write something large at once", async () => {
      const [one, other] = await Promise.all([open(), open()]);
      const bytes = [large(), large()];
      const results = await Promise.all(
        [one, other].map(
          async (storage, index) =>
            await codeOf(storage.put("a", sourceOf(bytes[index]!))),
        ),
      );
      expect(results.filter((code) => code === "none")).to.have.length(1);
      const kept = await read(one, "a");
      expect(kept.equals(bytes[results.indexOf("none")]!)).to.be.true;
      const loser = [one, other][results[0] === "none" ? 1 : 0]!;
      expect(await codeOf(loser.put("a", sourceOf(large())))).to.equal(
        "OFFSITE_EXISTS",
      );
    });
  });

  /** Azurite has no immutability: what Azure would say of it is amended here. */
  describe("an object that is locked", () => {
    const NOW = new Date("2026-01-01T00:00:00Z");
    const clock: Clock = { ...systemClock, now: () => NOW };
    const until = new Date("2126-01-31T00:00:00Z");
    const locked = {
      "x-ms-immutability-policy-until-date": until.toUTCString(),
      "x-ms-immutability-policy-mode": "locked",
    };

    it("is sent with its policy, and the mode is seen to", async () => {
      const storage = await open(
        { immutability: { mode: "locked", days: 30 } },
        { clock },
      );
      expect(storage.capabilities.locks).to.be.true;
      proxy.inject({ fault: { answer: { status: 200 } }, on: LOCK });
      for (const [key, bytes, on] of [
        ["small", Buffer.from("words"), WHOLE],
        ["large", large(), COMMIT],
      ] as const) {
        await storage.put(key, sourceOf(bytes));
        const [sent, lock] = [
          proxy.requests(on)[0],
          proxy.requests(LOCK).at(-1),
        ];
        for (const { headers } of [sent!, lock!]) {
          expect(headers["x-ms-immutability-policy-until-date"]).to.equal(
            "Sat, 31 Jan 2026 00:00:00 GMT",
          );
          expect(headers["x-ms-immutability-policy-mode"]).to.equal("Locked");
        }
      }
      expect(proxy.requests(LOCK)).to.have.length(2);
      proxy.reset();
      proxy.inject({ fault: { amended: locked }, on: HEAD });
      await storage.put("b", sourceOf(Buffer.from("words")));
      expect(proxy.requests(LOCK)).to.have.length(0);
    });

    it("is locked by the next attempt when only that has failed", async () => {
      const storage = await open({ immutability: { mode: "locked", days: 1 } });
      for (const [key, bytes] of [
        ["small", Buffer.from("words")],
        ["large", large()],
      ] as const) {
        proxy.reset();
        proxy.inject({ fault: "drop-before", on: LOCK, times: 1 });
        expect(await codeOf(storage.put(key, sourceOf(bytes)))).to.equal(
          "OFFSITE_UNREACHABLE",
        );
        proxy.inject({ fault: { answer: { status: 200 } }, on: LOCK });
        expect(await codeOf(storage.put(key, sourceOf(bytes)))).to.equal(
          "OFFSITE_EXISTS",
        );
        expect(proxy.requests(LOCK)).to.have.length(2);
        const other = sourceOf(randomBytes(bytes.length));
        expect(await codeOf(storage.put(key, other))).to.equal(
          "OFFSITE_EXISTS",
        );
        expect(
          proxy.requests(LOCK),
          "what is somebody else's is left alone",
        ).to.have.length(2);
      }
    });

    it("is never locked less than it is", async () => {
      const storage = await open({
        immutability: { mode: "unlocked", days: 1 },
      });
      proxy.inject({ fault: { answer: { status: 200 } }, on: LOCK });
      for (const [mode, locks] of [
        ["locked", 0],
        ["unlocked", 0],
        ["none", 1],
      ] as const) {
        const amended = { "x-ms-immutability-policy-mode": mode };
        const retract = proxy.inject({ fault: { amended }, on: HEAD });
        await storage.put(mode, sourceOf(Buffer.from("words")));
        retract();
        expect(proxy.requests(LOCK), mode).to.have.length(locks);
      }
      const { headers } = proxy.requests(LOCK)[0]!;
      expect(headers["x-ms-immutability-policy-mode"]).to.equal("Unlocked");
    });

    it("isn't called safe when the store doesn't lock it", async () => {
      const storage = await open({ immutability: { mode: "locked", days: 1 } });
      expect(
        await codeOf(storage.put("a", sourceOf(Buffer.from("words")))),
      ).to.equal("OFFSITE_FAILED");
    });

    it("says until when, and isn't deleted", async () => {
      const storage = await open();
      await storage.put("a", sourceOf(Buffer.from("words")));
      const retract = proxy.inject({ fault: { amended: locked }, on: HEAD });
      expect((await storage.stat("a"))?.lockedUntil).to.deep.equal(until);
      const error = await errorOf(storage.delete("a"));
      expect(error.code).to.equal("OFFSITE_LOCKED");
      expect(error.message).to.contain("2126-01-31T00:00:00.000Z");
      expect(proxy.requests(DELETE)).to.have.length(0);
      retract();
      const date = new Date(until.getTime() + 1000).toUTCString();
      proxy.inject({ fault: { amended: { ...locked, date } }, on: HEAD });
      await storage.delete("a");
      expect(proxy.requests(DELETE)).to.have.length(1);
    });

    it("says so of a legal hold, and of what only the store knows", async () => {
      const storage = await open();
      await storage.put("a", sourceOf(Buffer.from("words")));
      const held = { "x-ms-legal-hold": "true" };
      proxy.inject({ fault: { amended: held }, on: HEAD, times: 1 });
      expect(await codeOf(storage.delete("a"))).to.equal("OFFSITE_LOCKED");
      for (const code of [
        "BlobImmutableDueToPolicy",
        "BlobImmutableDueToLegalHold",
      ]) {
        const answer = refusal(409, code);
        proxy.inject({ fault: { answer }, on: DELETE, times: 1 });
        expect(await codeOf(storage.delete("a"))).to.equal("OFFSITE_LOCKED");
        proxy.inject({ fault: { answer }, on: WHOLE, times: 1 });
        expect(
          await codeOf(storage.put("a", sourceOf(Buffer.from("more")))),
        ).to.equal("OFFSITE_EXISTS");
      }
      expect((await read(storage, "a")).toString()).to.equal("words");
    });
  });
});
