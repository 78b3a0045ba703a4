import { cp, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";

import type { Results } from "@electric-sql/pglite";

import { generateBackupKey } from "../../src/artifact/backup-key.js";
import type { DrConfig, DrUserConfig } from "../../src/config/types.js";
import { systemClock } from "../../src/core/clock.js";
import { UNWATCHED } from "../../src/core/meter.js";
import type {
  BackupContext,
  Engine,
  FoundBackup,
  RestoreWork,
} from "../../src/database/engine.js";
import { openEngine } from "../../src/database/open-engine.js";
import { withOpen } from "../../src/database/pglite/open.js";
import { makeTemporaryFolder } from "../../src/core/temporary-folder.js";
import { useTemporaryFolder } from "../deployments/temporary-folder.js";
import { configOf } from "./config-of.js";

/** Two tables that hang together, and a sequence. */
const TWO_TABLES = `
  CREATE TABLE profiles (id serial PRIMARY KEY, name text NOT NULL);
  CREATE TABLE endorsements (id int PRIMARY KEY, profile int REFERENCES profiles);
  INSERT INTO profiles (name) SELECT md5(n::text) FROM generate_series(1, 1000) n;
  INSERT INTO endorsements SELECT n, n FROM generate_series(1, 1000) n;
`;

/** A folder `takumi` that is a database, with its backups beside. */
export class PGliteScene {
  readonly #folder = useTemporaryFolder();
  /** The same for every test: making a database takes seconds. */
  #template = "";

  constructor() {
    before(async () => {
      this.#template = await makeTemporaryFolder("template");
      await withOpen(this.#template, "template", async ({ pglite }) => {
        await pglite.exec(TWO_TABLES);
      });
    });
    beforeEach(async () => {
      await generateBackupKey(this.keyFile);
      await mkdir(this.data);
      await cp(this.#template, this.live, { recursive: true });
    });
    after(async () => {
      await rm(this.#template, { recursive: true, force: true });
    });
  }

  get folder(): string {
    return this.#folder.path;
  }

  get data(): string {
    return join(this.folder, "data");
  }

  get live(): string {
    return join(this.data, "takumi");
  }

  get keyFile(): string {
    return join(this.folder, "backup.key");
  }

  get record(): string {
    return join(this.folder, "backups/.database-restore.json");
  }

  config(section: DrUserConfig = {}): DrConfig {
    return configOf("data/takumi", this.folder, {
      database: {
        url: "data/takumi",
        engine: "pglite",
        criticalTables: ["profiles"],
      },
      encryption: { keyFile: this.keyFile },
      ...section,
    });
  }

  async engine(section: DrUserConfig = {}): Promise<Engine> {
    return await openEngine(this.config(section), this.folder);
  }

  context(section: DrUserConfig = {}): BackupContext {
    return {
      config: this.config(section),
      project: this.folder,
      clock: systemClock,
      tool: "hardhat-dr test",
    };
  }

  /** @returns the artifact's path. */
  async backUp(section: DrUserConfig = {}): Promise<string> {
    const engine = await this.engine(section);
    const made = await engine.backUp(this.context(section), {
      jobs: 1,
      hashes: true,
    });
    return made.artifact?.path ?? "";
  }

  async find(
    what: string,
    acceptUnauthenticated = false,
    section: DrUserConfig = {},
  ): Promise<FoundBackup> {
    const engine = await this.engine(section);
    return await engine.find({ what, acceptUnauthenticated }, UNWATCHED);
  }

  work(options: Partial<RestoreWork> = {}): RestoreWork {
    return {
      jobs: 1,
      noOwner: false,
      acceptUnauthenticated: false,
      keep: false,
      clock: systemClock,
      signal: new AbortController().signal,
      ...options,
    };
  }

  /** In the live database, or another beside it. */
  async exec(sql: string, name = "takumi"): Promise<Results | undefined> {
    return await withOpen(join(this.data, name), name, async ({ pglite }) =>
      (await pglite.exec(sql)).at(-1),
    );
  }

  /** What makes the live one another than it was when it was backed up. */
  async harm(): Promise<void> {
    await this.exec("DELETE FROM endorsements; DELETE FROM profiles");
  }

  /** How many rows answer to a name. */
  async rows(name = "takumi"): Promise<unknown> {
    const found = await this.exec(
      "SELECT count(*)::int AS n FROM public.profiles",
      name,
    );
    return found?.rows[0]?.n;
  }

  /** All databases. */
  async databases(): Promise<string[]> {
    const names = await readdir(this.data);
    return names.filter((name) => !name.startsWith(".")).toSorted();
  }

  /** What is unfinished. */
  async leftFiles(): Promise<string[]> {
    const left = await readdir(join(this.data, ".takumi.hardhat-dr"));
    const backups = await readdir(join(this.folder, "backups"));
    return [...left, ...backups.filter((name) => name.startsWith("."))];
  }
}
