import { relative } from "node:path";

import { expect } from "chai";

import { importRecords } from "../../../src/deployments/importers/detect.js";
import type { ImportedContract } from "../../../src/deployments/importers/importer.js";
import { addressOf, fixture, txOf } from "./fixtures.js";

/** The records of a fixture, sources relative to it. */
async function read(
  name: string,
  chainId?: number,
): Promise<ImportedContract[]> {
  const place = fixture(name, chainId);
  const { tool, contracts } = await importRecords(place);
  expect(tool).to.equal(name.replace(/-3\.1$/, ""));
  return contracts.map((contract) => ({
    ...contract,
    source: relative(place.root, contract.source),
  }));
}

describe("importRecords", () => {
  it("reads Foundry's broadcasts", async () => {
    const contracts = await read("foundry");
    const deploy = "broadcast/Deploy.s.sol/11155111/run-latest.json";
    expect(contracts).to.deep.equal([
      {
        name: "SkillProfile",
        address: addressOf("02"),
        contract: "SkillProfile",
        implementation: addressOf("01"),
        tx: txOf("02"),
        block: 102,
        source: deploy,
      },
      {
        name: "Endorsement",
        address: addressOf("05"),
        contract: "Endorsement",
        implementation: addressOf("04"),
        tx: txOf("05"),
        block: 105,
        source: deploy,
      },
      ...["08", "09"].map((digits, index) => ({
        name: index === 0 ? "SkillClaim" : "SkillClaim2",
        address: addressOf(digits),
        contract: "SkillClaim",
        implementation: addressOf("06"),
        tx: txOf(digits),
        block: 108 + index,
        source: deploy,
      })),
      {
        name: "Treasury",
        address: addressOf("0b"),
        contract: "Treasury",
        tx: txOf("0b"),
        block: 111,
        source: deploy,
      },
      {
        name: "Proxy1",
        isNameless: true,
        address: addressOf("0f"),
        implementation: addressOf("77"),
        tx: txOf("0f"),
        block: 115,
        source: deploy,
      },
      {
        name: "Legacy",
        address: addressOf("53"),
        contract: "Legacy",
        tx: txOf("53"),
        block: 183,
        source: "broadcast/Deploy.s.sol/11155111/run-1600000000.json",
      },
      {
        name: "EndorsementV2",
        address: addressOf("21"),
        contract: "EndorsementV2",
        tx: txOf("21"),
        block: 133,
        source: "broadcast/Upgrade.s.sol/11155111/run-latest.json",
      },
    ]);
  });

  it("reads Ignition's journals", async () => {
    const journal = "ignition/deployments/chain-11155111/journal.jsonl";
    expect(await read("ignition")).to.deep.equal([
      {
        name: "SkillProfile",
        address: addressOf("02"),
        contract: "SkillProfile",
        implementation: addressOf("01"),
        tx: txOf("02"),
        block: 102,
        source: journal,
      },
      {
        name: "Vault",
        address: addressOf("06"),
        contract: "Vault",
        tx: txOf("06"),
        block: 106,
        source: journal,
      },
      {
        name: "Token",
        address: addressOf("08"),
        contract: "Token",
        source: journal,
      },
      {
        name: "Faucet",
        address: addressOf("09"),
        contract: "Faucet",
        tx: txOf("09"),
        block: 109,
        source: "ignition/deployments/staging/journal.jsonl",
      },
    ]);
  });

  it("reads Ignition's addresses when there is no journal", async () => {
    expect(await read("ignition", 1)).to.deep.equal([
      {
        name: "Vault",
        address: addressOf("41"),
        contract: "Vault",
        source: "ignition/deployments/chain-1/deployed_addresses.json",
      },
    ]);
  });

  it("reads hardhat-deploy's records", async () => {
    expect(await read("hardhat-deploy")).to.deep.equal([
      {
        name: "SkillProfile",
        address: addressOf("02"),
        contract: "contracts/SkillProfile.sol:SkillProfile",
        implementation: addressOf("01"),
        tx: txOf("02"),
        block: 102,
        source: "deployments/sepolia/SkillProfile.json",
      },
      {
        name: "EndorsementByHand",
        address: addressOf("06"),
        contract: "contracts/Endorsement.sol:Endorsement",
        implementation: addressOf("05"),
        tx: txOf("06"),
        block: 106,
        source: "deployments/sepolia/EndorsementByHand.json",
      },
      {
        name: "Token",
        address: addressOf("07"),
        contract: "Token",
        source: "deployments/sepolia/Token.json",
      },
      {
        name: "Treasury",
        address: addressOf("04"),
        contract: "contracts/Treasury.sol:Treasury",
        tx: txOf("04"),
        block: 104,
        source: "deployments/sepolia/Treasury.json",
      },
    ]);
  });

  it("reads rocketh's records", async () => {
    expect(await read("rocketh")).to.deep.equal([
      {
        name: "SkillProfile",
        address: addressOf("02"),
        contract: "contracts/SkillProfile.sol:SkillProfile",
        implementation: addressOf("01"),
        tx: txOf("02"),
        block: 102,
        source: "deployments/sepolia/SkillProfile.json",
      },
      {
        name: "EndorsementByHand",
        address: addressOf("06"),
        contract: "contracts/Endorsement.sol:Endorsement",
        implementation: addressOf("05"),
        tx: txOf("06"),
        block: 106,
        source: "deployments/sepolia/EndorsementByHand.json",
      },
    ]);
  });

  it("reads OpenZeppelin's manifests, whose proxies have no names", async () => {
    expect(await read("openzeppelin")).to.deep.equal([
      {
        name: "Proxy1",
        isNameless: true,
        address: addressOf("02"),
        tx: txOf("02"),
        source: ".openzeppelin/sepolia.json",
      },
      {
        name: "Proxy2",
        isNameless: true,
        address: addressOf("05"),
        source: ".openzeppelin/sepolia.json",
      },
    ]);
  });

  it("reads OpenZeppelin's manifest of a chain without a name", async () => {
    const [contract] = await read("openzeppelin", 424_242);
    expect(contract?.address).to.equal(addressOf("08"));
  });
});
