import { expect } from "chai";

import { formatAge } from "../../src/core/duration.js";

describe("the age of something", () => {
  const NOW = new Date("2024-01-15T14:00:00Z");

  for (const [at, age] of [
    ["2024-01-13T11:00:00Z", "2 days 3 hours"],
    ["2024-01-15T13:59:23Z", "37 seconds"],
    ["2024-01-15T14:00:00Z", "0 seconds"],
    ["2024-01-15T14:05:00Z", "in 5 minutes"],
  ] as const) {
    it(`${at} is ${age}`, () => {
      expect(formatAge(new Date(at), NOW)).to.equal(age);
    });
  }
});
