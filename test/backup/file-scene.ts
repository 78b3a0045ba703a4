import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";

import { expect } from "chai";

import { generateBackupKey } from "../../src/artifact/backup-key.js";
import { baseOf } from "../../src/artifact/base.js";
import { readManifest } from "../../src/artifact/read-artifact.js";
import { swapRecordFile } from "../../src/backup/folder.js";
import { backUpFiles, type FileBackupContext } from "../../src/backup/files.js";
import { artifactKeys } from "../../src/backup/place.js";
import {
  prepareRestore,
  type RestoreRequest,
} from "../../src/backup/prepare-restore.js";
import { restoreFiles } from "../../src/backup/restore-files.js";
import type { Replaced } from "../../src/backup/swap.js";
import { resolveDrConfig } from "../../src/config/resolve.js";
import type { DrConfig, DrUserConfig } from "../../src/config/types.js";
import { systemClock } from "../../src/core/clock.js";

export const START = new Date("2024-01-15T14:00:00.000Z");

/** A project with files, and a clock that is set by hand. */
export class FileScene {
  readonly root: string;
  readonly section: DrUserConfig;
  /** Far from what the disk says: files here have today's times. */
  now = new Date(Date.now() + 3_600_000);

  constructor(root: string, section: DrUserConfig = {}) {
    this.root = root;
    this.section = { project: "takumi", files: ["uploads"], ...section };
  }

  /** With a key of its own. */
  static async encrypted(
    root: string,
    section: DrUserConfig = {},
  ): Promise<FileScene> {
    await generateBackupKey(join(root, "backup.key"));
    return new FileScene(root, {
      encryption: { keyFile: "backup.key" },
      ...section,
    });
  }

  get config(): DrConfig {
    const noVariables = () => expect.fail("nothing is a variable here");
    return resolveDrConfig(this.section, this.root, noVariables, {});
  }

  get context(): FileBackupContext {
    const { config, root: project } = this;
    const clock = { ...systemClock, now: () => this.now };
    return { config, project, clock, tool: "hardhat-dr test" };
  }

  get folder(): string {
    return join(this.root, "backups/files");
  }

  get record(): string {
    return swapRecordFile(this.config);
  }

  at(path: string): string {
    return join(this.root, path);
  }

  async write(path: string, text: string, mode = 0o644): Promise<void> {
    await mkdir(dirname(this.at(path)), { recursive: true });
    await writeFile(this.at(path), text);
    await chmod(this.at(path), mode);
  }

  pass(seconds: number): void {
    this.now = new Date(this.now.getTime() + seconds * 1000);
  }

  /** A day later than the one before. @returns the artifact's name. */
  async backUp(isFull = false): Promise<string> {
    this.pass(86_400);
    const { artifacts } = await backUpFiles(this.context, isFull);
    expect(artifacts).to.have.length(1);
    return artifacts[0]!.name;
  }

  async baseOf(name: string): Promise<string | undefined> {
    const manifest = await readManifest(join(this.folder, name));
    return baseOf(manifest)?.artifact;
  }

  async prepare(name: string, changes: Partial<RestoreRequest> = {}) {
    return await prepareRestore({
      folder: this.folder,
      name,
      keys: artifactKeys(this.config),
      project: this.root,
      configured: [...this.config.files, ...this.config.configuration],
      ...changes,
    });
  }

  async restore(
    name: string,
    changes: Partial<RestoreRequest> = {},
    signal = new AbortController().signal,
  ): Promise<readonly Replaced[]> {
    return await restoreFiles(await this.prepare(name, changes), {
      keys: artifactKeys(this.config),
      clock: this.context.clock,
      record: this.record,
      signal,
    });
  }
}

/** What is in a folder, with all that matters of it. */
export async function describeFolder(
  folder: string,
): Promise<Readonly<Record<string, string>>> {
  const names = await readdir(folder, { recursive: true });
  const lines = names.map(async (name) => {
    const at = join(folder, name);
    const found = await lstat(at);
    const mode = (found.mode & 0o7777).toString(8);
    const seconds = String(Math.floor(found.mtimeMs / 1000));
    const content = found.isSymbolicLink()
      ? `-> ${await readlink(at)}`
      : found.isDirectory()
        ? `folder ${mode} ${seconds}`
        : `${mode} ${seconds} ${(await readFile(at)).toString("base64")}`;
    return [name, content] as const;
  });
  return Object.fromEntries((await Promise.all(lines)).toSorted());
}
