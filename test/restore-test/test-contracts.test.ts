import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { expect } from "chai";

import { generateBackupKey } from "../../src/artifact/backup-key.js";
import { generateKey } from "../../src/artifact/generate-keys.js";
import type { ArtifactKeys } from "../../src/artifact/read-artifact.js";
import type { Json } from "../../src/core/canonical-json.js";
import { UNWATCHED } from "../../src/core/meter.js";
import { FsStorage } from "../../src/offsite/drivers/fs.js";
import { takeInventory } from "../../src/offsite/inventory.js";
import { testContracts } from "../../src/restore-test/test-contracts.js";
import type { PartTest } from "../../src/restore-test/test-part.js";
import { Backups } from "../offsite/backups.js";
import {
  editState,
  forge,
  openScene,
  replaceListed,
  SOLC,
} from "../snapshot/scene.js";
import { notHeld } from "./scene.js";

describe("testContracts", function () {
  this.timeout(30_000);
  let root: string;
  let snapshot: string;
  let keys: ArtifactKeys;

  before(async () => {
    root = await mkdtemp(join(tmpdir(), "hardhat-dr-"));
    const keyFile = join(root, "backup.key");
    await generateBackupKey(keyFile);
    keys = { encryption: encryptedWith(keyFile), trusted: [] };
    const scene = await openScene(join(root, "project"), {
      ...SOLC,
      dr: { project: "takumi", encryption: { keyFile } },
    });
    snapshot = await scene.snapshot();
  });

  after(async () => {
    await rm(root, { recursive: true, force: true });
  });

  afterEach(async () => {
    process.exitCode = undefined;
    await rm(join(dirname(snapshot), "forged"), {
      recursive: true,
      force: true,
    });
  });

  function encryptedWith(keyFile: string) {
    return {
      format: "aes-256-gcm" as const,
      keyFile,
      oldKeyFiles: [],
      recipients: [],
    };
  }

  async function test(
    directory: string,
    opening: ArtifactKeys = keys,
  ): Promise<PartTest> {
    const storage = new FsStorage({ prefix: "", directory });
    const inventory = await takeInventory(storage, "takumi");
    return await testContracts(
      { storage, inventory, target: "disk" },
      {
        keys: opening,
        folder: join(root, "backups"),
        now: () => new Date(),
        signal: new AbortController().signal,
        meter: UNWATCHED,
      },
    );
  }

  /** What doesn't hold of a snapshot that somebody with our key has changed. */
  async function testForged(
    change: (files: Map<string, Buffer>) => void,
  ): Promise<string[]> {
    const forged = await forge(snapshot, change, {}, "contracts", keys);
    return notHeld((await test(dirname(forged))).criteria);
  }

  /** The first that is called so. */
  function find(files: Map<string, Buffer>, pattern: RegExp): string {
    return [...files.keys()].find((path) => pattern.test(path))!;
  }

  it("finds nothing wrong with what was only packed again", async () => {
    expect(await testForged(() => undefined)).to.deep.equal([]);
  });

  it("misses a file", async () => {
    expect(
      await testForged((files) => {
        files.delete(find(files, /^artifacts\/.*\.json$/));
      }),
    ).to.deep.equal(["files"]);
    expect(
      await testForged((files) => {
        files.delete("snapshot.json");
      }),
    ).to.deep.equal(["files"]);
  });

  it("notices that code isn't what its hash says", async () => {
    expect(
      await testForged((files) => {
        const path = find(files, /^code\/0x.*\.hex$/);
        files.set(path, Buffer.from(`${String(files.get(path))}00`));
      }),
    ).to.deep.equal(["code_hashes"]);
  });

  it("notices that deploy.json is of other contracts", async () => {
    expect(
      await testForged((files) => {
        const path = find(files, /deploy\.json$/);
        const file = JSON.parse(String(files.get(path))) as Record<
          string,
          Json
        >;
        replaceListed(
          files,
          path,
          `${JSON.stringify({ ...file, chainId: 1 }, undefined, 2)}\n`,
        );
      }),
    ).to.deep.equal(["structure"]);
  });

  it("misses sources", async () => {
    expect(
      await testForged((files) => {
        editState(files, ({ code }) => {
          for (const one of Object.values(code as Record<string, Json>)) {
            const { source } = one as { source: Record<string, Json> };
            if (source.status === "known") {
              source.buildInfo = null;
            }
          }
        });
      }),
    ).to.deep.equal(["sources"]);
    expect(
      await testForged((files) => {
        const path = find(files, /build-info|buildInfo/i);
        const build = JSON.parse(String(files.get(path))) as {
          input: Record<string, Json>;
        };
        build.input.sources = {};
        replaceListed(files, path, JSON.stringify(build));
      }),
    ).to.deep.equal(["sources"]);
  });

  it("doesn't take for ours what anybody can have encrypted", async () => {
    const identityFile = join(root, "identity.txt");
    const { shown: recipient } = await generateKey("age", identityFile);
    const age = {
      format: "age" as const,
      oldKeyFiles: [],
      recipients: [recipient],
      identityFile,
    };
    const folder = join(root, "from-anybody");
    const backups = new Backups(folder, "");
    await backups.make("contracts", 0, { encryption: age });
    const tested = await test(folder, { encryption: age, trusted: [] });
    expect(notHeld(tested.criteria)).to.deep.equal(["authenticity"]);
    expect(tested.status).to.equal("failed");
    expect(tested.provenAt).to.equal(undefined);
  });
});
