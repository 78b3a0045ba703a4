import { expect } from "chai";

import type { RemoteArtifact } from "../../src/offsite/inventory.js";
import {
  pickBackup,
  unprovableSince,
} from "../../src/restore-test/pick-backup.js";
import { codeOf } from "../deployments/refusal.js";

describe("pickBackup", () => {
  const artifacts = Array.from({ length: 10 }, (_, day) =>
    backup(day, day === 9 ? "legacy" : "complete"),
  );

  function backup(
    day: number,
    status: RemoteArtifact["status"],
  ): RemoteArtifact {
    const name = `takumi_db_2024010${String(day)}_020000.sql.zst.enc`;
    return {
      name,
      key: `database/${name}`,
      kind: "database",
      createdAt: new Date(Date.UTC(2024, 0, 1 + day)),
      encrypted: true,
      status,
      proofs: [],
    };
  }

  function pick(seed?: string, target = "s3"): string {
    return pickBackup(
      { artifacts },
      {
        kind: "database",
        target,
        address: "s3://takumi",
        ...(seed === undefined ? {} : { seed }),
      },
    ).name;
  }

  it("takes the newest that can be proven, and knows of newer ones that can't", () => {
    expect(pick()).to.equal(artifacts[8]!.name);
    expect(unprovableSince({ artifacts }, artifacts[8]!)).to.deep.equal([
      artifacts[9]!.name,
    ]);
  });

  it("draws each of them by some seed, and the same by the same", () => {
    const seeds = Array.from({ length: 200 }, (_, seed) => String(seed));
    const drawn = new Set(seeds.map((seed) => pick(seed)));
    expect(drawn).to.have.length(9);
    expect(drawn.has(artifacts[9]!.name)).to.equal(false);
    expect(seeds.map((seed) => pick(seed))).to.deep.equal(
      seeds.map((seed) => pick(seed)),
    );
    expect(
      seeds.some((seed) => pick(seed) !== pick(seed, "gcs")),
      "each target draws for itself",
    ).to.equal(true);
  });

  it("says when there is none", async () => {
    const wanted = {
      kind: "contracts",
      target: "s3",
      address: "s3://takumi",
      seed: "1",
    } as const;
    const code = await codeOf(() => pickBackup({ artifacts }, wanted));
    expect(code).to.equal("OFFSITE_MISSING");
  });
});
