import { expect } from "chai";

import type { Fingerprint } from "../../src/database/fingerprint.js";
import { tellRestored } from "../../src/display/database-restore.js";

describe("what is told of a restored database", () => {
  it("claims no more than what was compared", () => {
    expect(tellRestored({ fingerprint: {} as Fingerprint }, "app")).to.equal(
      "app is what was backed up",
    );
    expect(tellRestored({}, "app")).to.equal(
      "app is restored, with nothing to compare it with",
    );
  });
});
