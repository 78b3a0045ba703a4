import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { measureFile } from "../../src/artifact/read-artifact.js";
import { DrError } from "../../src/core/errors.js";
import { FsStorage } from "../../src/offsite/drivers/fs.js";
import { fileSource } from "../../src/offsite/file-source.js";
import type { Storage } from "../../src/offsite/storage.js";
import type { Criterion } from "../../src/restore-test/checklist.js";
import { testTarget } from "../../src/restore-test/test-target.js";
import { codeOf } from "../deployments/refusal.js";
import { runKilled } from "../helpers/killed-worker.js";
import { useS3 } from "../offsite/s3-scene.js";
import { notHeld, RestoreTestScene } from "./scene.js";

describe("testTarget", function () {
  this.timeout(60_000);
  const scene = new RestoreTestScene();
  const s3 = useS3();
  const target = { name: "takumi-backups", kind: "s3" } as const;

  /** The S3 server, with all backups. */
  async function fill(): Promise<Storage> {
    const storage = await s3.open();
    for (const kind of ["database", "contracts"]) {
      for (const name of await readdir(join(scene.pristine, kind))) {
        const path = join(scene.pristine, kind, name);
        const source = fileSource(path, await measureFile(path));
        await storage.put(`${kind}/${name}`, source);
      }
    }
    s3.server.clear();
    return storage;
  }

  function codesOf(criteria: readonly Criterion[]): (string | undefined)[] {
    return criteria
      .filter(({ status }) => status === "failed")
      .map(({ code }) => code);
  }

  it("restores what S3 has", async () => {
    const storage = await fill();
    const tested = await testTarget(
      target,
      () => Promise.resolve(storage),
      scene.options(),
    );
    expect(notHeld(tested.database.criteria)).to.deep.equal([]);
    expect(tested.database.status).to.equal("passed");
    expect(tested.contracts.status).to.equal("passed");
    expect(tested.database.provenAt).to.not.equal(undefined);
  });

  it("fails a target that answers 503, whether to the list or to a download", async () => {
    const busy = { status: 503, code: "SlowDown" };
    const open = fill();
    await open;
    s3.server.inject("ListObjectsV2", busy);
    const closed = await testTarget(target, () => open, scene.options());
    for (const part of [closed.database, closed.contracts]) {
      expect(part.status).to.equal("failed");
      expect(notHeld(part.criteria)).to.deep.equal(["found"]);
      expect(codesOf(part.criteria)).to.deep.equal(["OFFSITE_UNREACHABLE"]);
    }
    s3.server.clear();
    s3.server.inject("GetObject", busy, 3);
    const half = await testTarget(target, () => open, scene.options());
    expect(notHeld(half.database.criteria)).to.deep.equal(["download"]);
    expect(codesOf(half.database.criteria)).to.deep.equal([
      "OFFSITE_UNREACHABLE",
    ]);
    expect(half.contracts.status).to.equal("passed");
    expect(scene.databases()).to.deep.equal(["takumi"]);
  });

  it("fails one that can't be opened, and asks for nothing that wasn't asked for", async () => {
    const tested = await testTarget(
      target,
      () =>
        Promise.reject(
          new DrError("OFFSITE_PACKAGE_MISSING", {
            storage: "s3://takumi",
            package: "@aws-sdk/client-s3",
          }),
        ),
      { ...scene.options(), parts: ["contracts"] },
    );
    expect(tested.contracts.status).to.equal("failed");
    expect(tested.database.status).to.equal("skipped");
  });

  it("passes where it may only read, and says that there is no proof", async () => {
    const storage = await fill();
    const denied = { status: 403, code: "AccessDenied" };
    s3.server.inject("PutObject", denied, 1);
    s3.server.inject("PutObject", denied, 2);
    const tested = await testTarget(target, () => Promise.resolve(storage), {
      ...scene.options(),
      parts: ["contracts"],
    });
    expect(tested.contracts.status).to.equal("passed");
    expect(tested.contracts.provenAt).to.equal(undefined);
    expect(tested.contracts.notices.join()).to.match(
      /^That it is good isn't noted there: /,
    );
  });

  it("notices that what the store sends isn't what it was sent", async () => {
    const storage = await fill();
    s3.server.inject("GetObject", "corrupt-response", 3);
    const tested = await testTarget(target, () => Promise.resolve(storage), {
      ...scene.options(),
      parts: ["contracts"],
    });
    expect(tested.contracts.status).to.equal("failed");
    expect(tested.contracts.provenAt).to.equal(undefined);
  });

  it("leaves nothing when it is interrupted", async () => {
    const interruption = new AbortController();
    const code = await codeOf(
      async () =>
        await testTarget(
          { name: "disk-a", kind: "fs" },
          () =>
            Promise.resolve(
              new FsStorage({
                prefix: "",
                directory: join(scene.folder, "disk-a"),
              }),
            ),
          {
            ...scene.options(),
            signal: interruption.signal,
            meter: {
              begin: (what) => {
                if (what === "examining it") {
                  interruption.abort(new DrError("RESTORE_INTERRUPTED", {}));
                }
              },
              reach: () => undefined,
            },
          },
        ),
    );
    expect(code).to.equal("RESTORE_INTERRUPTED");
    expect(scene.databases()).to.deep.equal(["takumi"]);
    expect(await scene.leftFiles()).to.deep.equal([]);
    expect(await readdir(join(scene.folder, "disk-a/leases"))).to.be.empty;
  });

  it("takes away what one left that was killed while it examined", async () => {
    await runKilled(join(import.meta.dirname, "worker.ts"), [
      scene.folder,
      scene.cluster.url("takumi"),
      scene.keyFile,
    ]);
    const [live, left, ...others] = scene.databases();
    expect([live, others]).to.deep.equal(["takumi", []]);
    expect(left).to.match(/^takumi_restore_test_\d{8}_\d{6}$/);
    expect(await scene.leftFiles()).to.have.length(1);
    const result = await scene.run({ target: "disk-a" });
    expect(result.status).to.equal("SUCCESS");
    expect(scene.databases()).to.deep.equal(["takumi"]);
    expect(await scene.leftFiles()).to.deep.equal([]);
  });
});
