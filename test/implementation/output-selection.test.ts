import { expect } from "chai";

import { withRecoveryOutputs } from "../../src/implementation/output-selection.js";

describe("withRecoveryOutputs", () => {
  it("asks for layouts, metadata and ASTs of everything", () => {
    expect(withRecoveryOutputs()).to.deep.equal({
      "*": { "*": ["storageLayout", "metadata"], "": ["ast"] },
    });
  });

  it("keeps what was asked for, and asks for nothing twice", () => {
    const selection = {
      "*": {
        "*": ["abi", "storageLayout", "metadata"],
        "": ["ast"],
        Token: ["ir"],
      },
      "contracts/A.sol": { A: ["metadata"] },
    };
    const before = structuredClone(selection);
    expect(withRecoveryOutputs(selection)).to.deep.equal(before);
    expect(selection).to.deep.equal(before);
  });

  it("leaves the given selection alone", () => {
    const selection = { "*": { "*": ["abi"] } };
    expect(withRecoveryOutputs(selection)["*"]?.["*"]).to.deep.equal([
      "abi",
      "storageLayout",
      "metadata",
    ]);
    expect(selection).to.deep.equal({ "*": { "*": ["abi"] } });
  });
});
