import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { importRecords } from "../../../src/deployments/importers/detect.js";
import type { Place } from "../../../src/deployments/importers/importer.js";
import { codeOf, refusalOf } from "../refusal.js";
import { useTemporaryFolder } from "../temporary-folder.js";
import { fixture, SEPOLIA } from "./fixtures.js";

describe("importRecords, when it can't", () => {
  const folder = useTemporaryFolder();
  const here = (): Place => ({
    root: folder.path,
    network: "sepolia",
    chainId: SEPOLIA,
  });

  async function put(path: string, text: string): Promise<void> {
    const file = join(folder.path, path);
    await mkdir(join(file, ".."), { recursive: true });
    await writeFile(file, text);
  }

  it("finds nothing in an empty project, and says where it looked", async () => {
    const error = await refusalOf(() => importRecords(here()));
    expect(error.code).to.equal("IMPORT_NOTHING_FOUND");
    for (const place of [
      ".openzeppelin/sepolia.json",
      "deployments/sepolia/.chainId",
      "deployments/sepolia/.chain",
      "ignition/deployments/chain-11155111/",
      "broadcast/*/11155111/run-latest.json",
    ]) {
      expect(error.message).to.contain(place);
    }
  });

  it("looks only for the tool that is named", async () => {
    const error = await refusalOf(() =>
      importRecords({ ...here(), root: fixture("ignition").root }, "foundry"),
    );
    expect(error.code).to.equal("IMPORT_NOTHING_FOUND");
    expect(error.message).not.to.contain("ignition");
  });

  it("knows no other tool", async () => {
    expect(await codeOf(() => importRecords(here(), "truffle"))).to.equal(
      "IMPORT_TOOL_UNKNOWN",
    );
  });

  it("asks which, when several tools left records", async () => {
    for (const name of ["foundry", "ignition"]) {
      await cp(fixture(name).root, folder.path, { recursive: true });
    }
    const error = await refusalOf(() => importRecords(here()));
    expect(error.code).to.equal("IMPORT_AMBIGUOUS");
    expect(error.message).to.contain("foundry").and.to.contain("ignition");
    const { tool } = await importRecords(here(), "foundry");
    expect(tool).to.equal("foundry");
  });

  it("reads no other chain's records", async () => {
    for (const name of [
      "foundry",
      "ignition",
      "hardhat-deploy",
      "rocketh",
      "openzeppelin",
    ]) {
      const error = await refusalOf(() => importRecords(fixture(name, 10)));
      expect(error.code, name).to.equal("IMPORT_WRONG_CHAIN");
      expect(error.values.expected, name).to.equal(10);
    }
  });

  it("finds no proxies in an old OpenZeppelin manifest", async () => {
    expect(
      await codeOf(() => importRecords(fixture("openzeppelin-3.1"))),
    ).to.equal("IMPORT_NOTHING_FOUND");
  });

  it("takes a hardhat-deploy folder of another name if the chain is right", async () => {
    const { root } = fixture("hardhat-deploy");
    const { contracts } = await importRecords({
      root,
      network: "ethereum",
      chainId: 1,
    });
    expect(contracts.map(({ name }) => name)).to.deep.equal(["Token"]);
  });

  const run = (chain: number): string =>
    JSON.stringify({ chain, transactions: [], receipts: [] });
  for (const [what, path, text, code] of [
    [
      "a Foundry run that isn't JSON",
      "broadcast/A.s.sol/11155111/run-latest.json",
      "{",
      "IMPORT_BROKEN",
    ],
    [
      "a Foundry run without transactions",
      "broadcast/A.s.sol/11155111/run-latest.json",
      "{}",
      "IMPORT_BROKEN",
    ],
    [
      "a Foundry run of another chain than its folder's",
      "broadcast/A.s.sol/11155111/run-latest.json",
      run(1),
      "IMPORT_WRONG_CHAIN",
    ],
    [
      "an Ignition journal with half a line",
      "ignition/deployments/chain-11155111/journal.jsonl",
      '\n{"chainId":11155111,"type":"DEPLOYMENT_INITIALIZE"}\n{"futureId":"A#',
      "IMPORT_BROKEN",
    ],
    [
      "an Ignition address that is none",
      "ignition/deployments/chain-11155111/deployed_addresses.json",
      '{"A#B": "0x12"}',
      "IMPORT_BROKEN",
    ],
    [
      "an OpenZeppelin manifest of the old CLI",
      ".openzeppelin/sepolia.json",
      '{"manifestVersion": "2.2", "contracts": {}}',
      "IMPORT_BROKEN",
    ],
    [
      "an OpenZeppelin manifest without version",
      ".openzeppelin/sepolia.json",
      "{}",
      "IMPORT_BROKEN",
    ],
    [
      "an OpenZeppelin proxy without address",
      ".openzeppelin/sepolia.json",
      '{"manifestVersion": "3.2", "impls": {}, "proxies": [{}]}',
      "IMPORT_BROKEN",
    ],
    [
      "a rocketh chain file that holds a list",
      "deployments/sepolia/.chain",
      "[]",
      "IMPORT_BROKEN",
    ],
  ] as const) {
    it(`refuses ${what}, naming the file`, async () => {
      await put(path, text);
      const error = await refusalOf(() => importRecords(here()));
      expect(error.code).to.equal(code);
      expect(String(error.values.file)).to.equal(join(folder.path, path));
    });
  }

  it("refuses a hardhat-deploy record without address", async () => {
    await put("deployments/sepolia/.chainId", "11155111");
    await put("deployments/sepolia/Token.json", '{"abi": []}');
    expect(await codeOf(() => importRecords(here()))).to.equal("IMPORT_BROKEN");
  });

  it("says in which line a journal is broken", async () => {
    await put(
      "ignition/deployments/chain-11155111/journal.jsonl",
      '\n{"chainId":11155111}\n\n{"futureId"',
    );
    const error = await refusalOf(() => importRecords(here()));
    expect(error.message).to.contain("line 4");
  });
});
