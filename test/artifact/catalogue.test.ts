import { expect } from "chai";

import { catalogue } from "../../src/artifact/catalogue.js";

const DATABASE = "takumi_db_20240115_140000.sql.zst.enc";
const FILES = "takumi_files_20240114_140000.tar.zst";

function list(...names: readonly string[]) {
  const at = new Date("2024-01-20T00:00:00Z");
  return names.map((name) => ({
    name,
    sizeBytes: name.length,
    modifiedAt: at,
    key: `production/${name}`,
  }));
}

describe("the catalogue of a place", () => {
  it("knows artifacts by their files, the oldest first", () => {
    const names = [
      `${DATABASE}.manifest.json`,
      DATABASE,
      FILES,
      `${DATABASE}.sha256`,
      `${FILES}.manifest.json`,
    ];
    const { entries, strangers } = catalogue(list(...names), "takumi");
    expect(strangers).to.deep.equal([]);
    expect(entries.map(({ name, status }) => [name, status])).to.deep.equal([
      [FILES, "complete"],
      [DATABASE, "complete"],
    ]);
    const [files, database] = entries;
    expect(files).to.not.have.property("checksum");
    expect(database).to.deep.include({
      kind: "database",
      createdAt: new Date("2024-01-15T14:00:00Z"),
      encrypted: true,
    });
    expect(database!.manifest!.key).to.equal(
      `production/${DATABASE}.manifest.json`,
    );
  });

  it("tells what never got its manifest from what an old script made", () => {
    const statuses = {
      [FILES]: "unfinished",
      "takumi_db_20240115_140000.sql.zst.enc": "unfinished",
      "takumi_db_20240115_140000.sql.gz.enc": "legacy",
      "takumi_db_20240115_140000.sql": "legacy",
      "contract_snapshot_20240115_140000.tar.gz": "legacy",
    };
    const { entries } = catalogue(
      list(...Object.keys(statuses), `${FILES}.sha256`),
      "takumi",
    );
    expect(
      Object.fromEntries(entries.map(({ name, status }) => [name, status])),
    ).to.deep.equal(statuses);
  });

  it("sees what is left of an artifact", () => {
    for (const suffix of [".manifest.json", ".sha256"]) {
      const { entries } = catalogue(list(`${FILES}${suffix}`), "takumi");
      expect(entries).to.have.length(1);
      expect(entries[0]).to.deep.include({ name: FILES, status: "orphaned" });
      expect(entries[0]).to.not.have.property("artifact");
    }
  });

  it("leaves alone what is of others", () => {
    const others = [
      "other_db_20240115_140000.sql.gz",
      "other_db_20240115_140000.sql.gz.manifest.json",
      "README.md",
      ".takumi_db_20240115_140000.sql.gz.0a1b2c3d-1-0a1b2c3d4e5f.tmp",
      "takumi_db_20240115_140000.sql.gz.sha256.sha256",
    ];
    const { entries, strangers } = catalogue(list(...others), "takumi");
    expect(entries).to.deep.equal([]);
    expect(strangers.map(({ name }) => name)).to.deep.equal(others);
  });
});
