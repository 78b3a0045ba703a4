import { open } from "node:fs/promises";
import { join } from "node:path";

import {
  checkArtifact,
  type ArtifactKeys,
} from "../../artifact/read-artifact.js";
import type { ArtifactKind } from "../../artifact/name.js";
import { isDrError } from "../../core/errors.js";
import { removeTree } from "../../core/remove-tree.js";
import { requireMarkedFolder, type Mark } from "../mark.js";
import type { Copy } from "./copy.js";

/** A backup in the folder of a copy. */
export interface CopiedBackup {
  readonly kind: ArtifactKind;
  readonly name: string;
}

const FLIPPED_BYTES = 16;

/** This machine's backups, as the drill copied them. */
export class BackupsCopy implements Copy {
  readonly part = "backups";
  /** Holds a folder for each kind. */
  readonly path: string;
  readonly #backups: readonly CopiedBackup[];
  readonly #keys: ArtifactKeys;
  readonly #mark: Mark;

  constructor(
    path: string,
    backups: readonly CopiedBackup[],
    keys: ArtifactKeys,
    mark: Mark,
  ) {
    this.path = path;
    this.#backups = backups;
    this.#keys = keys;
    this.#mark = mark;
  }

  get summary(): string {
    return `${this.#backups.map(({ name }) => name).join(", ")}: whole`;
  }

  async requireOwn(): Promise<void> {
    await requireMarkedFolder(this.path, this.#mark);
  }

  async differences(): Promise<readonly string[]> {
    const found: string[] = [];
    for (const { kind, name } of this.#backups) {
      try {
        await checkArtifact(join(this.path, kind, name), this.#keys);
      } catch (error) {
        if (!isDrError(error)) {
          throw error;
        }
        found.push(`${name}: ${error.code}.`);
      }
    }
    return found;
  }

  /**
   * Turns bytes around in the middle of each backup.
   *
   * @returns the names of those.
   * @throws {DrError} DRILL_NOT_ITS_OWN.
   */
  async flipBytes(): Promise<readonly string[]> {
    await this.requireOwn();
    for (const { kind, name } of this.#backups) {
      await flipMiddle(join(this.path, kind, name));
    }
    return this.#backups.map(({ name }) => name);
  }

  /** All of them are gone. @throws {DrError} DRILL_NOT_ITS_OWN. */
  async lose(): Promise<void> {
    await this.requireOwn();
    await removeTree(this.path);
  }
}

async function flipMiddle(path: string): Promise<void> {
  const handle = await open(path, "r+");
  try {
    const { size } = await handle.stat();
    const at = Math.floor(Math.max(0, size - FLIPPED_BYTES) / 2);
    const bytes = Buffer.alloc(FLIPPED_BYTES);
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, at);
    const flipped = bytes.subarray(0, bytesRead).map((byte) => byte ^ 0xff);
    await handle.write(flipped, 0, bytesRead, at);
  } finally {
    await handle.close();
  }
}
