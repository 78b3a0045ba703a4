import { randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";

import { expect } from "chai";

import type { Clock } from "../../src/core/clock.js";
import { DrError } from "../../src/core/errors.js";
import { DryRunStorage } from "../../src/offsite/dry-run.js";
import { textSource } from "../../src/offsite/file-source.js";
import {
  DEFAULT_PATIENCE,
  RetryingStorage,
} from "../../src/offsite/retrying.js";
import { Throttle } from "../../src/offsite/throttle.js";
import { codeOf, describeStorage, sourceOf } from "./describe-storage.js";
import { MemoryStorage } from "./memory-storage.js";

/** Time passes only when somebody sleeps. */
function manualClock(): Clock & { readonly slept: number[] } {
  const slept: number[] = [];
  let now = 0;
  return {
    slept,
    now: () => new Date(now),
    sleep: async (milliseconds, signal) => {
      signal?.throwIfAborted();
      slept.push(milliseconds);
      now += milliseconds;
      await Promise.resolve();
    },
  };
}

describe("a storage that is asked again", () => {
  let inner: MemoryStorage;
  let clock: ReturnType<typeof manualClock>;
  let storage: RetryingStorage;

  beforeEach(() => {
    inner = new MemoryStorage();
    clock = manualClock();
    storage = new RetryingStorage(inner, {
      ...DEFAULT_PATIENCE,
      clock,
      random: () => 1,
    });
  });

  it("waits longer each time, and gives up", async () => {
    inner.fail("stat", "unreachable", 7);
    expect(await codeOf(storage.stat("a"))).to.equal("OFFSITE_UNREACHABLE");
    expect(clock.slept).to.deep.equal([1000, 2000, 4000, 8000, 16000, 32000]);
    expect(inner.calls).to.have.length(7);
  });

  it("waits a part of that by chance", async () => {
    const waits = [0, 0.5];
    const jittered = new RetryingStorage(inner, {
      ...DEFAULT_PATIENCE,
      clock,
      random: () => waits.shift()!,
    });
    inner.fail("list", "unreachable", 2);
    expect((await jittered.listPage("")).objects).to.deep.equal([]);
    expect(clock.slept).to.deep.equal([0, 1000]);
  });

  it("asks again for nothing that will stay refused", async () => {
    inner.fail("put", "denied");
    expect(await codeOf(storage.put("a", textSource("words")))).to.equal(
      "OFFSITE_DENIED",
    );
    expect(await codeOf(storage.get("a"))).to.equal("OFFSITE_MISSING");
    expect(inner.calls).to.deep.equal(["put a", "get a"]);
    expect(clock.slept).to.deep.equal([]);
  });

  it("finds what a lost answer left behind", async () => {
    inner.fail("put", "lost");
    await storage.put("a", textSource("words"));
    expect(inner.calls).to.deep.equal(["put a", "put a", "stat a"]);
  });

  it("is as patient again with an upload that goes on", async () => {
    const put = inner.put.bind(inner);
    let attempts = 0;
    inner.put = async (key, source, options) => {
      attempts += 1;
      options?.onProgress?.(Math.min(attempts, 20));
      inner.fail("put", attempts < 30 ? "unreachable" : "lost");
      await put(key, source);
    };
    expect(await codeOf(storage.put("a", textSource("words")))).to.equal(
      "OFFSITE_UNREACHABLE",
    );
    // Twenty got further each, and then seven didn't.
    expect(attempts).to.equal(20 + 6);
  });

  it("takes nobody else's object for its own", async () => {
    await inner.put("a", textSource("other"));
    inner.fail("put", "unreachable");
    expect(await codeOf(storage.put("a", textSource("words")))).to.equal(
      "OFFSITE_EXISTS",
    );
    expect(
      await codeOf(storage.put("a", textSource("other"))),
      "not ours at the first attempt either",
    ).to.equal("OFFSITE_EXISTS");
  });

  it("goes on with a stream where it broke off", async () => {
    const bytes = randomBytes(1000);
    await inner.put("a", sourceOf(bytes));
    inner.fail("get", "cut", 4);
    inner.fail("get", "unreachable", 1);
    expect((await buffer(await storage.get("a"))).equals(bytes)).to.be.true;
    inner.fail("get", "cut", 2);
    const part = await buffer(await storage.get("a", { start: 5, end: 500 }));
    expect(part.equals(bytes.subarray(5, 500))).to.be.true;
  });

  it("gives a stream up that stays broken", async () => {
    await inner.put("a", textSource(""));
    inner.fail("get", "cut", 20);
    const empty = storage.get("a").then(buffer);
    expect(await codeOf(empty)).to.equal("none");
    await inner.put("b", textSource("words"));
    inner.faults.length = 0;
    inner.fail("get", "cut", 1);
    inner.fail("get", "unreachable", 20);
    expect(await codeOf(storage.get("b").then(buffer))).to.equal(
      "OFFSITE_UNREACHABLE",
    );
  });

  it("deletes again", async () => {
    await inner.put("a", textSource("words"));
    inner.fail("delete", "lost");
    await storage.delete("a");
    expect(inner.objects.size).to.equal(0);
  });

  it("stops waiting when it is called off", async () => {
    const controller = new AbortController();
    const patient = new RetryingStorage(inner, {
      ...DEFAULT_PATIENCE,
      clock,
      signal: controller.signal,
    });
    inner.fail("stat", "unreachable", 3);
    controller.abort(new DrError("INTERRUPTED", {}));
    expect(await codeOf(patient.stat("a"))).to.equal("INTERRUPTED");
  });

  describe("is a storage", () => {
    describeStorage(() => {
      const shared = new MemoryStorage();
      return {
        largeBytes: 300_000,
        open: async ({ pageSize } = {}) => {
          shared.pageSize = pageSize ?? 1000;
          return await Promise.resolve(
            new RetryingStorage(shared, { ...DEFAULT_PATIENCE, clock }),
          );
        },
      };
    });
  });
});

describe("a storage for dry runs", () => {
  it("writes nothing, and remembers what it would have", async () => {
    const inner = new MemoryStorage();
    await inner.put("there", textSource("words"));
    const dry = new DryRunStorage(inner);
    const source = textSource("more");
    await dry.put("new", source);
    expect((await dry.stat("new"))?.sha256).to.equal(source.sha256);
    expect(await codeOf(dry.put("new", source))).to.equal("OFFSITE_EXISTS");
    expect(await codeOf(dry.put("there", source))).to.equal("OFFSITE_EXISTS");
    await dry.delete("there");
    expect(await dry.stat("there")).to.be.undefined;
    await dry.put("there", source);
    expect([...inner.objects.keys()]).to.deep.equal(["there"]);
    expect(inner.calls.filter((call) => /put|delete/.test(call))).to.deep.equal(
      ["put there"],
    );
  });

  it("refuses what a lock refuses", async () => {
    const inner = new MemoryStorage();
    await inner.put("there", textSource("words"));
    inner.lock("there", new Date(Date.now() + 60_000));
    expect(await codeOf(new DryRunStorage(inner).delete("there"))).to.equal(
      "OFFSITE_LOCKED",
    );
  });
});

describe("a bandwidth limit", () => {
  it("is kept by all uploads together", async () => {
    const clock = manualClock();
    const throttle = new Throttle(1_000_000, clock);
    const bytes = randomBytes(1_000_000);
    const [one, other] = [1, 2].map(() => throttle.slow(sourceOf(bytes)));
    await Promise.all([buffer(one!.open()), buffer(other!.open())]);
    const milliseconds = clock.now().getTime();
    expect(milliseconds).to.be.within(1850, 2000);
    const part = await buffer(one!.open({ start: 5, end: 10 }));
    expect(part.equals(bytes.subarray(5, 10))).to.be.true;
  });
});
