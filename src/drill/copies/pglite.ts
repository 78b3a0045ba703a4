import { join } from "node:path";

import type { DrConfig } from "../../config/types.js";
import { UNWATCHED } from "../../core/meter.js";
import { removeTree } from "../../core/remove-tree.js";
import type { TrialWork } from "../../database/engine.js";
import {
  compareFingerprints,
  takeFingerprint,
  type Fingerprint,
} from "../../database/fingerprint.js";
import { openEngine } from "../../database/open-engine.js";
import { isDatabase } from "../../database/pglite/folder.js";
import { withOpen } from "../../database/pglite/open.js";
import { withSession, type Session } from "../../database/session.js";
import { markFolder, requireMarkedFolder, type Mark } from "../mark.js";
import type { Random } from "../random.js";
import type { DatabaseCopy } from "./database-copy.js";
import {
  chooseTable,
  corruptRows,
  dropTable,
  summariseDatabase,
} from "./database.js";

export interface PGliteCopyOptions extends Pick<TrialWork, "clock" | "signal"> {
  /** In which backups are found. */
  readonly config: DrConfig;
  /** The drill's own, absolute: the copy lies in it. */
  readonly folder: string;
  readonly mark: Mark;
  readonly random: Random;
  readonly criticalTables: readonly string[];
}

/**
 * Restores a backup into a folder of the drill's own, by the engine's own code.
 *
 * @param backup - Its path.
 * @throws {DrError} DATABASE_RESTORED_WRONG, and those of the engine's restore.
 */
export async function copyPGlite(
  backup: string,
  baseline: Fingerprint,
  options: PGliteCopyOptions,
): Promise<DatabaseCopy> {
  const { config, folder, mark, clock, signal } = options;
  const { database } = config;
  const live = join(folder, "db");
  const engine = await openEngine(
    {
      ...config,
      ...(database === undefined
        ? {}
        : {
            database: {
              ...database,
              url: { get: async () => await Promise.resolve(live) },
            },
          }),
    },
    folder,
  );
  const found = await engine.find(
    { what: backup, acceptUnauthenticated: false },
    UNWATCHED,
  );
  await found.restore({
    jobs: 1,
    noOwner: false,
    acceptUnauthenticated: false,
    keep: false,
    clock,
    signal,
  });
  await markFolder(live, mark);
  return new PGliteCopy(live, baseline, options);
}

class PGliteCopy implements DatabaseCopy {
  readonly part = "database";
  readonly url: string;
  readonly #baseline: Fingerprint;
  readonly #options: PGliteCopyOptions;

  constructor(live: string, baseline: Fingerprint, options: PGliteCopyOptions) {
    this.url = live;
    this.#baseline = baseline;
    this.#options = options;
  }

  get summary(): string {
    return summariseDatabase(this.#baseline);
  }

  async requireOwn(): Promise<void> {
    await requireMarkedFolder(this.url, this.#options.mark);
  }

  async differences(): Promise<readonly string[]> {
    if (!(await isDatabase(this.url))) {
      return ["There is no database any more."];
    }
    const found = await this.#inside(
      async (session) =>
        await takeFingerprint(session, { like: this.#baseline }),
    );
    return compareFingerprints(this.#baseline, found);
  }

  async dropTable(table?: string): Promise<string> {
    return await this.#break(table, dropTable);
  }

  async corruptRows(table?: string): Promise<string> {
    return await this.#break(table, corruptRows);
  }

  async lose(): Promise<void> {
    await this.requireOwn();
    await removeTree(this.url);
  }

  async #break(
    wanted: string | undefined,
    work: (session: Session, table: string) => Promise<void>,
  ): Promise<string> {
    await this.requireOwn();
    return await this.#inside(async (session) => {
      const choice = { ...this.#options, baseline: this.#baseline };
      const table = wanted ?? (await chooseTable(session, choice));
      await work(session, table);
      return table;
    });
  }

  async #inside<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return await withOpen(
      this.url,
      this.url,
      async ({ access }) => await withSession(access, work),
    );
  }
}
