import { expect } from "chai";

import type { DrUserConfig } from "../../src/config/types.js";
import { resolveDrConfig } from "../../src/config/resolve.js";
import { validateDrConfig } from "../../src/config/validate.js";

/** None of these holds a variable of Hardhat's. */
const resolve = (section: DrUserConfig) =>
  resolveDrConfig(section, "/project", () => expect.fail("a variable"), {});

const ADDRESS = "0x9641d764fc13c8B624c04430C7356C1C7C8102e2";

describe("dr.safeContracts", () => {
  it("are two addresses, each of which may be left out", () => {
    for (const safeContracts of [
      {},
      { multiSend: ADDRESS },
      { multiSend: ADDRESS, multiSendCallOnly: ADDRESS },
    ]) {
      expect(validateDrConfig({ safeContracts })).to.deep.equal([]);
      expect(resolve({ safeContracts }).safeContracts).to.deep.equal(
        safeContracts,
      );
    }
    expect(resolve({}).safeContracts).to.deep.equal({});
  });

  it("are nothing else", () => {
    const problems = validateDrConfig({
      safeContracts: { multiSend: "0x12", multiSendCallOnly: "a", other: "" },
    });
    expect(problems.map(({ path }) => path.join("."))).to.deep.equal([
      "dr.safeContracts.multiSend",
      "dr.safeContracts.multiSendCallOnly",
      "dr.safeContracts.other",
    ]);
  });
});

describe("dr.safeService", () => {
  it("is a URL and a secret, each of which may be left out", () => {
    for (const safeService of [
      {},
      { url: "https://safe.example" },
      { apiKey: { _type: "ConfigurationVariable", name: "SAFE_API_KEY" } },
    ]) {
      expect(validateDrConfig({ safeService })).to.deep.equal([]);
    }
    const problems = validateDrConfig({
      safeService: { url: "nowhere", apiKey: 7 },
    });
    expect(problems.map(({ path }) => path.join("."))).to.deep.equal([
      "dr.safeService.url",
      "dr.safeService.apiKey",
    ]);
  });
});
