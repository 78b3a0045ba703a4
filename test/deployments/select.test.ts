import { expect } from "chai";

import type { DeployFile } from "../../src/deployments/deploy-file.js";
import { editDistance, findClosest } from "../../src/deployments/closest.js";
import { findContract, selectContracts } from "../../src/deployments/select.js";
import { codeOf, refusalOf } from "./refusal.js";
import { sampleRecord } from "./sample-file.js";

const record = sampleRecord();
const file: DeployFile = {
  schemaVersion: 1,
  chainId: 1,
  contracts: { SkillProfile: record, Endorsement: record, Claim: record },
};

describe("findContract", () => {
  it("finds by name", () => {
    expect(findContract(file, "Claim")).to.equal(record);
  });

  it("asks whether another name was meant", async () => {
    const error = await refusalOf(() => findContract(file, "Skilprofile"));
    expect(error.code).to.equal("CONTRACT_UNKNOWN");
    expect(error.message).to.contain("Did you mean SkillProfile?");
  });

  it("doesn't guess when nothing is near", async () => {
    const error = await refusalOf(() => findContract(file, "Treasury"));
    expect(error.message).not.to.contain("Did you mean");
    expect(error.fix).to.contain("SkillProfile, Endorsement, Claim");
  });

  it("knows no contract that only JavaScript's objects have", async () => {
    for (const name of ["constructor", "__proto__", "toString"]) {
      expect(await codeOf(() => findContract(file, name))).to.equal(
        "CONTRACT_UNKNOWN",
      );
    }
  });
});

describe("selectContracts", () => {
  const names = (chosen: readonly { readonly name: string }[]): string[] =>
    chosen.map(({ name }) => name);

  it("takes those named, each once, in that order", () => {
    const chosen = selectContracts(
      file,
      ["Claim", "SkillProfile", "Claim"],
      false,
    );
    expect(names(chosen)).to.deep.equal(["Claim", "SkillProfile"]);
  });

  it("takes all in the file's order", () => {
    expect(names(selectContracts(file, [], true))).to.deep.equal(
      Object.keys(file.contracts),
    );
  });

  it("refuses when none is named", async () => {
    expect(await codeOf(() => selectContracts(file, [], false))).to.equal(
      "NO_CONTRACTS_NAMED",
    );
  });

  it("refuses names beside --all", async () => {
    expect(await codeOf(() => selectContracts(file, ["Claim"], true))).to.equal(
      "NAMES_AND_ALL",
    );
  });

  it("refuses an unknown name among known ones", async () => {
    expect(
      await codeOf(() => selectContracts(file, ["Claim", "Clam"], false)),
    ).to.equal("CONTRACT_UNKNOWN");
  });
});

describe("findClosest", () => {
  it("counts insertions, deletions and replacements", () => {
    expect(editDistance("kitten", "sitting")).to.equal(3);
    expect(editDistance("", "abc")).to.equal(3);
    expect(editDistance("abc", "abc")).to.equal(0);
  });

  it("takes the nearest", () => {
    expect(findClosest("Vaul", ["Vaults", "Vault"])).to.equal("Vault");
  });
});
