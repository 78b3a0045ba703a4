import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { readDeployFile } from "../../src/deployments/read.js";
import { codeOf, refusalOf } from "./refusal.js";
import { FIRST, PROXY, sampleFile, SECOND, THIRD } from "./sample-file.js";
import { useTemporaryFolder } from "./temporary-folder.js";

describe("readDeployFile", () => {
  const folder = useTemporaryFolder();
  const path = (): string => join(folder.path, "deploy.json");

  async function readText(text: string): ReturnType<typeof readDeployFile> {
    await writeFile(path(), text);
    return await readDeployFile(path());
  }

  /** The sample with one value put, or with undefined taken, at a path. */
  async function readWith(
    keys: readonly (string | number)[],
    value: unknown,
  ): ReturnType<typeof readDeployFile> {
    const file = structuredClone(sampleFile()) as object;
    const last = keys.at(-1) ?? "";
    let holder = file as Record<string | number, unknown>;
    for (const key of keys.slice(0, -1)) {
      holder = holder[key] as Record<string | number, unknown>;
    }
    holder[last] = value;
    return await readText(JSON.stringify(file));
  }

  const contract = ["contracts", "SkillProfile"];

  it("reads what is written", async () => {
    const { file } = await readText(JSON.stringify(sampleFile()));
    expect(file).to.deep.equal(sampleFile());
  });

  it("reads a file with a byte order mark and Windows line ends", async () => {
    const text = JSON.stringify(sampleFile(), undefined, 2);
    const { file } = await readText(`\uFEFF${text.replaceAll("\n", "\r\n")}`);
    expect(file).to.deep.equal(sampleFile());
  });

  it("gives addresses in their checksummed form, as keys too", async () => {
    const text = JSON.stringify(sampleFile());
    const { file } = await readText(
      text.replace(/0x[0-9a-fA-F]{40}"/g, (found) => found.toLowerCase()),
    );
    expect(file).to.deep.equal(sampleFile());
  });

  it("keeps the fields and the order a person gave it", async () => {
    const text = `{"note":"ours","chainId":1,"schemaVersion":1,"$schema":"./s.json","contracts":{}}`;
    const { file } = await readText(text);
    expect(JSON.stringify(file)).to.equal(text);
  });

  it("says that there is no file", async () => {
    expect(await codeOf(() => readDeployFile(path()))).to.equal(
      "DEPLOY_FILE_MISSING",
    );
  });

  it("says that it can't be read", async () => {
    await mkdir(path());
    expect(await codeOf(() => readDeployFile(path()))).to.equal(
      "DEPLOY_FILE_UNREADABLE",
    );
  });

  it("says where it stops being JSON", async () => {
    const error = await refusalOf(() =>
      readText('{\n  "schemaVersion": 1,\n  "chainId": 1,\n}'),
    );
    expect(error.code).to.equal("DEPLOY_FILE_NOT_JSON");
    expect(error.values).to.include({ line: 4, column: 1 });
  });

  it("refuses a contract that is there twice, of which one would be lost", async () => {
    const error = await refusalOf(() =>
      readText(
        '{"schemaVersion":1,"chainId":1,"contracts":{"A":{},\n"A":{}}}',
      ),
    );
    expect(error.code).to.equal("DEPLOY_FILE_INVALID");
    expect(error.values.field).to.equal("contracts.A");
  });

  it("says that a newer version wrote it", async () => {
    const error = await refusalOf(() =>
      readText('{"schemaVersion": 2, "all": "different"}'),
    );
    expect(error.code).to.equal("DEPLOY_FILE_TOO_NEW");
  });

  const faults: readonly (readonly [
    what: string,
    keys: readonly (string | number)[],
    value: unknown,
    field?: string,
  ])[] = [
    ["no schemaVersion", ["schemaVersion"], undefined],
    ["a chainId in quotes", ["chainId"], "1"],
    ["chainId 0", ["chainId"], 0],
    ["contracts as a list", ["contracts"], []],
    ["no proxy", [...contract, "proxy"], undefined],
    ["a short address", [...contract, "proxy"], "0x12"],
    [
      "a mistyped address",
      [...contract, "proxy"],
      PROXY.replace("5F", "5f"),
    ],
    ["an unknown kind", [...contract, "kind"], "diamond"],
    ["an empty history", [...contract, "history"], []],
    [
      "a code hash that is none",
      [...contract, "implementations", FIRST, "codeHash"],
      "0x1234",
    ],
    [
      "a time with another time zone",
      [...contract, "history", 0, "at"],
      "2026-11-01T10:00:00+01:00",
      "contracts.SkillProfile.history[0].at",
    ],
    [
      "a block before the one before",
      [...contract, "history", 1, "block"],
      11,
      "contracts.SkillProfile.history[1].block",
    ],
    [
      "a history entry nobody knows",
      [...contract, "history", 0, "implementation"],
      THIRD,
      "contracts.SkillProfile.history[0].implementation",
    ],
    [
      "one address twice in two cases",
      [...contract, "implementations", SECOND.toLowerCase()],
      { codeHash: `0x${"2".repeat(64)}` },
      "contracts.SkillProfile.implementations",
    ],
    [
      "an address that is none",
      [...contract, "implementations", "0xImpl"],
      { codeHash: `0x${"2".repeat(64)}` },
      "contracts.SkillProfile.implementations key",
    ],
    [
      "a contract's name with a space",
      ["contracts", "Skill Profile"],
      {},
      "contracts key",
    ],
    [
      "one proxy with two names",
      ["contracts", "Other"],
      sampleFile().contracts.SkillProfile,
      "contracts.Other.proxy",
    ],
    [
      "a plain contract with another implementation",
      [...contract, "kind"],
      "plain",
      "contracts.SkillProfile.history[0].implementation",
    ],
  ];
  for (const [what, keys, value, field] of faults) {
    it(`names the field with ${what}`, async () => {
      const error = await refusalOf(() => readWith(keys, value));
      expect(error.code).to.equal("DEPLOY_FILE_INVALID");
      expect(error.values.field).to.equal(field ?? keys.join("."));
    });
  }

  it("says what was found and what is expected", async () => {
    const { values } = await refusalOf(() =>
      readWith([...contract, "proxy"], "0x12"),
    );
    expect(values.found).to.equal('"0x12"');
    expect(values.expected).to.match(/^an address/);
  });

  it("names the other faults as well", async () => {
    const { values } = await refusalOf(() =>
      readText('{"schemaVersion": 1, "contracts": []}'),
    );
    expect(values.others).to.contain("contracts");
  });
});
