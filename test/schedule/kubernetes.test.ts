import { spawnSync } from "node:child_process";

import { expect } from "chai";
import { parseAllDocuments } from "yaml";

import { JOBS } from "../../src/schedule/jobs.js";
import { kubernetesFiles } from "../../src/schedule/kubernetes.js";
import { requireProgram, requirePrograms } from "../helpers/programs.js";
import { contextOf, EVERYTHING } from "./context.js";

interface Container {
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
  readonly envFrom?: readonly {
    readonly secretRef: { readonly name: string };
  }[];
  readonly resources: { readonly limits: unknown; readonly requests: unknown };
  readonly volumeMounts: readonly {
    readonly name: string;
    readonly mountPath: string;
  }[];
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly schedule: string;
    readonly timeZone: string;
    readonly concurrencyPolicy: string;
    readonly jobTemplate: {
      readonly spec: {
        readonly backoffLimit: number;
        readonly template: {
          readonly spec: {
            readonly initContainers?: readonly Container[];
            readonly containers: readonly [Container];
          };
        };
      };
    };
  };
}

describe("the schedule for Kubernetes", () => {
  function manifests(dr = EVERYTHING): Manifest[] {
    const [file] = kubernetesFiles(contextOf(dr));
    return parseAllDocuments(file!.text, { version: "1.1" }).map((document) => {
      expect(document.errors).to.deep.equal([]);
      return document.toJS() as Manifest;
    });
  }

  const cronJobs = (dr = EVERYTHING) =>
    manifests(dr).filter(({ kind }) => kind === "CronJob");

  const podOf = ({ spec }: Manifest) => spec.jobTemplate.spec.template.spec;

  it("is what Kubernetes' own schemas allow", async function () {
    const module = "kubernetes-models";
    const models = await Promise.all([
      import(`${module}/batch/v1`),
      import(`${module}/v1`),
    ]).catch(() => undefined);
    requireProgram(
      this,
      models !== undefined,
      "kubernetes-models isn't installed",
    );
    type Model = new (manifest: unknown) => { validate(): void };
    const [{ CronJob }, { PersistentVolumeClaim }] = models as [
      { CronJob: Model },
      { PersistentVolumeClaim: Model },
    ];
    for (const manifest of [...manifests(), ...manifests({})]) {
      const Kind =
        manifest.kind === "CronJob" ? CronJob : PersistentVolumeClaim;
      new Kind(manifest).validate();
    }
  });

  it("is what kubectl reads", function () {
    requirePrograms(this, "kubectl");
    this.timeout(20_000);
    const [file] = kubernetesFiles(contextOf());
    const { status, stdout, stderr } = spawnSync(
      "kubectl",
      ["label", "--local", "-f", "-", "checked=yes", "-o", "name"],
      { input: file!.text, encoding: "utf8" },
    );
    expect(status, stderr).to.equal(0);
    expect(stdout.trim().split("\n")).to.have.length(JOBS.length + 1);
  });

  it("has a CronJob for each job, in UTC, one at a time, and tried once", () => {
    const found = cronJobs();
    expect(found).to.have.length(JOBS.length);
    for (const { metadata, spec } of found) {
      expect(metadata.name).to.match(/^[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?$/);
      expect(spec).to.deep.include({
        timeZone: "Etc/UTC",
        concurrencyPolicy: "Forbid",
      });
      expect(spec.jobTemplate.spec.backoffLimit).to.equal(0);
    }
  });

  it("has names that are short enough for the longest project", () => {
    const [file] = kubernetesFiles(
      contextOf(EVERYTHING, { project: "a".repeat(80) }),
    );
    for (const document of parseAllDocuments(file!.text)) {
      const { metadata } = document.toJS() as Manifest;
      expect(metadata.name.length).to.be.lessThan(53);
    }
  });

  it("takes secrets from secrets", () => {
    for (const job of cronJobs()) {
      const [{ env = [], envFrom = [], resources }] = podOf(job).containers;
      expect(envFrom).to.deep.equal([
        { secretRef: { name: "hardhat-dr-takumi-platform" } },
      ]);
      expect(env.map(({ name }) => name)).to.deep.equal([
        ...["HOME", "GOOGLE_APPLICATION_CREDENTIALS"],
      ]);
      expect(resources.limits).to.not.equal(undefined);
      expect(resources.requests).to.not.equal(undefined);
    }
  });

  it("copies keys, because mounted ones are read by a group, to where they are looked for", () => {
    const pod = podOf(cronJobs()[0]!);
    expect(pod.initContainers![0]!.args[0]).to.include(
      "install -m 600 /run/secrets/hardhat-dr/BACKUP_ENCRYPTION_KEY",
    );
    const paths = pod.containers[0].volumeMounts
      .filter(({ name }) => name === "keys")
      .map(({ mountPath }) => mountPath);
    expect(paths).to.deep.equal([
      "/etc/takumi/backup-encryption.key",
      "/app/keys/signing.pem",
      "/run/keys/hardhat-dr/GCS_SERVICE_ACCOUNT",
    ]);
  });

  it("asks whether it is Monday where its schedule can't", () => {
    const drill = cronJobs().find(({ metadata }) =>
      metadata.name.endsWith("-drill"),
    )!;
    expect(drill.spec.schedule).to.equal("0 5 1-7 * *");
    const [{ args }] = podOf(drill).containers;
    expect(args[0]!.split("\n").slice(0, 2)).to.deep.equal([
      '[ "$(date -u +%u)" = 1 ] || exit 0',
      "npx --no hardhat dr:drill --network mainnet",
    ]);
  });
});
