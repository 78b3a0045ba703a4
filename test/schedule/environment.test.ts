import { expect } from "chai";

import { findNeeded } from "../../src/schedule/environment.js";
import { cronFiles } from "../../src/schedule/cron.js";
import { githubFiles } from "../../src/schedule/github.js";
import { kubernetesFiles } from "../../src/schedule/kubernetes.js";
import { systemdFiles } from "../../src/schedule/systemd.js";
import { contextOf, EVERYTHING, variable } from "./context.js";

describe("what scheduled tasks need", () => {
  const secret = "do-not-write-me-down";
  const environment = {
    DATABASE_URL: `postgres://u:${secret}@db/takumi`,
    POSTGRES_PASSWORD: secret,
    AWS_ACCESS_KEY_ID: secret,
    AWS_SECRET_ACCESS_KEY: secret,
    AZURE_STORAGE_KEY: secret,
  };

  it("is what the configuration rests on", () => {
    const config = {
      networks: { mainnet: { url: variable("MAINNET_RPC_URL") } },
      plugins: [{ secret: variable("NOT_OURS") }],
      dr: EVERYTHING,
    };
    expect(findNeeded(config, "/srv/takumi", {})).to.deep.equal({
      secrets: [
        ...["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AZURE_STORAGE_KEY"],
        ...["DATABASE_URL", "MAINNET_RPC_URL"],
      ],
      settings: {},
      files: [
        {
          secret: "BACKUP_ENCRYPTION_KEY",
          path: "/etc/takumi/backup-encryption.key",
        },
        { secret: "BACKUP_SIGNING_KEY", path: "/srv/takumi/keys/signing.pem" },
        {
          secret: "GCS_SERVICE_ACCOUNT",
          variable: "GOOGLE_APPLICATION_CREDENTIALS",
        },
      ],
      trialServer: "TRIAL_DATABASE_URL",
    });
  });

  it("is what the old scripts were told, where the configuration says nothing", () => {
    const needed = findNeeded({}, "/srv/takumi", {
      ...environment,
      DATABASE_URL: "",
      POSTGRES_HOST: "db",
      POSTGRES_DB: "takumi",
      OFFSITE_PROVIDER: "s3",
      S3_BUCKET: "takumi",
      S3_REGION: "us-east-1",
      RETENTION_DAYS: "60",
    });
    expect(needed.secrets).to.deep.equal([
      ...["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "POSTGRES_PASSWORD"],
    ]);
    expect(needed.settings).to.deep.equal({
      POSTGRES_HOST: "db",
      POSTGRES_DB: "takumi",
      RETENTION_DAYS: "60",
      OFFSITE_PROVIDER: "s3",
      S3_BUCKET: "takumi",
      S3_REGION: "us-east-1",
    });
    expect(needed.files).to.deep.equal([
      { secret: "BACKUP_ENCRYPTION_KEY", variable: "ENCRYPTION_KEY_FILE" },
    ]);
  });

  it("is an identity for age, and the cloud's word for KMS", () => {
    const age = findNeeded(
      { dr: { encryption: { format: "age", identityFile: "id.txt" } } },
      "/srv/takumi",
      {},
    );
    expect(age.files).to.deep.equal([
      { secret: "BACKUP_AGE_IDENTITY", path: "/srv/takumi/id.txt" },
    ]);
    const kms = findNeeded(
      { dr: { encryption: { kmsKey: "arn:aws:kms:x" } } },
      "/srv/takumi",
      {},
    );
    expect(kms.files).to.deep.equal([]);
    expect(kms.secrets).to.include("AWS_SECRET_ACCESS_KEY");
  });

  it("is named in the files, and its secrets' values aren't", () => {
    const { database, ...rest } = EVERYTHING;
    expect(database).to.not.equal(undefined);
    const context = contextOf(rest, {}, environment);
    const files = [
      ...cronFiles(context, "/srv/takumi/schedules"),
      ...systemdFiles(context),
      ...githubFiles(context),
      ...kubernetesFiles(context),
    ];
    for (const { path, text } of files) {
      expect(text, path).to.not.include(secret);
    }
    for (const suffix of [".env.example", "dr-backup.yml", ".yaml"]) {
      const found = files.find(({ path }) => path.endsWith(suffix));
      expect(found!.text, suffix).to.include("DATABASE_URL");
    }
  });
});
