import { lstat, readdir, readlink } from "node:fs/promises";
import { join, relative, sep } from "node:path";

import { extentOf } from "../../artifact/measure.js";
import { measureFile } from "../../artifact/read-artifact.js";
import { ifThere } from "../../core/if-there.js";
import { removeTree } from "../../core/remove-tree.js";
import { requireMarkedFolder, type Mark } from "../mark.js";
import type { Copy, Part } from "./copy.js";

/** SHA-256 of each file by its path in the folder. */
export type FolderDigest = ReadonlyMap<string, string>;

/** A folder that the drill filled. */
export class FolderCopy implements Copy {
  readonly part: Part;
  readonly path: string;
  readonly baseline: FolderDigest;
  readonly #mark: Mark;

  constructor(part: Part, path: string, baseline: FolderDigest, mark: Mark) {
    this.part = part;
    this.path = path;
    this.baseline = baseline;
    this.#mark = mark;
  }

  get summary(): string {
    const { size } = this.baseline;
    return `${String(size)} ${size === 1 ? "file" : "files"}, byte for byte`;
  }

  async requireOwn(): Promise<void> {
    await requireMarkedFolder(this.path, this.#mark);
  }

  async differences(): Promise<readonly string[]> {
    const found = await digestFolder(this.path);
    const lost = findLost(this.baseline, found);
    // A snapshot has layouts that the project needn't have kept.
    return this.part === "deployments"
      ? lost
      : [...lost, ...findAdded(this.baseline, found)];
  }

  /** All of it is gone. @throws {DrError} DRILL_NOT_ITS_OWN. */
  async lose(): Promise<void> {
    await this.requireOwn();
    await removeTree(this.path);
  }
}

/** Hidden files at its top are a tool's own: marks, locks, what is written right now. */
export async function digestFolder(folder: string): Promise<FolderDigest> {
  const options = { recursive: true, withFileTypes: true } as const;
  const entries = (await ifThere(readdir(folder, options))) ?? [];
  const digests = new Map<string, string>();
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path);
    if (!name.startsWith(".") && !entry.isDirectory()) {
      digests.set(name, await digestEntry(path));
    }
  }
  return digests;
}

async function digestEntry(path: string): Promise<string> {
  if ((await lstat(path)).isSymbolicLink()) {
    return `link ${extentOf(Buffer.from(await readlink(path))).sha256}`;
  }
  return (await measureFile(path)).sha256;
}

function findLost(baseline: FolderDigest, found: FolderDigest): string[] {
  return [...baseline].flatMap(([name, digest]) => {
    const now = found.get(name);
    return now === digest
      ? []
      : [now === undefined ? `${name} is gone.` : `${name} is another.`];
  });
}

function findAdded(baseline: FolderDigest, found: FolderDigest): string[] {
  // What else lies beside them is whoever recovers's: runs, what was put aside.
  const roots = new Set([...baseline.keys()].map(rootOf));
  return [...found.keys()]
    .filter((name) => !baseline.has(name) && roots.has(rootOf(name)))
    .map((name) => `${name} wasn't there.`);
}

function rootOf(name: string): string {
  return name.split(sep)[0] ?? "";
}
