import { setTimeout as sleep } from "node:timers/promises";

import { expect } from "chai";

import { Turns } from "../../../src/route/direct/turns.js";

const [FIRST, SECOND] = [
  "0x5FbDB2315678afecb367f032d93F642f64180aa3",
  "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
] as const;

describe("turns", () => {
  it("come one after the other for an account, whatever becomes of the one before", async () => {
    const turns = new Turns();
    const happened: string[] = [];
    const work = (name: string, milliseconds: number) => async () => {
      happened.push(`${name} begins`);
      await sleep(milliseconds);
      happened.push(`${name} ends`);
      if (name === "second") {
        throw new Error(name);
      }
      return name;
    };
    const results = await Promise.allSettled([
      turns.take(FIRST, work("first", 20)),
      turns.take(FIRST, work("second", 5)),
      turns.take(FIRST, work("third", 1)),
    ]);
    expect(happened).to.deep.equal(
      ["first", "second", "third"].flatMap((name) => [
        `${name} begins`,
        `${name} ends`,
      ]),
    );
    expect(results.map(({ status }) => status)).to.deep.equal([
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
  });

  it("don't hold another account", async () => {
    const turns = new Turns();
    const { promise: first, resolve: end } = Promise.withResolvers<number>();
    const held = turns.take(FIRST, async () => await first);
    expect(await turns.take(SECOND, () => Promise.resolve(7))).to.equal(7);
    end(8);
    expect(await held).to.equal(8);
  });
});
