import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";

import { expect } from "chai";

import { generateKey } from "../../src/artifact/generate-keys.js";
import {
  checkArtifact,
  openArtifact,
} from "../../src/artifact/read-artifact.js";
import { writeArtifact } from "../../src/artifact/write-artifact.js";
import { artifactKeys, openPlace } from "../../src/backup/place.js";
import { resolveDrConfig } from "../../src/config/resolve.js";
import type { DrConfig, DrUserConfig } from "../../src/config/types.js";
import { systemClock } from "../../src/core/clock.js";
import { codeOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";

const TOOL = "hardhat-dr test";

describe("where backups go", () => {
  const folder = useTemporaryFolder();

  function configOf(section: DrUserConfig): DrConfig {
    const noVariables = () => expect.fail("nothing is a variable here");
    return resolveDrConfig(section, folder.path, noVariables, {});
  }

  async function open(section: DrUserConfig) {
    return await openPlace(configOf(section), "files", systemClock, TOOL);
  }

  it("is a folder of each kind, neither encrypted nor signed unless asked for", async () => {
    expect(await open({ project: "takumi" })).to.deep.equal({
      folder: join(folder.path, "backups/files"),
      project: "takumi",
      clock: systemClock,
      tool: TOOL,
      compression: "zstd",
    });
  });

  it("opens with the configuration's keys what was written with them", async () => {
    await generateKey("encryption", join(folder.path, "backup.key"));
    const signing = join(folder.path, "signing.pem");
    const { shown } = await generateKey("signing", signing);
    const section: DrUserConfig = {
      project: "takumi",
      backup: { compression: "gzip" },
      encryption: { keyFile: "backup.key" },
      signing: { keyFile: "signing.pem", trusted: [shown] },
    };
    const { path } = await writeArtifact(await open(section), {
      kind: "files",
      stream: Readable.from([Buffer.from("uploads")]),
      describe: () => ({ contents: {}, recoveryPoint: {} }),
    });
    expect(path).to.match(/takumi_files_\d{8}_\d{6}\.tar\.gz\.enc$/);
    const keys = artifactKeys(configOf(section));
    const checked = await checkArtifact(path, keys);
    expect(checked.provenance).to.deep.equal({
      status: "signed",
      publicKey: shown,
    });
    expect(await text(await openArtifact(checked, keys))).to.equal("uploads");
  });

  it("refuses keys that can't be used before there is anything to write", async () => {
    const encryption = { keyFile: "backup.key" };
    expect(await codeOf(() => open({ encryption }))).to.equal(
      "KEY_FILE_UNREADABLE",
    );
    await generateKey("encryption", join(folder.path, "backup.key"));
    await chmod(join(folder.path, "backup.key"), 0o644);
    expect(await codeOf(() => open({ encryption }))).to.equal(
      "KEY_FILE_EXPOSED",
    );
    for (const format of ["aes-256-gcm", "aes-256-cbc", "age"] as const) {
      expect(await codeOf(() => open({ encryption: { format } }))).to.equal(
        "ENCRYPTION_NOT_CONFIGURED",
      );
    }
    expect(
      await codeOf(() => open({ signing: { keyFile: "signing.pem" } })),
    ).to.equal("KEY_FILE_UNREADABLE");
  });
});
