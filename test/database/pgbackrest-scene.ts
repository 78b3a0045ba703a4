import { spawnSync } from "node:child_process";
import { chownSync, readdirSync, statSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { expect } from "chai";

import type { DrConfig, PgbackrestUserConfig } from "../../src/config/types.js";
import { systemClock } from "../../src/core/clock.js";
import { UNWATCHED } from "../../src/core/meter.js";
import type {
  BackupAddress,
  BackupChoices,
  Engine,
  FoundBackup,
} from "../../src/database/engine.js";
import { openEngine } from "../../src/database/open-engine.js";
import { PostgresCluster, serverPrograms } from "../helpers/postgres.js";
import { requirePrograms } from "../helpers/programs.js";
import { configOf } from "./config-of.js";

const STANZA = "takumi";
const UNPRIVILEGED = 65_534;

/** A server that archives its log into a repository of its own, and a project whose database it has. */
export class PgbackrestScene {
  readonly cluster: PostgresCluster;
  /** Repository, configuration and all else of pgBackRest. */
  readonly folder: string;
  /** The project's. */
  readonly root: string;

  private constructor(cluster: PostgresCluster, folder: string, root: string) {
    this.cluster = cluster;
    this.folder = folder;
    this.root = root;
  }

  static async open(): Promise<PgbackrestScene> {
    const folder = await mkdtemp(join(tmpdir(), "hardhat-dr-pgbackrest-"));
    const root = await mkdtemp(join(tmpdir(), "hardhat-dr-project-"));
    for (const name of ["repo", "socket", "log", "lock", "spool"]) {
      await mkdir(join(folder, name));
    }
    const file = join(folder, "pgbackrest.conf");
    giveAway(
      folder,
      ...(await readdir(folder)).map((one) => join(folder, one)),
    );
    const cluster = await PostgresCluster.start(`
      archive_mode = on
      archive_command = 'pgbackrest --config=${file} --stanza=${STANZA} archive-push %p'
      unix_socket_directories = '${join(folder, "socket")}'
    `);
    await writeFile(
      file,
      `[global]
repo1-path=${join(folder, "repo")}
log-path=${join(folder, "log")}
lock-path=${join(folder, "lock")}
spool-path=${join(folder, "spool")}
log-level-file=off
start-fast=y
job-retry=0
compress-level=1
repo1-retention-full=9
repo1-cipher-type=aes-256-cbc
repo1-cipher-pass=only a test knows this

[${STANZA}]
pg1-path=${join(cluster.folder, "data")}
pg1-socket-path=${join(folder, "socket")}
pg1-port=${String(cluster.port)}
pg1-user=${cluster.user}
`,
    );
    await writeFile(
      join(cluster.folder, "data/pg_hba.conf"),
      "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n",
    );
    cluster.psql("SELECT pg_reload_conf()");
    const scene = new PgbackrestScene(cluster, folder, root);
    scene.pgbackrest("stanza-create");
    cluster.psql("CREATE DATABASE takumi");
    scene.psql(`
      CREATE TABLE profiles (id int PRIMARY KEY, name text NOT NULL);
      INSERT INTO profiles SELECT g, 'profile ' || g FROM generate_series(1, 1000) g;
      CREATE TABLE endorsements (id int PRIMARY KEY, profile int REFERENCES profiles);
      INSERT INTO endorsements SELECT g, g FROM generate_series(1, 500) g;
    `);
    return scene;
  }

  get dataFolder(): string {
    return join(this.cluster.folder, "data");
  }

  /** In the project's database. */
  psql(sql: string): string {
    return this.cluster.psql(sql, "takumi");
  }

  /** As the server's user, who is the witness. @returns what it prints. */
  pgbackrest(...args: readonly string[]): string {
    const { stdout, stderr, status } = spawnSync(
      "pgbackrest",
      [
        `--config=${join(this.folder, "pgbackrest.conf")}`,
        ...(args.some((one) => one.startsWith("--stanza="))
          ? []
          : [`--stanza=${STANZA}`]),
        ...args,
      ],
      { encoding: "utf8", cwd: "/", ...identity() },
    );
    expect(status, stdout + stderr).to.equal(0);
    return stdout;
  }

  /** @returns the moment after it, which no commit shares. */
  async moment(): Promise<Date> {
    await sleep(5);
    const at = new Date();
    await sleep(5);
    return at;
  }

  /** The segments and histories that are archived. */
  archived(): string[] {
    const folder = join(this.folder, "repo/archive", STANZA, "15-1");
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .map((path) => join(folder, path))
      .filter((path) => statSync(path).isFile())
      .toSorted();
  }

  get section(): PgbackrestUserConfig {
    return {
      stanza: STANZA,
      dataFolder: this.dataFolder,
      configFile: join(this.folder, "pgbackrest.conf"),
      timeoutSeconds: 15,
    };
  }

  config(more: Partial<PgbackrestUserConfig> = {}): DrConfig {
    return configOf(this.cluster.url("takumi"), this.root, {
      database: {
        url: this.cluster.url("takumi"),
        engine: "pgbackrest",
        criticalTables: ["profiles"],
        pgbackrest: { ...this.section, ...more },
      },
      backup: { compression: "gzip" },
    });
  }

  async engine(more: Partial<PgbackrestUserConfig> = {}): Promise<Engine> {
    return await openEngine(this.config(more), this.root);
  }

  async backUp(
    choices: Partial<BackupChoices> = {},
    more: Partial<PgbackrestUserConfig> = {},
  ) {
    const engine = await this.engine(more);
    return await engine.backUp(
      {
        config: this.config(more),
        clock: systemClock,
        tool: "t",
        project: this.root,
      },
      { jobs: 1, hashes: true, ...choices },
    );
  }

  async find(
    address: Partial<BackupAddress> = {},
    more: Partial<PgbackrestUserConfig> = {},
  ): Promise<FoundBackup> {
    const engine = await this.engine(more);
    return await engine.find(
      { what: "latest", acceptUnauthenticated: false, ...address },
      UNWATCHED,
    );
  }

  async restore(
    address: Partial<BackupAddress> = {},
    more: Partial<PgbackrestUserConfig> = {},
  ) {
    const found = await this.find(address, more);
    await found.prepareRestore(CHOICES);
    return await found.restore({ ...WORK(), keep: false });
  }

  /** What lies beside the data folder. */
  async beside(): Promise<string[]> {
    const names = await readdir(this.cluster.folder);
    return names.filter(
      (name) => !["data", "data.log", "password"].includes(name),
    );
  }

  async close(): Promise<void> {
    this.pgCtl("stop", "--mode", "immediate");
    await this.cluster.stop();
    await rm(this.folder, { recursive: true });
    await rm(this.root, { recursive: true });
  }

  pgCtl(...args: readonly string[]): number | null {
    const { status } = spawnSync(
      join(serverPrograms() ?? "", "pg_ctl"),
      [...args, "--wait", "--pgdata", this.dataFolder],
      { cwd: "/", stdio: "ignore", ...identity() },
    );
    return status;
  }
}

/** For a `describe`: a scene before its tests; they are skipped where there is no pgBackRest. */
export function usePgbackrest(): { readonly scene: PgbackrestScene } {
  const held = {} as { scene: PgbackrestScene };
  before(async function () {
    requirePrograms(this, "pgbackrest");
    if (!PostgresCluster.isPossible()) {
      this.skip();
    }
    held.scene = await PgbackrestScene.open();
  });
  after(async () => {
    await (held.scene as PgbackrestScene | undefined)?.close();
  });
  return held;
}

export const CHOICES = {
  jobs: 1,
  noOwner: false,
  acceptUnauthenticated: false,
};

export const WORK = () => ({
  ...CHOICES,
  clock: systemClock,
  signal: new AbortController().signal,
});

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function identity() {
  return isRoot() ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {};
}

export function giveAway(...paths: readonly string[]): void {
  if (isRoot()) {
    for (const path of paths) {
      chownSync(path, UNPRIVILEGED, UNPRIVILEGED);
    }
  }
}
