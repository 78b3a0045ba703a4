import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";

import { expect } from "chai";

import { generateBackupKey } from "../../src/artifact/backup-key.js";
import {
  opensAlike,
  type EncryptionConfig,
} from "../../src/artifact/encryption.js";
import { openKmsKeyring } from "../../src/artifact/kms-key.js";
import {
  encodeManifest,
  parseManifest,
  type Manifest,
} from "../../src/artifact/manifest.js";
import {
  checkArtifact,
  measureFile,
  openArtifact,
} from "../../src/artifact/read-artifact.js";
import { writeArtifact } from "../../src/artifact/write-artifact.js";
import { openPlace } from "../../src/backup/place.js";
import { resolveDrConfig } from "../../src/config/resolve.js";
import { validateDrConfig } from "../../src/config/validate.js";
import { systemClock } from "../../src/core/clock.js";
import { codeOf, refusalOf } from "../deployments/refusal.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { useEnvironment } from "../helpers/environment.js";
import { KMS_KEY, KmsServer, OTHER_KMS_KEY } from "../helpers/kms-server.js";

const CONTENT = Buffer.alloc(3_000_000, "profile,endorsement\n");
const SECRET = "s3cr3t-access-key-of-aws";

const FORMAT = {
  format: "aes-256-gcm",
  oldKeyFiles: [],
  recipients: [],
} as const satisfies EncryptionConfig;

const CONFIG: EncryptionConfig = { ...FORMAT, kmsKey: KMS_KEY };

describe("an artifact encrypted with a KMS key", () => {
  const folder = useTemporaryFolder();
  let kms: KmsServer;
  const environment = useEnvironment();

  before(async () => {
    kms = await KmsServer.start();
  });

  after(async () => {
    await kms.stop();
  });

  beforeEach(() => {
    for (const [name, value] of Object.entries({
      AWS_ENDPOINT_URL_KMS: kms.url,
      AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
      AWS_SECRET_ACCESS_KEY: SECRET,
      AWS_MAX_ATTEMPTS: "1",
      // Nobody is asked for credentials who may be on the network.
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_CONFIG_FILE: "/dev/null",
      AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
    })) {
      environment.set(name, value);
    }
    kms.asked.length = 0;
    kms.failure = undefined;
  });

  async function write(
    encryption = CONFIG,
    stream = Readable.from([CONTENT]),
  ): Promise<string> {
    const { path } = await writeArtifact(
      {
        folder: join(folder.path, "backups"),
        project: "takumi",
        clock: { ...systemClock, now: () => new Date("2024-01-15T14:00:00Z") },
        tool: "test",
        compression: "gzip",
        encryption,
      },
      {
        kind: "database",
        stream,
        describe: () => ({ contents: {}, recoveryPoint: {} }),
      },
    );
    return path;
  }

  async function read(path: string, encryption = CONFIG): Promise<Buffer> {
    const keys = { encryption, trusted: [] };
    return await buffer(
      await openArtifact(await checkArtifact(path, keys), keys),
    );
  }

  async function forge(
    path: string,
    change: (manifest: Manifest) => Partial<Manifest>,
  ): Promise<void> {
    const file = `${path}.manifest.json`;
    const manifest = parseManifest(await readFile(file, "utf8"), file);
    await writeFile(file, encodeManifest({ ...manifest, ...change(manifest) }));
  }

  it("comes back as it was, with one question each way", async () => {
    const path = await write();
    expect(kms.asked).to.deep.equal(["GenerateDataKey"]);
    const text = await readFile(`${path}.manifest.json`, "utf8");
    expect(parseManifest(text, path).encryption).to.deep.equal({
      format: "aes-256-gcm",
      key: KMS_KEY,
    });
    expect(await read(path)).to.deep.equal(CONTENT);
    expect(kms.asked).to.deep.equal(["GenerateDataKey", "Decrypt"]);
  });

  it("isn't written, nor begun, when KMS can't be asked", async () => {
    const failures = [
      ["AccessDeniedException", 400, "KMS_DENIED"],
      ["DisabledException", 400, "KMS_DENIED"],
      ["KMSInternalException", 500, "KMS_UNREACHABLE"],
      ["ThrottlingException", 400, "KMS_UNREACHABLE"],
    ] as const;
    for (const [name, status, code] of failures) {
      kms.failure = { name, status };
      let isBegun = false;
      const stream = Readable.from(
        (async function* () {
          await Promise.resolve();
          isBegun = true;
          yield CONTENT;
        })(),
      );
      const error = await refusalOf(async () => await write(CONFIG, stream));
      expect(error.code, name).to.equal(code);
      expect(error.message).to.include(KMS_KEY).and.include(name);
      expect(isBegun).to.equal(false);
      expect(await readdir(join(folder.path, "backups"))).to.deep.equal([]);
    }
  });

  it("isn't written, nor opened, with a key that KMS doesn't have, or without credentials", async () => {
    const kmsKey = KMS_KEY.replace("1234abcd", "ffffffff");
    const unknown = await refusalOf(
      async () => await write({ ...FORMAT, kmsKey }),
    );
    expect(unknown.code).to.equal("KMS_DENIED");
    expect(unknown.message).to.include("NotFoundException");
    const path = await write();
    delete process.env.AWS_ACCESS_KEY_ID;
    const error = await refusalOf(async () => await read(path));
    expect(error.code).to.equal("KMS_DENIED");
    expect(error.message).to.include("Credentials");
  });

  it("isn't opened when KMS refuses or can't be reached, and says so", async () => {
    const path = await write();
    kms.failure = { name: "AccessDeniedException", status: 400 };
    const denied = await refusalOf(async () => await read(path));
    expect(denied.code).to.equal("KMS_DENIED");
    expect(denied.message + denied.fix).to.not.include(SECRET);
    kms.failure = undefined;
    process.env.AWS_ENDPOINT_URL_KMS = "http://127.0.0.1:1";
    expect(await codeOf(async () => await read(path))).to.equal(
      "KMS_UNREACHABLE",
    );
  });

  it("is opened with the configured key alone, whatever its manifest says", async () => {
    const path = await write();
    const other = { ...CONFIG, kmsKey: OTHER_KMS_KEY };
    kms.asked.length = 0;
    expect(await codeOf(async () => await read(path, other))).to.equal(
      "KMS_KEY_UNKNOWN",
    );
    expect(kms.asked).to.deep.equal([]);
    await forge(path, () => ({
      encryption: { format: "aes-256-gcm", key: OTHER_KMS_KEY },
    }));
    expect(await codeOf(async () => await read(path, other))).to.equal(
      "ARTIFACT_NOT_OPENED",
    );
  });

  it("is refused with any byte of it changed, and under another name", async () => {
    const path = await write();
    const good = await readFile(path);
    await rm(`${path}.sha256`);
    for (const position of [20, 150, 300, good.length - 1]) {
      const bad = Buffer.from(good);
      bad[position]! ^= 1;
      await writeFile(path, bad);
      const stored = await measureFile(path);
      await forge(path, () => ({ stored }));
      expect(
        await codeOf(async () => await read(path)),
        String(position),
      ).to.equal("ARTIFACT_NOT_OPENED");
    }
    const other = path.replace("140000", "150000");
    await writeFile(other, good);
    await writeFile(
      `${other}.manifest.json`,
      await readFile(`${path}.manifest.json`),
    );
    const stored = await measureFile(other);
    await forge(other, () => ({ artifact: basename(other), stored }));
    expect(await codeOf(async () => await read(other))).to.equal(
      "ARTIFACT_NOT_OPENED",
    );
  });

  it("is opened beside those of key files from before", async () => {
    const keyFile = join(folder.path, "backup.key");
    await generateBackupKey(keyFile);
    const path = await write({ ...FORMAT, keyFile });
    const both = { ...CONFIG, keyFile };
    expect(await read(path, both)).to.deep.equal(CONTENT);
    expect(kms.asked).to.deep.equal([]);
    const record = { format: "aes-256-gcm", key: KMS_KEY } as const;
    expect(await opensAlike(both, record)).to.equal(true);
    expect(await opensAlike({ ...FORMAT, keyFile }, record)).to.equal(false);
  });

  it("needs its package", async () => {
    const missing = Object.assign(new Error("Cannot find package"), {
      code: "ERR_MODULE_NOT_FOUND",
    });
    const error = await refusalOf(
      async () =>
        await openKmsKeyring(
          KMS_KEY,
          "it",
          () => undefined,
          async () => await Promise.reject(missing),
        ),
    );
    expect(error.code).to.equal("OFFSITE_PACKAGE_MISSING");
    expect(error.fix).to.include("@aws-crypto/kms-keyring-node");
  });

  it("is configured by its ARN, for its one format", async () => {
    const problems = (encryption: object) =>
      validateDrConfig({ encryption }).map(({ message }) => message);
    expect(problems({ kmsKey: KMS_KEY })).to.deep.equal([]);
    expect(
      problems({ kmsKey: KMS_KEY, format: "aes-256-cbc" }).join(),
    ).to.include("aes-256-gcm");
    expect(
      problems({ kmsKey: "arn:aws:kms:eu-central-1:111122223333:alias/a" }),
    ).to.have.length(1);
    const config = resolveDrConfig(
      { encryption: { kmsKey: KMS_KEY } },
      folder.path,
      () => expect.fail(),
      {},
    );
    const place = await openPlace(config, "files", systemClock, "test");
    expect(place.encryption?.kmsKey).to.equal(KMS_KEY);
  });
});
