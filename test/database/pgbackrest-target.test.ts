import { expect } from "chai";

import type { ArchiveRange } from "../../src/database/pgbackrest/archive-range.js";
import { requireReachable } from "../../src/database/pgbackrest/target.js";

const LAST = "2026-01-15T14:00:00.000Z";
const RANGE: ArchiveRange = {
  timeline: 1,
  ancestors: [],
  segmentBytes: 16_777_216n,
  last: {
    timeline: 1,
    start: 0x1000000n,
    name: "000000010000000000000001",
    at: new Date(LAST),
  },
};

describe("a moment to restore a server to", () => {
  const now = new Date("2026-01-15T15:00:00.000Z");
  const asOf = (time: string, lsn?: string) => () => {
    requireReachable({ kind: "time", time: new Date(time) }, RANGE, {
      now,
      ...(lsn === undefined ? {} : { lsn }),
    });
  };

  it("may be in the second that the last was archived in, which nobody knows more exactly", () => {
    expect(asOf("2026-01-15T14:00:00.999Z")).not.to.throw();
    expect(asOf("2026-01-15T14:00:01.000Z")).to.throw(
      "the last that is archived, 000000010000000000000001, is from 2026-01-15T14:00:00.000Z",
    );
  });

  it("may be later where the server runs, but not in the future", () => {
    expect(asOf("2026-01-15T14:30:00.000Z", "0/3000000")).not.to.throw();
    expect(asOf("2026-01-15T15:00:00.001Z", "0/3000000")).to.throw(
      "it is 2026-01-15T15:00:00.000Z now",
    );
  });
});
