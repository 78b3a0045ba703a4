import { expect } from "chai";
import fc from "fast-check";

import { COMPRESSIONS } from "../../src/artifact/compression.js";
import {
  ARTIFACT_KINDS,
  formatArtifactName,
  parseArtifactName,
} from "../../src/artifact/name.js";

const AT = new Date("2024-01-15T14:00:00.000Z");

describe("an artifact's name", () => {
  it("is read as it was written", () => {
    fc.assert(
      fc.property(
        fc.record(
          {
            project: fc.stringMatching(/^[A-Za-z0-9][\w.-]{0,9}$/),
            kind: fc.constantFrom(...ARTIFACT_KINDS),
            at: fc
              .integer({ min: 0, max: 253_402_300_799 })
              .map((seconds) => new Date(seconds * 1000)),
            compression: fc.constantFrom(...COMPRESSIONS),
            encrypted: fc.boolean(),
          },
          { requiredKeys: ["project", "kind", "at", "encrypted"] },
        ),
        (name) => {
          const { project, ...rest } = name;
          expect(parseArtifactName(formatArtifactName(name))).to.deep.equal(
            name.kind === "contracts" ? rest : { project, ...rest },
          );
        },
      ),
    );
  });

  it("is known from the old scripts", () => {
    const database = { project: "takumi", kind: "database", at: AT };
    const contracts = { kind: "contracts", at: AT };
    const gzip = { compression: "gzip" };
    for (const [name, parsed] of Object.entries({
      "takumi_db_20240115_140000.sql": { ...database, encrypted: false },
      "takumi_db_20240115_140000.sql.gz": {
        ...database,
        ...gzip,
        encrypted: false,
      },
      "takumi_db_20240115_140000.sql.gz.enc": {
        ...database,
        ...gzip,
        encrypted: true,
      },
      "contract_snapshot_20240115_140000.tar.gz": {
        ...contracts,
        ...gzip,
        encrypted: false,
      },
      "contract_snapshot_20240115_140000.tar.gz.enc": {
        ...contracts,
        ...gzip,
        encrypted: true,
      },
      "my_db_files_20240115_140000.tar": {
        project: "my_db",
        kind: "files",
        at: AT,
        encrypted: false,
      },
    })) {
      expect(parseArtifactName(name), name).to.deep.equal(parsed);
    }
  });

  it("isn't what only looks like one", () => {
    for (const name of [
      "",
      "README.md",
      "takumi_db_20240115_140000",
      "takumi_db_20240115_140000.sql.zip",
      "takumi_db_20240115_140000.tar.gz",
      "takumi_files_20240115_140000.sql.gz",
      "takumi_db_20240230_140000.sql.gz",
      "takumi_db_20241315_140000.sql.gz",
      "takumi_db_20240115_250000.sql.gz",
      "takumi_db_20240115_140000.sql.gz.manifest.json",
      "takumi_db_20240115_140000.sql.gz.sha256",
      "takumi_contract_snapshot_20240115_140000.tar.gz",
      "_db_20240115_140000.sql.gz",
      "../takumi_db_20240115_140000.sql.gz",
      ".takumi_db_20240115_140000.sql.gz",
      "takumi_db_20240115_140000.sql.gz\n",
    ]) {
      expect(parseArtifactName(name), name).to.equal(undefined);
    }
  });
});
