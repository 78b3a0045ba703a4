import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";

import { expect } from "chai";

import type { ArtifactKind } from "../../src/artifact/name.js";
import { writeArtifact } from "../../src/artifact/write-artifact.js";
import { placeFolder } from "../../src/backup/folder.js";
import { openPlace } from "../../src/backup/place.js";
import { pruneLocally } from "../../src/backup/prune.js";
import { systemClock } from "../../src/core/clock.js";
import { createMark, markFolder } from "../../src/drill/mark.js";
import { measureRetention } from "../../src/drill/retention.js";
import { configOf } from "../database/config-of.js";
import { codeOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";

type Prune = typeof pruneLocally;

describe("whether retention does what it shall", () => {
  const folder = useTemporaryFolder();
  const mark = createMark("DR_DRILL_20240115_140000");
  const kinds = ["database", "contracts", "files"] as const;

  const config = () =>
    configOf("postgres://127.0.0.1:1/takumi", folder.path, {
      retention: { localDays: 30 },
    });

  beforeEach(async () => {
    await mkdir(config().paths.backups, { recursive: true });
    await markFolder(config().paths.backups, mark);
  });

  async function measure(prune: Prune) {
    const backups = [];
    for (const kind of kinds) {
      const place = await openPlace(config(), kind, systemClock, "t");
      const { manifest } = await writeArtifact(place, {
        kind,
        stream: Readable.from([Buffer.from("the drill's")]),
        describe: () => ({ contents: {}, recoveryPoint: null }),
      });
      backups.push({ kind, name: manifest.artifact });
    }
    const measurement = await measureRetention({
      config: config(),
      mark,
      backups,
      clock: systemClock,
      tool: "t",
      prune,
    });
    return { ...measurement, names: backups.map(({ name }) => name) };
  }

  const artifactsOf = async (kind: ArtifactKind) =>
    (await readdir(placeFolder(config(), kind))).filter((name) =>
      /\.(sql|tar)(\.zst)?$/.test(name),
    );

  const nothing = { removed: [], kept: [] };

  const removeAll = async (kind: ArtifactKind) => {
    const place = placeFolder(config(), kind);
    for (const name of await readdir(place)) {
      await rm(join(place, name));
    }
  };

  it("holds of ours, of which the last of each kind is left", async () => {
    const { isMet, measured, names } = await measure(pruneLocally);
    expect([isMet, measured]).to.deep.equal([
      true,
      `what is older than 30 days is gone, and later all but ${names.join(", ")}`,
    ]);
    expect(await artifactsOf("database")).to.deep.equal([names[0]]);
    expect(await artifactsOf("contracts")).to.have.length(5);
    expect(await artifactsOf("files")).to.deep.equal([names[2]]);
  });

  const faults: readonly (readonly [string, Prune, RegExp])[] = [
    ["nothing", async () => await Promise.resolve(nothing), /is still there/],
    [
      "nothing, and says that it did",
      async (_, [kind]) => {
        const removed = await artifactsOf(kind!);
        return { removed, kept: [] };
      },
      /is still there/,
    ],
    [
      "everything",
      async (_, [kind]) => {
        await removeAll(kind!);
        return nothing;
      },
      /is gone/,
    ],
    [
      "everything that is too old",
      async (all, some, now) => {
        const pruned = await pruneLocally(all, some, now);
        if (now.getTime() > Date.now() + 86_400_000) {
          await removeAll(some[0]!);
        }
        return pruned;
      },
      /is gone/,
    ],
    [
      "what is younger",
      async (all, some, now) => {
        const retention = { ...all.retention, localDays: 10 };
        return await pruneLocally({ ...all, retention }, some, now);
      },
      /is gone/,
    ],
    [
      "what is older by far only",
      async (all, some, now) => {
        const retention = { ...all.retention, localDays: 45 };
        return await pruneLocally({ ...all, retention }, some, now);
      },
      /is still there/,
    ],
  ];
  for (const [what, prune, found] of faults) {
    it(`doesn't of one that removes ${what}`, async () => {
      const { isMet, measured } = await measure(prune);
      expect([isMet, measured]).to.deep.equal([false, measured]);
      expect(measured).to.match(found);
    });
  }

  it("is never tried where a drill hasn't made the folder", async () => {
    const other = createMark("DR_DRILL_20240115_140001");
    await markFolder(config().paths.backups, other);
    let isPruned = false;
    const prune: Prune = async () => {
      isPruned = true;
      return await Promise.resolve(nothing);
    };
    expect(await codeOf(async () => await measure(prune))).to.equal(
      "DRILL_NOT_ITS_OWN",
    );
    expect(isPruned).to.equal(false);
  });
});
