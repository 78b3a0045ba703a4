import { spawnSync } from "node:child_process";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";

import { expect } from "chai";

import { generateBackupKey } from "../../src/artifact/backup-key.js";
import type { ArtifactKeys } from "../../src/artifact/read-artifact.js";
import type { EncryptionConfig } from "../../src/artifact/encryption.js";
import { artifactKeys } from "../../src/backup/place.js";
import type { DrConfig, DrUserConfig } from "../../src/config/types.js";
import { systemClock } from "../../src/core/clock.js";
import type { Access } from "../../src/database/access.js";
import { backUpDatabase, type DumpFormat } from "../../src/database/backup.js";
import {
  restoreDatabase,
  type RestoredDatabase,
  type RestoreOptions,
} from "../../src/database/restore.js";
import { findDump, type Dump } from "../../src/database/restore-source.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { serverPrograms, usePostgres } from "../helpers/postgres.js";
import { configOf } from "./config-of.js";

/** A database `takumi` with its backups, and a folder for them. */
export class RestoreScene {
  readonly #postgres: ReturnType<typeof usePostgres>;
  readonly #folder: { readonly path: string };

  constructor(settings?: string) {
    this.#postgres = usePostgres(settings);
    this.#folder = useTemporaryFolder();
  }

  get cluster() {
    return this.#postgres.cluster;
  }

  get folder(): string {
    return this.#folder.path;
  }

  get access(): Access {
    return this.cluster.access("takumi");
  }

  get record(): string {
    return join(this.folder, "backups/.database-restore.json");
  }

  get keyFile(): string {
    return join(this.folder, "backup.key");
  }

  get encryption(): EncryptionConfig {
    return {
      format: "aes-256-gcm",
      keyFile: this.keyFile,
      oldKeyFiles: [],
      recipients: [],
    };
  }

  get keys(): ArtifactKeys {
    return { encryption: this.encryption, trusted: [] };
  }

  psql(sql: string, database = "takumi"): string {
    return this.cluster.psql(sql, database);
  }

  /** Two tables that hang together, and a sequence. */
  async create(rows = 1000): Promise<void> {
    await generateBackupKey(this.keyFile);
    this.psql("CREATE DATABASE takumi", "postgres");
    this.psql(`
      CREATE TABLE profiles (id serial PRIMARY KEY, name text NOT NULL);
      CREATE TABLE endorsements (id int PRIMARY KEY, profile int REFERENCES profiles);
      INSERT INTO profiles (name) SELECT md5(n::text) FROM generate_series(1, ${String(rows)}) n;
      INSERT INTO endorsements SELECT n, n FROM generate_series(1, ${String(rows)}) n;
    `);
  }

  /** All databases but those that every server has. */
  drop(): void {
    for (const name of this.databases()) {
      this.psql(`DROP DATABASE "${name}" WITH (FORCE)`, "postgres");
    }
  }

  databases(): string[] {
    return this.psql(
      "SELECT datname FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1') ORDER BY 1",
      "postgres",
    )
      .split("\n")
      .filter(Boolean);
  }

  /** What makes the live one another than it was when it was backed up. */
  harm(): void {
    this.psql("DELETE FROM endorsements; DELETE FROM profiles");
  }

  /** How many rows answer to the live name. */
  liveRows(): string {
    return this.psql("SELECT count(*) FROM public.profiles");
  }

  config(section: DrUserConfig = {}): DrConfig {
    return configOf(this.cluster.url("takumi"), this.folder, section);
  }

  /** @returns the artifact's path. */
  async backUp(
    format: DumpFormat = "custom",
    section: DrUserConfig = { encryption: { keyFile: this.keyFile } },
    at = new Date(),
    database = "takumi",
  ): Promise<string> {
    const url = this.cluster.url(database);
    const { written } = await backUpDatabase(
      {
        config: configOf(url, this.folder, section),
        project: this.folder,
        clock: { ...systemClock, now: () => at },
        tool: "hardhat-dr test",
      },
      { format, jobs: format === "directory" ? 2 : 1, hashes: true },
    );
    return written.path;
  }

  /** What an old script would have made with this line: `pg_dump takumi | gzip`. */
  async dumpByHand(line: string, name: string): Promise<string> {
    const folder = join(this.folder, "backups/database");
    await mkdir(folder, { recursive: true });
    const path = join(folder, name);
    const { status, stderr } = spawnSync(
      "bash",
      ["-eo", "pipefail", "-c", `${line} > "$OUT"`],
      {
        encoding: "utf8",
        env: {
          ...process.env,
          PATH: `${serverPrograms() ?? ""}:${process.env.PATH ?? ""}`,
          PGHOST: this.cluster.host,
          PGPORT: String(this.cluster.port),
          PGUSER: this.cluster.user,
          PGPASSWORD: this.cluster.password,
          KEY: this.keyFile,
          OUT: path,
        },
      },
    );
    expect(status, stderr).to.equal(0);
    return path;
  }

  async find(path: string, accept = false): Promise<Dump> {
    return await findDump(path, {
      keys: artifactKeys(
        this.config({ encryption: { keyFile: this.keyFile } }),
      ),
      acceptUnauthenticated: accept,
    });
  }

  async restore(
    path: string,
    options: Partial<RestoreOptions> = {},
  ): Promise<RestoredDatabase> {
    const accept = options.acceptUnauthenticated ?? false;
    return await restoreDatabase(
      await this.find(path, accept),
      this.options(options),
    );
  }

  options(options: Partial<RestoreOptions> = {}): RestoreOptions {
    return {
      access: this.access,
      record: this.record,
      criticalTables: ["profiles"],
      jobs: 1,
      noOwner: false,
      acceptUnauthenticated: false,
      keep: false,
      clock: systemClock,
      signal: new AbortController().signal,
      ...options,
    };
  }

  /** What a restore may leave of files. */
  async leftFiles(): Promise<string[]> {
    const names = await readdir(join(this.folder, "backups"));
    return names.filter((name) => name.startsWith("."));
  }
}
