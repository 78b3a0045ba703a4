import { cp, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";

import { generateBackupKey } from "../../src/artifact/backup-key.js";
import { artifactKeys } from "../../src/backup/place.js";
import type { DrUserConfig } from "../../src/config/types.js";
import { systemClock } from "../../src/core/clock.js";
import { openEngine } from "../../src/database/open-engine.js";
import { UNWATCHED } from "../../src/core/meter.js";
import type { TargetTestOptions } from "../../src/restore-test/test-target.js";
import { usePostgres, type PostgresCluster } from "../helpers/postgres.js";
import { SOLC, openScene } from "../snapshot/scene.js";
import { openProject } from "../tasks/project.js";

export interface CriterionJson {
  readonly name: string;
  readonly status: string;
  readonly detail: string | null;
  readonly code?: string;
}

interface DetailsJson {
  readonly criteria: readonly CriterionJson[];
  readonly kept_database: string | null;
  readonly proven_at: string | null;
  readonly notices: readonly string[];
}

interface TestsJson {
  readonly database_restore: Readonly<Record<string, string | null>>;
  readonly contract_restore: Readonly<Record<string, string | null>>;
}

export interface RestoreTestJson {
  readonly status: string;
  readonly summary: string;
  readonly seed: string | null;
  readonly test_timestamp: string;
  readonly log_file: string;
  readonly report: string;
  readonly tests: TestsJson;
  readonly targets: readonly {
    readonly target: string;
    readonly status: string;
    readonly tests: TestsJson;
    readonly details: {
      readonly database_restore: DetailsJson;
      readonly contract_restore: DetailsJson;
    };
  }[];
  readonly error?: { readonly code: string };
}

/**
 * A project with a database, contracts, and two backups of each in a folder
 * that each test gets copies of as its offsite targets.
 */
export class RestoreTestScene {
  readonly #postgres = usePostgres();
  /** Of all tests together. */
  #root = "";
  /** Of one. */
  folder = "";
  hre!: HardhatRuntimeEnvironment;

  constructor() {
    before(async () => {
      this.#root = await mkdtemp(join(tmpdir(), "hardhat-dr-"));
      await this.#prepare();
    });
    after(async () => {
      await rm(this.#root, { recursive: true, force: true });
    });
    beforeEach(async () => {
      this.folder = await mkdtemp(join(this.#root, "test-"));
      for (const target of ["disk-a", "disk-b"]) {
        await cp(this.pristine, join(this.folder, target), { recursive: true });
      }
      await this.open();
    });
    afterEach(() => {
      process.exitCode = undefined;
      for (const name of this.databases().filter((one) => one !== "takumi")) {
        this.cluster.psql(`DROP DATABASE "${name}" WITH (FORCE)`);
      }
    });
  }

  get cluster(): PostgresCluster {
    return this.#postgres.cluster;
  }

  /** What a target holds at the beginning. */
  get pristine(): string {
    return join(this.#root, "pristine");
  }

  get keyFile(): string {
    return join(this.#root, "backup.key");
  }

  async #prepare(): Promise<void> {
    await generateBackupKey(this.keyFile);
    this.cluster.psql("CREATE DATABASE takumi");
    this.cluster.psql(
      `CREATE TABLE profiles (id serial PRIMARY KEY, name text NOT NULL);
       CREATE TABLE endorsements (id int PRIMARY KEY, profile int REFERENCES profiles);
       CREATE TABLE skill_claims (id int PRIMARY KEY);
       INSERT INTO profiles (name) SELECT md5(n::text) FROM generate_series(1, 42) n;
       INSERT INTO endorsements SELECT n, n FROM generate_series(1, 42) n;`,
      "takumi",
    );
    const scene = await openScene(join(this.#root, "project"), {
      ...SOLC,
      dr: this.config({ paths: { backups: join(this.#root, "backups") } }),
    });
    await mkdir(this.pristine);
    for (let round = 0; round < 2; round += 1) {
      await scene.run("dr:db:backup");
      await scene.run("dr:snapshot");
    }
    const made = await readdir(join(this.#root, "backups/database"));
    if (made.length !== 6) {
      throw new Error(`there are ${made.join(", ")}`);
    }
    for (const kind of ["database", "contracts"]) {
      await cp(join(this.#root, "backups", kind), join(this.pristine, kind), {
        recursive: true,
      });
    }
    await rm(join(this.#root, "backups"), { recursive: true });
    await rm(join(this.#root, "project/artifacts"), { force: true });
  }

  config(section: DrUserConfig = {}): DrUserConfig {
    return {
      project: "takumi",
      database: {
        url: this.cluster.url("takumi"),
        criticalTables: ["profiles", "endorsements"],
      },
      encryption: { keyFile: this.keyFile },
      ...section,
    };
  }

  /** A project that has the targets, and nothing else. */
  async open(section: DrUserConfig = {}): Promise<void> {
    await rm(join(this.folder, "artifacts"), { force: true });
    this.hre = await openProject(this.folder, {
      dr: this.config({
        offsite: {
          targets: ["disk-a", "disk-b"].map((directory) => ({
            kind: "fs" as const,
            directory,
          })),
        },
        ...section,
      }),
    });
  }

  async run(
    args: Readonly<Record<string, unknown>> = {},
  ): Promise<RestoreTestJson> {
    process.exitCode = undefined;
    return (await this.hre.tasks
      .getTask("dr:offsite:test")
      .run({ json: true, ...args })) as RestoreTestJson;
  }

  /** For `testTarget` itself. */
  options(): TargetTestOptions {
    const { dr } = this.hre.config;
    return {
      project: "takumi",
      parts: ["database", "contracts"],
      keys: artifactKeys(dr),
      folder: dr.paths.backups,
      keep: false,
      keepAs: "takumi_restore_test",
      clock: systemClock,
      now: () => new Date(),
      signal: new AbortController().signal,
      meter: UNWATCHED,
      tell: () => undefined,
      openTrial: async () => ({
        engine: await openEngine(dr, this.folder),
        criticalTables: ["profiles", "endorsements"],
        jobs: 1,
        noOwner: false,
      }),
    };
  }

  /** The names of backups in a target, the oldest first. */
  async names(kind: string, target = "disk-a"): Promise<string[]> {
    const all = await readdir(join(this.folder, target, kind));
    return all.filter((name) => name.endsWith(".enc")).toSorted();
  }

  async path(
    kind: string,
    which: number,
    target = "disk-a",
    suffix = "",
  ): Promise<string> {
    const name = (await this.names(kind, target)).at(which)!;
    return join(this.folder, target, kind, `${name}${suffix}`);
  }

  databases(): string[] {
    return this.cluster
      .psql(
        "SELECT datname FROM pg_database WHERE datname !~ '^(postgres|template)' ORDER BY 1",
      )
      .split("\n")
      .filter(Boolean);
  }

  /** What a test may leave of files in the folder of backups. */
  async leftFiles(): Promise<string[]> {
    const names = await readdir(join(this.folder, "backups"));
    return names.filter((name) => name.startsWith("."));
  }

  async report(path: string): Promise<Record<string, unknown>> {
    return JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
  }
}

/** Which criteria of a part don't hold, or weren't measured. */
export function notHeld(
  criteria: readonly { readonly name: string; readonly status: string }[],
): string[] {
  return criteria
    .filter(({ status }) => status === "failed")
    .map(({ name }) => name);
}
