import { execFileSync } from "node:child_process";
import { readFile, rm, truncate, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";

import { expect } from "chai";

import { openLegacyArtifact } from "../../src/artifact/legacy.js";
import type { ArtifactKeys } from "../../src/artifact/read-artifact.js";
import { codeOf, refusalOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { requirePrograms } from "../helpers/programs.js";
import { RecordingMeter } from "../helpers/recording-meter.js";

const CONTENT = Buffer.from(
  "INSERT INTO profiles VALUES (1, 'ada');\n".repeat(20_000),
);

/** Ways in which shell scripts encrypted, over the years. */
const WAYS: Readonly<Record<string, readonly string[]>> = {
  "600,000 rounds": ["-pbkdf2", "-iter", "600000"],
  "openssl's own 10,000 rounds": ["-pbkdf2"],
  "SHA-256 alone": ["-md", "sha256"],
};

describe("an old script's backup", () => {
  const folder = useTemporaryFolder();
  let keys: ArtifactKeys;

  before(function () {
    requirePrograms(this, "openssl", "gzip", "sha256sum", "zstd", "tar");
  });

  beforeEach(async () => {
    await writeFile(at("dump"), CONTENT);
    await key("old.key", "correct horse battery staple");
    await key("new.key", "a".repeat(64));
    keys = keysOf("new.key", "old.key");
  });

  const at = (name: string) => join(folder.path, name);

  async function key(name: string, text: string): Promise<void> {
    await writeFile(at(name), `${text}\n`, { mode: 0o600 });
  }

  function keysOf(...names: readonly string[]): ArtifactKeys {
    const [keyFile, ...oldKeyFiles] = names.map(at);
    return {
      encryption: {
        format: "aes-256-gcm",
        ...(keyFile === undefined ? {} : { keyFile }),
        oldKeyFiles,
        recipients: [],
      },
      trusted: [],
    };
  }

  /** As the scripts did. @param command - `$1` is the backup, `$2` the key. */
  function script(name: string, command: string): string {
    execFileSync(
      "sh",
      ["-c", `(${command}) < dump`, "sh", at(name), at("old.key")],
      { stdio: "ignore", cwd: folder.path },
    );
    return at(name);
  }

  function encrypted(
    name = "takumi_db_20240115_140000.sql.gz.enc",
    way: readonly string[] = WAYS["600,000 rounds"]!,
    compress = "gzip",
  ): string {
    return script(
      name,
      `${compress} | openssl enc -aes-256-cbc -salt ${way.join(" ")} -pass "file:$2" -out "$1"`,
    );
  }

  async function open(path: string, by = keys): Promise<Buffer> {
    return await buffer(
      await openLegacyArtifact(path, by, { acceptUnauthenticated: true }),
    );
  }

  async function expectNotOpened(path: string, by = keys): Promise<string> {
    const error = await refusalOf(async () => await open(path, by));
    expect(error.code, error.message).to.equal("ARTIFACT_NOT_OPENED");
    return error.message;
  }

  for (const [what, way] of Object.entries(WAYS)) {
    it(`is opened, encrypted with ${what}, by an old key among others`, async () => {
      expect(await open(encrypted(undefined, way))).to.deep.equal(CONTENT);
    });
  }

  it("is opened while it tells how much of it is read", async () => {
    const path = encrypted();
    const name = basename(path);
    const sums = execFileSync("sha256sum", [path]);
    await writeFile(`${path}.sha256`, sums);
    const meter = new RecordingMeter();
    const options = { acceptUnauthenticated: true, meter };
    await buffer(await openLegacyArtifact(path, keys, options));
    expect(meter.complete).to.deep.equal([
      `checking ${name}`,
      `opening ${name}`,
    ]);
  });

  it("is opened as it was compressed, or wasn't", async () => {
    const stem = "takumi_db_20240115_140000";
    for (const [name, command] of [
      [`${stem}.sql.gz`, `gzip > "$1"`],
      [`${stem}.sql.zst`, `zstd -q -o "$1"`],
      [`${stem}.sql`, `cat > "$1"`],
    ] as const) {
      expect(await open(script(name, command)), name).to.deep.equal(CONTENT);
    }
    const sealed = encrypted(`${stem}.sql.zst.enc`, undefined, "zstd -q");
    expect(await open(sealed)).to.deep.equal(CONTENT);
  });

  it("is opened as the tar that it is", async () => {
    await writeFile(at("a.json"), "{}");
    const name = "contract_snapshot_20240115_140000.tar.gz";
    const plain = script(name, `tar -czf "$1" a.json`);
    const sealed = script(
      `${name}.enc`,
      `openssl enc -aes-256-cbc -salt -pbkdf2 -pass "file:$2" -in "${name}" -out "$1"`,
    );
    for (const path of [plain, sealed]) {
      const listed = execFileSync("tar", ["-tf", "-"], {
        input: await open(path),
      });
      expect(listed.toString()).to.equal("a.json\n");
    }
  });

  it("is refused unless it is accepted that nothing proves it", async () => {
    for (const path of [
      encrypted(),
      script("takumi_db_20240115_140000.sql.gz", `gzip > "$1"`),
    ]) {
      const options = { acceptUnauthenticated: false };
      const error = await refusalOf(
        async () => await openLegacyArtifact(path, keys, options),
      );
      expect(error.code).to.equal("ARTIFACT_UNAUTHENTICATED");
      expect(error.fix).to.include("--accept-unauthenticated");
      expect(error.exitCode).to.equal(3);
    }
  });

  it("isn't one when it has a manifest", async () => {
    const path = encrypted();
    await writeFile(`${path}.manifest.json`, "{}");
    expect(await codeOf(async () => await open(path))).to.equal(
      "ARTIFACT_HAS_MANIFEST",
    );
  });

  it("is held against its checksum, where it has one", async () => {
    const path = encrypted();
    const sums = [`sha256sum "$1"`, `sha256sum "$(basename "$1")"`];
    for (const sum of sums) {
      script(path.slice(folder.path.length + 1), `${sum} > "$1.sha256"`);
      expect(await open(path)).to.deep.equal(CONTENT);
    }
    const good = await readFile(`${path}.sha256`, "utf8");
    await writeFile(`${path}.sha256`, good.toUpperCase());
    expect(await open(path)).to.deep.equal(CONTENT);
    for (const bad of [good.replace(/^../, "zz"), "", good.slice(1)]) {
      await writeFile(`${path}.sha256`, bad);
      expect(await codeOf(async () => await open(path)), bad).to.equal(
        "ARTIFACT_DAMAGED",
      );
    }
  });

  it("isn't opened by another key, and gives not a byte", async () => {
    for (const way of Object.values(WAYS)) {
      const path = encrypted(undefined, way);
      const message = await expectNotOpened(path, keysOf("new.key"));
      expect(message).to.include(at("new.key")).and.not.include("aaaa");
      await rm(path);
    }
    const path = encrypted();
    for (const none of [{ trusted: [] }, keysOf()]) {
      expect(await codeOf(async () => await open(path, none))).to.equal(
        "KEY_NOT_CONFIGURED",
      );
    }
  });

  it("isn't called whole when it is cut off or changed", async () => {
    const path = encrypted();
    const good = await readFile(path);
    for (const size of [0, 5, 16, 31, 32, 48, good.length - 16]) {
      await writeFile(path, good);
      await truncate(path, size);
      const message = await expectNotOpened(path, keysOf("old.key"));
      if (size >= 8 && size < 32) {
        expect(message).to.include("cut off");
      }
    }
    for (const position of [3, 9, 20, good.length >> 1, good.length - 20]) {
      const bad = Buffer.from(good);
      bad[position]! ^= 1;
      await writeFile(path, bad);
      await expectNotOpened(path, keysOf("old.key"));
    }
    const plain = script("takumi_db_20240115_140000.sql.gz", `gzip > "$1"`);
    const zipped = await readFile(plain);
    for (const size of [0, 2, 15, zipped.length - 1, zipped.length - 8]) {
      await writeFile(plain, zipped.subarray(0, size));
      await expectNotOpened(plain);
    }
    zipped[zipped.length - 5]! ^= 1; // of its CRC
    await writeFile(plain, zipped);
    await expectNotOpened(plain);
  });

  it("troubles nobody who only opens it, though it is cut off", async () => {
    const path = script("takumi_db_20240115_140000.sql.gz", `gzip > "$1"`);
    await truncate(path, (await readFile(path)).length >> 1);
    const stream = await openLegacyArtifact(path, keys, {
      acceptUnauthenticated: true,
    });
    stream.destroy();
    await setTimeout(200); // An error that nobody takes would end this process.
    expect(stream.errored).to.equal(null);
  });

  it("isn't opened when it isn't what its name says, or nothing", async () => {
    const text = script("takumi_db_20240115_140000.sql.gz", `cat > "$1"`);
    await expectNotOpened(text);
    const open = script("takumi_db_20240115_140000.sql.gz.enc", `gzip > "$1"`);
    await expectNotOpened(open);
    await expectNotOpened(encrypted("a.sql.enc", undefined, "cat"));
    await writeFile(at("empty.sql"), "");
    await expectNotOpened(at("empty.sql"));
    expect(
      await codeOf(async () => await openLegacy("missing.sql.gz")),
    ).to.equal("ARTIFACT_MISSING");
    expect(await codeOf(async () => await openLegacy(".sql.gz"))).to.equal(
      "ARTIFACT_NAME_INVALID",
    );
  });

  async function openLegacy(name: string) {
    return await openLegacyArtifact(at(name), keys, {
      acceptUnauthenticated: true,
    });
  }

  it("is known to be encrypted without its ending", async () => {
    expect(await open(encrypted("renamed.sql.gz"))).to.deep.equal(CONTENT);
  });
});
