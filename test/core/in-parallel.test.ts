import { expect } from "chai";

import { inParallel } from "../../src/core/in-parallel.js";

/** Work that ends when the test says so. */
function manualWork() {
  const begun: number[] = [];
  const ends = new Map<number, (error?: Error) => void>();
  return {
    begun,
    ends,
    work: async (item: number): Promise<void> => {
      begun.push(item);
      await new Promise<void>((resolve, reject) => {
        ends.set(item, (error) => {
          (error === undefined ? resolve : reject)(error as never);
        });
      });
    },
  };
}

async function* numbers(
  count: number,
  asked: number[] = [],
): AsyncGenerator<number> {
  for (let number = 0; number < count; number += 1) {
    asked.push(number);
    yield await Promise.resolve(number);
  }
}

/** All that can happen without anything coming from outside has happened. */
async function settle(): Promise<void> {
  await new Promise(setImmediate);
}

describe("work in parallel", () => {
  it("asks for no more than it has room for", async () => {
    const { begun, ends, work } = manualWork();
    const asked: number[] = [];
    const done = inParallel(numbers(5, asked), 2, work);
    await settle();
    expect([begun, asked]).to.deep.equal([
      [0, 1],
      [0, 1],
    ]);
    ends.get(1)!();
    await settle();
    expect([begun, asked]).to.deep.equal([
      [0, 1, 2],
      [0, 1, 2],
    ]);
    for (const item of [0, 2, 3, 4]) {
      ends.get(item)!();
      await settle();
    }
    await done;
    expect(begun).to.deep.equal([0, 1, 2, 3, 4]);
  });

  it("begins nothing after a failure, and waits for what has begun", async () => {
    const { begun, ends, work } = manualWork();
    const failure = new RangeError("first");
    let outcome: unknown;
    void inParallel(numbers(5), 2, work).catch((error: unknown) => {
      outcome = error;
    });
    await settle();
    ends.get(0)!(failure);
    await settle();
    expect(outcome).to.be.undefined;
    ends.get(1)!(new RangeError("second"));
    await settle();
    expect(outcome).to.equal(failure);
    expect(begun).to.deep.equal([0, 1]);
  });

  it("waits for what has begun when nothing more comes", async () => {
    const { ends, work } = manualWork();
    const failure = new RangeError("source");
    let outcome: unknown;
    const failing = async function* (): AsyncGenerator<number> {
      yield* numbers(1);
      throw failure;
    };
    void inParallel(failing(), 2, work).catch((error: unknown) => {
      outcome = error;
    });
    await settle();
    expect(outcome).to.be.undefined;
    ends.get(0)!();
    await settle();
    expect(outcome).to.equal(failure);
  });
});
