import { expect } from "chai";

import { withStorageLayout } from "../../src/implementation/output-selection.js";

describe("withStorageLayout", () => {
  it("asks for layouts and ASTs of everything", () => {
    expect(withStorageLayout()).to.deep.equal({
      "*": { "*": ["storageLayout"], "": ["ast"] },
    });
  });

  it("keeps what was asked for, and asks for nothing twice", () => {
    const selection = {
      "*": { "*": ["abi", "storageLayout"], "": ["ast"], Token: ["ir"] },
      "contracts/A.sol": { A: ["metadata"] },
    };
    const before = structuredClone(selection);
    expect(withStorageLayout(selection)).to.deep.equal(before);
    expect(selection).to.deep.equal(before);
  });

  it("leaves the given selection alone", () => {
    const selection = { "*": { "*": ["abi"] } };
    expect(withStorageLayout(selection)["*"]?.["*"]).to.deep.equal([
      "abi",
      "storageLayout",
    ]);
    expect(selection).to.deep.equal({ "*": { "*": ["abi"] } });
  });
});
