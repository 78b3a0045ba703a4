import { execFileSync } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import {
  chmod,
  copyFile,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from "node:fs/promises";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync, gzipSync } from "node:zlib";

import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { expect } from "chai";

import { generateBackupKey } from "../../src/artifact/backup-key.js";
import {
  ENCRYPTION_FORMATS,
  type EncryptionConfig,
  type EncryptionFormat,
} from "../../src/artifact/encryption.js";
import {
  digestManifest,
  encodeManifest,
  parseManifest,
  publicKeyOf,
  type Manifest,
} from "../../src/artifact/manifest.js";
import {
  checkArtifact,
  openArtifact,
  type ArtifactKeys,
} from "../../src/artifact/read-artifact.js";
import {
  writeArtifact,
  type ArtifactInput,
  type ArtifactPlace,
} from "../../src/artifact/write-artifact.js";
import { compressing, requireZstd } from "../../src/artifact/compression.js";
import { systemClock } from "../../src/core/clock.js";
import { handOver } from "../../src/core/hand-over.js";
import { codeOf, refusalOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { requirePrograms } from "../helpers/programs.js";
import { SmallDisk } from "../helpers/small-disk.js";
import { placeKey, RECIPIENT } from "../helpers/go-bag.js";

const AT = new Date("2024-01-15T14:00:00.000Z");
/** More than a frame of GCM and some chunks of age, compressible by half. */
const CONTENT = Buffer.concat([
  randomBytes(1_500_000),
  Buffer.alloc(1_500_000, "profile,endorsement\n"),
]);

type Choice = EncryptionFormat | "none";
const CHOICES: readonly Choice[] = ["none", ...ENCRYPTION_FORMATS];

describe("an artifact", () => {
  const folder = useTemporaryFolder();
  let config: Omit<EncryptionConfig, "format">;

  beforeEach(async () => {
    const keyFile = join(folder.path, "backup.key");
    await generateBackupKey(keyFile);
    config = {
      keyFile,
      oldKeyFiles: [],
      recipients: [RECIPIENT],
      identityFile: await placeKey(folder.path),
    };
  });

  function place(
    choice: Choice,
    changes: Partial<ArtifactPlace> = {},
  ): ArtifactPlace {
    return {
      folder: join(folder.path, "backups"),
      project: "takumi",
      clock: { ...systemClock, now: () => AT },
      tool: "hardhat-dr test",
      compression: "gzip",
      ...(choice === "none"
        ? {}
        : { encryption: { ...config, format: choice } }),
      ...changes,
    };
  }

  function keys(
    changes: Partial<EncryptionConfig> = {},
    trusted: readonly string[] = [],
  ): ArtifactKeys {
    return {
      encryption: { ...config, format: "aes-256-gcm", ...changes },
      trusted,
    };
  }

  function input(changes: Partial<ArtifactInput> = {}): ArtifactInput {
    return {
      kind: "database",
      stream: Readable.from([CONTENT.subarray(0, 999), CONTENT.subarray(999)]),
      describe: () => ({
        contents: { tables: 3 },
        recoveryPoint: { lsn: "0/1" },
      }),
      ...changes,
    };
  }

  async function write(choice: Choice, changes: Partial<ArtifactPlace> = {}) {
    return (await writeArtifact(place(choice, changes), input())).path;
  }

  async function read(path: string, by: ArtifactKeys = keys()) {
    return await buffer(await openArtifact(await checkArtifact(path, by), by));
  }

  /** As somebody who can write the store, and makes the manifest fit. */
  async function forge(
    path: string,
    change: (manifest: Manifest) => Partial<Manifest>,
  ): Promise<void> {
    const file = `${path}.manifest.json`;
    const manifest = parseManifest(await readFile(file, "utf8"), file);
    await writeFile(file, encodeManifest({ ...manifest, ...change(manifest) }));
  }

  async function refit(path: string): Promise<void> {
    const [sha256 = ""] = execFileSync("sha256sum", [path])
      .toString()
      .split(" ");
    const { size } = await stat(path);
    await forge(path, () => ({ stored: { sizeBytes: size, sha256 } }));
    await writeFile(`${path}.sha256`, `${sha256}  ${basename(path)}\n`);
  }

  for (const choice of CHOICES) {
    for (const compression of ["gzip", "zstd"] as const) {
      it(`comes back as it was (${choice}, ${compression})`, async () => {
        const path = await write(choice, { compression });
        expect(await read(path)).to.deep.equal(CONTENT);
        const { mode, size } = await stat(path);
        expect(mode & 0o777).to.equal(0o600);
        expect(size).to.be.lessThan(CONTENT.length * 0.6);
      });
    }
  }

  it("needs a Node that has zstd", async () => {
    requireZstd();
    const error = await refusalOf(() => {
      requireZstd({});
      return Promise.resolve();
    });
    expect(error.code).to.equal("ZSTD_MISSING");
    expect(error.message).to.include(process.version);
  });

  it("has the platform's name, a checksum that sha256sum knows, and a manifest", async () => {
    const { path, manifest } = await writeArtifact(
      place("aes-256-cbc"),
      input(),
    );
    expect(basename(path)).to.equal("takumi_db_20240115_140000.sql.gz.enc");
    execFileSync("sha256sum", ["-c", `${basename(path)}.sha256`], {
      cwd: join(path, ".."),
    });
    expect((await readdir(join(path, ".."))).toSorted()).to.deep.equal(
      ["", ".manifest.json", ".sha256"].map(
        (suffix) => `${basename(path)}${suffix}`,
      ),
    );
    expect(manifest).to.deep.include({
      kind: "database",
      createdAt: AT.toISOString(),
      compression: "gzip",
      contents: { tables: 3 },
      recoveryPoint: { lsn: "0/1" },
    });
    expect(manifest.plain.sizeBytes).to.equal(CONTENT.length);
    const names = [
      ["contracts", "contract_snapshot_20240115_140000.tar.zst"],
      ["files", "takumi_files_20240115_140000.tar.zst"],
      ["configuration", "takumi_config_20240115_140000.tar.zst"],
    ] as const;
    for (const [kind, name] of names) {
      const written = await writeArtifact(
        place("none", { compression: "zstd" }),
        input({ kind }),
      );
      expect(basename(written.path)).to.equal(name);
    }
  });

  it("is opened by openssl and gzip, without this tool", async function () {
    requirePrograms(this, "openssl", "gzip", "zstd");
    const path = await write("aes-256-cbc");
    const opened = execFileSync(
      "sh",
      [
        "-c",
        `openssl enc -d -aes-256-cbc -pbkdf2 -iter 600000 -pass "file:$1" -in "$2" | gzip -d`,
        "sh",
        config.keyFile!,
        path,
      ],
      { maxBuffer: 2 ** 24 },
    );
    expect(opened).to.deep.equal(CONTENT);
    const plain = await write("none", { compression: "zstd" });
    expect(
      execFileSync("zstd", ["-dc", plain], { maxBuffer: 2 ** 24 }),
    ).to.deep.equal(CONTENT);
  });

  it("is opened by age, without this tool, and so is what age encrypted", async function () {
    requirePrograms(this, "age");
    const path = await write("age");
    const open = ["-d", "-i", config.identityFile!, path];
    expect(
      gunzipSync(execFileSync("age", open, { maxBuffer: 2 ** 24 })),
    ).to.deep.equal(CONTENT);
    execFileSync("age", ["-r", RECIPIENT, "-o", path], {
      input: gzipSync(CONTENT),
    });
    await refit(path);
    expect(await read(path)).to.deep.equal(CONTENT);
  });

  for (const choice of CHOICES) {
    it(`is refused with any byte changed or cut off (${choice})`, async () => {
      const path = await write(choice);
      const good = await readFile(path);
      const positions = [0, 7, 12, 40, 200, good.length >> 1, good.length - 1];
      for (const position of positions) {
        const bad = Buffer.from(good);
        bad[position]! ^= 1;
        await writeFile(path, bad);
        expect(await codeOf(async () => await read(path))).to.equal(
          "ARTIFACT_DAMAGED",
        );
      }
      for (const size of [0, 1, 16, good.length >> 1, good.length - 1]) {
        await writeFile(path, good);
        await truncate(path, size);
        expect(await codeOf(async () => await read(path))).to.equal(
          "ARTIFACT_DAMAGED",
        );
      }
    });
  }

  it("is refused when its checksum says something else, and not without one", async () => {
    const path = await write("aes-256-gcm");
    const checksum = `${path}.sha256`;
    const good = await readFile(checksum);
    for (const position of [0, 63, 64, 65, 66, good.length - 2]) {
      const bad = Buffer.from(good);
      bad[position]! ^= 1;
      await writeFile(checksum, bad);
      expect(
        await codeOf(async () => await read(path)),
        `byte ${String(position)}`,
      ).to.equal("ARTIFACT_DAMAGED");
    }
    for (const size of [0, 1, 64, good.length - 2]) {
      await writeFile(checksum, good.subarray(0, size));
      expect(await codeOf(async () => await read(path))).to.equal(
        "ARTIFACT_DAMAGED",
      );
    }
    await writeFile(
      checksum,
      execFileSync("sha256sum", [path], { encoding: "utf8" }),
    );
    expect(await read(path)).to.deep.equal(CONTENT);
    await rm(checksum);
    expect(await read(path)).to.deep.equal(CONTENT);
  });

  for (const choice of ENCRYPTION_FORMATS) {
    it(`is refused by the encryption itself where the manifest was made to fit (${choice})`, async () => {
      const path = await write(choice);
      const good = await readFile(path);
      for (const position of [0, 12, 60, good.length >> 1, good.length - 1]) {
        const bad = Buffer.from(good);
        bad[position]! ^= 1;
        await writeFile(path, bad);
        await refit(path);
        const error = await refusalOf(async () => await read(path));
        expect(error.code, `byte ${String(position)}`).to.equal(
          "ARTIFACT_NOT_OPENED",
        );
        if (choice === "aes-256-cbc") {
          expect(error.message).to.include("its HMAC doesn't fit");
        }
      }
      for (const size of [1, 30, good.length >> 1, good.length - 1]) {
        await writeFile(path, good.subarray(0, size));
        await refit(path);
        expect(
          await codeOf(async () => await read(path)),
          `cut at ${String(size)}`,
        ).to.equal("ARTIFACT_NOT_OPENED");
      }
    });
  }

  it("gives no more than its manifest says, to whatever size it may unfold", async () => {
    const bomb = input({ stream: Readable.from([Buffer.alloc(50_000_000)]) });
    const { path } = await writeArtifact(place("none"), bomb);
    await forge(path, ({ plain }) => ({ plain: { ...plain, sizeBytes: 1e6 } }));
    const checked = await checkArtifact(path, { trusted: [] });
    let got = 0;
    const error = await refusalOf(async () => {
      for await (const chunk of await openArtifact(checked, keys())) {
        got += (chunk as Buffer).length;
      }
    });
    expect(error.code).to.equal("ARTIFACT_DAMAGED");
    expect(got).to.be.at.most(1e6);
  });

  it("isn't passed off as another one, nor as one of another kind", async () => {
    const path = await write("aes-256-gcm");
    const other = path.replace("140000", "150000");
    await copyFile(path, other);
    await copyFile(`${path}.manifest.json`, `${other}.manifest.json`);
    expect(await codeOf(async () => await read(other))).to.equal(
      "ARTIFACT_DAMAGED",
    );
    await forge(other, () => ({ artifact: basename(other) }));
    expect(await codeOf(async () => await read(other))).to.equal(
      "ARTIFACT_NOT_OPENED",
    );
    await forge(path, () => ({ kind: "files" }));
    expect(await codeOf(async () => await read(path))).to.equal(
      "ARTIFACT_NOT_OPENED",
    );
  });

  for (const choice of ["aes-256-gcm", "aes-256-cbc"] as const) {
    it(`is opened after a rotation by the old key, and by no other (${choice})`, async () => {
      const path = await write(choice);
      const newKey = join(folder.path, "new.key");
      await generateBackupKey(newKey);
      const rotated = { keyFile: newKey, oldKeyFiles: [config.keyFile!] };
      expect(await read(path, keys(rotated))).to.deep.equal(CONTENT);
      const error = await refusalOf(
        async () => await read(path, keys({ keyFile: newKey })),
      );
      expect(error.code).to.equal("KEY_UNKNOWN");
      // Another key's file that is gone keeps nobody from the one that is here.
      const gone = join(folder.path, "gone.key");
      const oldKeyFiles = [gone, config.keyFile!];
      expect(
        await read(path, keys({ keyFile: newKey, oldKeyFiles })),
      ).to.deep.equal(CONTENT);
      expect(
        await codeOf(
          async () =>
            await read(path, keys({ keyFile: newKey, oldKeyFiles: [gone] })),
        ),
      ).to.equal("KEY_FILE_UNREADABLE");
      const secret = (await readFile(newKey, "utf8")).trim();
      expect(error.message + error.fix).to.not.include(secret);
      // The manifest is made to name the wrong key.
      const { manifest } = await writeArtifact(
        place("none", {
          encryption: { ...config, ...rotated, format: choice },
        }),
        input({ kind: "files" }),
      );
      const { key } = manifest.encryption as { readonly key: string };
      await forge(path, ({ encryption }) => ({
        encryption: { ...encryption, key } as never,
      }));
      expect(
        await codeOf(async () => await read(path, keys(rotated))),
      ).to.equal("ARTIFACT_NOT_OPENED");
    });
  }

  it("takes a passphrase for openssl only, and no key that others may read", async () => {
    await writeFile(config.keyFile!, "correct horse battery staple\n");
    expect(await codeOf(async () => await write("aes-256-gcm"))).to.equal(
      "KEY_NOT_FOR_GCM",
    );
    const path = await write("aes-256-cbc");
    expect(await read(path)).to.deep.equal(CONTENT);
    await chmod(config.keyFile!, 0o644);
    expect(await codeOf(async () => await read(path))).to.equal(
      "KEY_FILE_EXPOSED",
    );
    await rm(config.keyFile!);
    expect(await codeOf(async () => await read(path))).to.equal(
      "KEY_FILE_UNREADABLE",
    );
    expect(
      await codeOf(async () => await read(path, { trusted: [] })),
    ).to.equal("KEY_NOT_CONFIGURED");
  });

  it("names whom it is encrypted to, when that isn't the key that is here", async () => {
    const path = await write("age");
    const other = join(folder.path, "other.txt");
    const identity = await generateX25519Identity();
    await writeFile(other, `${identity}\n`, { mode: 0o600 });
    const error = await refusalOf(
      async () => await read(path, keys({ identityFile: other })),
    );
    expect(error.code).to.equal("AGE_IDENTITY_OTHER");
    expect(error.message).to.include(RECIPIENT).and.to.include(other);
    expect(error.fix).to.include(await identityToRecipient(identity));
    expect(error.message + error.fix).to.not.include(identity);
    const encryption: EncryptionConfig = {
      format: "age",
      oldKeyFiles: [],
      recipients: [RECIPIENT],
    };
    expect(
      await codeOf(async () => await read(path, { encryption, trusted: [] })),
    ).to.equal("KEY_NOT_CONFIGURED");
  });

  it("never replaces a key, nor leaves half of one", async () => {
    const before = await readFile(config.keyFile!, "utf8");
    expect(before).to.match(/^[0-9a-f]{64}\n$/);
    expect(
      await codeOf(async () => {
        await generateBackupKey(config.keyFile!);
      }),
    ).to.equal("KEY_FILE_EXISTS");
    expect(await readFile(config.keyFile!, "utf8")).to.equal(before);
    expect((await stat(config.keyFile!)).mode & 0o777).to.equal(0o600);
    expect(await readdir(folder.path)).to.have.members([
      "backup.key",
      "go-bag.key",
    ]);
  });

  it("takes the memory of bytes that were handed over, and of no others", async () => {
    const ours = randomBytes(3_000_000);
    const all = Buffer.concat([ours, ours, ours]);
    const given = handOver(Buffer.from(ours));
    const stream = Readable.from([ours, given, ours]);
    const { path } = await writeArtifact(
      place("aes-256-gcm"),
      input({ stream }),
    );
    expect((await read(path)).equals(all)).to.equal(true);
    expect(ours.equals(all.subarray(0, ours.length))).to.equal(true);
    expect(given).to.have.length(0);
    const gathered = handOver(Buffer.from(ours));
    const compress = compressing("gzip");
    expect(
      gunzipSync(await buffer(await compress(Readable.from([gathered])))),
    ).to.deep.equal(ours);
    expect(gathered).to.have.length(0);
  });

  it("isn't there when whoever made the stream failed, even after a good end", async () => {
    const failure = new Error("pg_dump ended with 1");
    const failing = [
      { produced: Promise.reject(failure) },
      // Long after the last byte.
      {
        produced: sleep(500).then(() => {
          throw failure;
        }),
      },
      {
        stream: Readable.from(
          (async function* () {
            await Promise.resolve();
            yield CONTENT;
            throw failure;
          })(),
        ),
      },
    ];
    for (const changes of failing) {
      const error = await writeArtifact(
        place("aes-256-gcm"),
        input(changes),
      ).then(
        () => undefined,
        (caught: unknown) => caught,
      );
      expect(String(error)).to.include("pg_dump ended with 1");
      expect(await readdir(join(folder.path, "backups"))).to.deep.equal([]);
    }
  });

  it("isn't there when the disk is full, nor is anything of it", async function () {
    if (!SmallDisk.isPossible()) {
      this.skip();
    }
    const backups = join(folder.path, "backups");
    await mkdir(backups);
    const disk = SmallDisk.mount(backups, 1_000_000);
    try {
      for (const choice of CHOICES) {
        expect(await codeOf(async () => await write(choice)), choice).to.equal(
          "NOT_WRITABLE",
        );
        expect(await readdir(backups)).to.deep.equal([]);
      }
    } finally {
      disk.unmount();
    }
  });

  it("isn't there without its manifest, nor twice in one second", async () => {
    const path = await write("none");
    expect(await codeOf(async () => await write("none"))).to.equal(
      "ARTIFACT_EXISTS",
    );
    await rm(`${path}.manifest.json`);
    expect(await codeOf(async () => await read(path))).to.equal(
      "ARTIFACT_MISSING",
    );
    expect(
      await codeOf(async () => await read(join(folder.path, "..", ".hidden"))),
    ).to.equal("ARTIFACT_NAME_INVALID");
  });

  describe("whose manifest is signed", () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const trusted = [publicKeyOf(privateKey)];

    it("is trusted for its signer's sake alone", async () => {
      const path = await write("none", { signingKey: privateKey });
      const { provenance } = await checkArtifact(path, { trusted });
      expect(provenance).to.deep.equal({
        status: "signed",
        publicKey: trusted[0],
      });
      const stranger = publicKeyOf(generateKeyPairSync("ed25519").privateKey);
      expect(
        await codeOf(
          async () => await checkArtifact(path, { trusted: [stranger] }),
        ),
      ).to.equal("MANIFEST_NOT_TRUSTED");
      await forge(path, () => ({ contents: { tables: 4 } }));
      expect(
        await codeOf(async () => await checkArtifact(path, { trusted: [] })),
      ).to.equal("MANIFEST_SIGNATURE_WRONG");
    });

    it("is told from one that nobody signed", async () => {
      const path = await write("none");
      expect(
        (await checkArtifact(path, { trusted: [] })).provenance,
      ).to.deep.equal({ status: "unsigned" });
      expect(
        await codeOf(async () => await checkArtifact(path, { trusted })),
      ).to.equal("MANIFEST_NOT_TRUSTED");
    });

    it("is refused with any byte of it changed", async () => {
      const path = await write("none", { signingKey: privateKey });
      const file = `${path}.manifest.json`;
      const good = await readFile(file);
      for (let position = 0; position < good.length; position += 7) {
        const bad = Buffer.from(good);
        bad[position]! ^= 1;
        await writeFile(file, bad);
        expect(
          await codeOf(async () => await read(path, keys({}, trusted))),
          `byte ${String(position)}`,
        ).to.be.oneOf([
          "MANIFEST_INVALID",
          "MANIFEST_TOO_NEW",
          "MANIFEST_SIGNATURE_WRONG",
          "MANIFEST_NOT_TRUSTED",
        ]);
      }
      await writeFile(file, good.subarray(0, good.length >> 1));
      expect(
        await codeOf(async () => await read(path, keys({}, trusted))),
      ).to.equal("MANIFEST_INVALID");
    });
  });

  it("names the one before it, of its kind", async () => {
    const path = await write("none");
    const before = execFileSync("sha256sum", [`${path}.manifest.json`]);
    const later = {
      clock: { ...systemClock, now: () => new Date(AT.getTime() + 60_000) },
    };
    const other = await writeArtifact(
      place("none", later),
      input({ kind: "files" }),
    );
    expect(other.manifest).to.not.have.property("previous");
    // Another one is damaged; that keeps nobody from backing up.
    const damaged = path.replace("140000", "140030");
    await writeFile(`${damaged}.manifest.json`, "{");
    const next = await writeArtifact(place("none", later), input());
    expect(next.manifest.previous).to.equal(before.toString().slice(0, 64));
  });

  it("names the one before it also when a clock went back", async () => {
    const written: Manifest[] = [];
    for (const minutes of [60, 0, 1]) {
      const now = () => new Date(AT.getTime() + minutes * 60_000);
      const clock = { ...systemClock, now };
      const { path, manifest } = await writeArtifact(
        place("none", { clock }),
        input(),
      );
      const before = written.at(-1);
      expect(manifest.previous).to.equal(
        before === undefined
          ? undefined
          : digestManifest(encodeManifest(before)),
        path,
      );
      written.push(manifest);
    }
  });
});
