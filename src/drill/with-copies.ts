import { randomBytes } from "node:crypto";
import { cp, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";

import { formatTimestamp } from "../artifact/name.js";
import { artifactKeys } from "../backup/place.js";
import { prepareRestore } from "../backup/prepare-restore.js";
import { restoreFiles } from "../backup/restore-files.js";
import type { DrConfig } from "../config/types.js";
import { DrError } from "../core/errors.js";
import { ifThere } from "../core/if-there.js";
import type { Address } from "../core/hex.js";
import { parseDatabaseUrl } from "../database/access.js";
import { findDump } from "../database/restore-source.js";
import type { Plan } from "../run/plan.js";
import type { RunEvent } from "../run/runner.js";
import { withFork } from "../session/fork-session.js";
import type { SessionSource } from "../session/open-session.js";
import { requireBackup, type Baseline } from "./baseline.js";
import type { Copies, DrilledTask } from "./copies.js";
import { BackupsCopy } from "./copies/backups.js";
import { ChainCopy } from "./copies/chain.js";
import type { Part } from "./copies/copy.js";
import type { DatabaseCopy } from "./copies/database-copy.js";
import { copyPGlite } from "./copies/pglite.js";
import { copyPostgres, dropCopies, nameOfServer } from "./copies/postgres.js";
import { digestFolder, FolderCopy } from "./copies/folder.js";
import { OffsiteCopy } from "./copies/offsite.js";
import { ServiceCopy } from "./copies/service.js";
import type { MadeRecord } from "./made.js";
import { markFolder, type Mark } from "./mark.js";
import type { DrillPorts } from "./ports.js";
import type { Random } from "./random.js";

/** What copies are made of and where. */
export interface CopiesScene {
  readonly ports: DrillPorts;
  /** Without who is absent. */
  readonly source: SessionSource;
  readonly absentSigners: readonly Address[];
  readonly baseline: Baseline;
  /** The scenario's own folder in that of the drill. */
  readonly home: string;
  readonly mark: Mark;
  readonly record: MadeRecord;
  readonly random: Random;
}

/**
 * Makes copies of all that a scenario needs, works with them, and removes them,
 * whichever way that ends.
 *
 * @throws {DrError} whatever keeps one from being made.
 */
export async function withCopies<T>(
  scene: CopiesScene,
  parts: readonly Part[],
  work: (copies: Copies) => Promise<T>,
): Promise<T> {
  await mkdir(scene.home, { mode: 0o700 });
  return await withChain(scene, parts, async (contracts) => {
    const making = new Making(scene, parts, contracts);
    try {
      return await work(await making.make());
    } finally {
      await making.close();
    }
  });
}

async function withChain<T>(
  { ports, source, absentSigners, mark }: CopiesScene,
  parts: readonly Part[],
  work: (contracts: ChainCopy | undefined) => Promise<T>,
): Promise<T> {
  if (!parts.includes("contracts")) {
    return await work(undefined);
  }
  return await withFork(
    source,
    ports.createSimulation,
    {
      authorityOver: { names: [], all: true },
      absent: absentSigners,
      signal: ports.signal,
    },
    async (forked) =>
      await work(
        await ChainCopy.open(forked, mark, (event) => {
          ports.progress(describeStep(event));
        }),
      ),
  );
}

function describeStep(event: RunEvent): string {
  const { title }: Pick<Plan["steps"][number], "title"> = event.step;
  return `fork: ${title}: ${event.type.replace("step-", "")}`;
}

/** Makes each copy that is wanted, and knows what must be closed. */
class Making {
  readonly #scene: CopiesScene;
  readonly #parts: readonly Part[];
  readonly #contracts: ChainCopy | undefined;
  readonly #closing: (() => Promise<void>)[] = [];

  constructor(
    scene: CopiesScene,
    parts: readonly Part[],
    contracts: ChainCopy | undefined,
  ) {
    this.#scene = scene;
    this.#parts = parts;
    this.#contracts = contracts;
  }

  async make(): Promise<Copies> {
    const contracts = this.#contracts;
    const offsite = await this.#if("offsite", () => this.#copyOffsite());
    const backups = await this.#copyBackups();
    const database = await this.#if("database", () => this.#copyDatabase());
    const deployments = await this.#if("deployments", () =>
      this.#copyDeployments(),
    );
    const files = await this.#if("files", () => this.#copyFiles());
    const service = await this.#if("service", () => this.#startService());
    return {
      ...(database === undefined ? {} : { database }),
      ...(contracts === undefined ? {} : { contracts }),
      ...(deployments === undefined ? {} : { deployments }),
      ...(files === undefined ? {} : { files }),
      ...(this.#parts.includes("backups") ? { backups } : {}),
      ...(offsite === undefined ? {} : { offsite }),
      ...(service === undefined ? {} : { service }),
      run: async (task) => {
        await this.#run(task, database, offsite);
      },
    };
  }

  async close(): Promise<void> {
    for (const close of this.#closing.toReversed()) {
      await close();
    }
  }

  async #if<T>(part: Part, make: () => Promise<T>): Promise<T | undefined> {
    this.#scene.ports.signal.throwIfAborted();
    return this.#parts.includes(part) ? await make() : undefined;
  }

  get #backupsFolder(): string {
    return join(this.#scene.home, "backups");
  }

  get #filesFolder(): string {
    return join(this.#scene.home, "files");
  }

  get #deployments(): string {
    return this.#contracts === undefined
      ? join(this.#scene.home, "deployments")
      : dirname(this.#contracts.folder);
  }

  async #copyOffsite(): Promise<OffsiteCopy> {
    const { baseline, mark } = this.#scene;
    const copy = new OffsiteCopy(baseline.config.offsite.targets, mark);
    this.#closing.push(async () => {
      await copy.close();
    });
    return await Promise.resolve(copy);
  }

  async #copyBackups(): Promise<BackupsCopy> {
    const { baseline, mark } = this.#scene;
    const { config, backups } = baseline;
    await cp(config.paths.backups, this.#backupsFolder, { recursive: true });
    await markFolder(this.#backupsFolder, mark);
    const keys = artifactKeys(config);
    return new BackupsCopy(this.#backupsFolder, backups, keys, mark);
  }

  async #copyDatabase(): Promise<DatabaseCopy> {
    const { ports, source, baseline, home, record, mark, random } = this.#scene;
    const { config, fingerprint } = baseline;
    const { path } = requireBackup(baseline, "database");
    if (fingerprint === undefined) {
      throw new DrError("ARTIFACT_MISSING", { path, reason: "not made here" });
    }
    const common = {
      mark,
      random,
      criticalTables: config.database?.criticalTables ?? [],
      clock: ports.clock,
      signal: ports.signal,
    };
    if (config.database?.engine === "pglite") {
      const folder = join(home, "database");
      await mkdir(folder, { mode: 0o700 });
      return await copyPGlite(path, fingerprint, { ...common, config, folder });
    }
    const dump = await findDump(path, {
      keys: artifactKeys(config),
      acceptUnauthenticated: false,
    });
    const serverUrl = await serverUrlOf(source.config);
    const server = parseDatabaseUrl(serverUrl);
    const name = nameCopy(ports.clock.now());
    const made = {
      kind: "database",
      server: nameOfServer(server),
      name,
    } as const;
    await record.add(made);
    this.#closing.push(async () => {
      await dropCopies(server, name);
      await record.remove(made);
    });
    return await copyPostgres(dump, fingerprint, {
      ...common,
      server,
      serverUrl,
      name,
    });
  }

  async #copyDeployments(): Promise<FolderCopy> {
    const { source, mark } = this.#scene;
    const { networkName, config } = source;
    const from = join(config.paths.deployments, networkName);
    const folder = join(this.#deployments, networkName);
    if (this.#contracts === undefined) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      for (const name of ["deploy.json", "layouts"]) {
        const to = join(folder, name);
        await ifThere(cp(join(from, name), to, { recursive: true }));
      }
    }
    await markFolder(folder, mark);
    return new FolderCopy(
      "deployments",
      folder,
      await digestFolder(folder),
      mark,
    );
  }

  /** As their backup has them: what is real isn't copied a second time. */
  async #copyFiles(): Promise<FolderCopy> {
    const { ports, source, baseline, home, mark } = this.#scene;
    const { config } = baseline;
    const { path, name } = requireBackup(baseline, "files");
    const into = this.#filesFolder;
    const keys = artifactKeys(config);
    const prepared = await prepareRestore({
      folder: dirname(path),
      name,
      keys,
      project: source.root,
      configured: config.files,
      into,
    });
    await restoreFiles(prepared, {
      keys,
      clock: ports.clock,
      record: join(home, ".restore.json"),
      signal: ports.signal,
    });
    await markFolder(into, mark);
    return new FolderCopy("files", into, await digestFolder(into), mark);
  }

  async #startService(): Promise<ServiceCopy> {
    const copy = await ServiceCopy.start(this.#scene.mark);
    this.#closing.push(async () => {
      await copy.close();
    });
    return copy;
  }

  /** With a configuration in which there is nothing but copies. */
  async #run(
    drilled: DrilledTask,
    database: DatabaseCopy | undefined,
    offsite: OffsiteCopy | undefined,
  ): Promise<void> {
    const { ports, baseline, home } = this.#scene;
    const config = this.#configFor(baseline.config, database, offsite);
    const { task } = drilled;
    const exitCode = await ports.tasks.run(drilled, {
      config,
      root: home,
      artifacts: join(home, "artifacts"),
      files: this.#filesFolder,
      progress: (line) => {
        ports.progress(`${task}: ${line}`);
      },
    });
    if (exitCode !== 0) {
      const reason = "it says so itself";
      throw new DrError("DRILL_RECOVERY_FAILED", { task, exitCode, reason });
    }
  }

  #configFor(
    { database: configured, ...config }: DrConfig,
    database: DatabaseCopy | undefined,
    offsite: OffsiteCopy | undefined,
  ): DrConfig {
    return {
      ...config,
      ...(database === undefined || configured === undefined
        ? {}
        : {
            database: {
              ...configured,
              url: { get: async () => await Promise.resolve(database.url) },
            },
          }),
      paths: {
        ...config.paths,
        backups: this.#backupsFolder,
        deployments: this.#deployments,
      },
      offsite: { ...config.offsite, targets: offsite?.targets ?? [] },
    };
  }
}

/** Where trial restores go, or else where the database is. */
export async function serverUrlOf({ database }: DrConfig): Promise<string> {
  if (database === undefined) {
    throw new DrError("DATABASE_NOT_CONFIGURED", {});
  }
  return await (database.verify.url ?? database.url).get();
}

/** `dr_drill_20251126112822_ab12cd34` */
function nameCopy(at: Date): string {
  const random = randomBytes(4).toString("hex");
  return `dr_drill_${formatTimestamp(at).replace("_", "")}_${random}`;
}
