import { expect } from "chai";

import type { Address, Hex } from "../../src/core/hex.js";
import { IMPLEMENTATION_SLOT } from "../../src/proxy/slots.js";
import { isExpectedMove } from "../../src/rehearsal/expectation.js";

const address = (digit: string): Address => `0x${digit.repeat(40)}`;
const PROXY = address("1");
const BEACON = address("2");
const BEHIND = address("3");
const FROM = address("4");
const TO = address("5");
const OTHER = address("6");

function holding(implementation: Address, rest = "0"): Hex {
  return `0x${rest.padStart(24, "0")}${implementation.slice(2)}`;
}

describe("what a plan is expected to write", () => {
  const expectation = {
    contracts: [
      {
        name: "A",
        proxy: PROXY,
        move: { from: FROM, to: TO },
        pauses: false,
        pausesWithUpgrade: false,
      },
      {
        name: "B",
        proxy: BEHIND,
        beacon: BEACON,
        move: { from: FROM, to: TO },
        pauses: false,
        pausesWithUpgrade: false,
      },
    ],
    created: [],
    books: [],
  };
  const cases: [string, Address, Hex, Hex, Hex, boolean][] = [
    [
      "the new implementation in its slot",
      PROXY,
      IMPLEMENTATION_SLOT,
      holding(FROM),
      holding(TO),
      true,
    ],
    [
      "another implementation",
      PROXY,
      IMPLEMENTATION_SLOT,
      holding(FROM),
      holding(OTHER),
      false,
    ],
    [
      "one that comes from elsewhere",
      PROXY,
      IMPLEMENTATION_SLOT,
      holding(OTHER),
      holding(TO),
      false,
    ],
    ["another slot", PROXY, "0x01", holding(FROM), holding(TO), false],
    [
      "another proxy",
      OTHER,
      IMPLEMENTATION_SLOT,
      holding(FROM),
      holding(TO),
      false,
    ],
    ["any slot of a beacon", BEACON, "0x01", holding(FROM), holding(TO), true],
    [
      "a proxy that stands behind the beacon",
      BEHIND,
      IMPLEMENTATION_SLOT,
      holding(FROM),
      holding(TO),
      false,
    ],
    [
      "what else the word holds",
      BEACON,
      "0x01",
      holding(FROM, "1"),
      holding(TO, "2"),
      false,
    ],
  ];
  for (const [title, account, slot, before, after, expected] of cases) {
    it(`${expected ? "is" : "isn't"} ${title}`, () => {
      expect(
        isExpectedMove(expectation, account, { slot, before, after }),
      ).to.equal(expected);
    });
  }
});
