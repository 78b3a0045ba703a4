import { execFileSync } from "node:child_process";
import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PAGE_BYTES = 4096;

/** A disk of its own for one folder: a tmpfs of so many bytes. */
export class SmallDisk {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Whether this machine lets us mount one. */
  static isPossible(): boolean {
    const folder = mkdtempSync(join(tmpdir(), "hardhat-dr-disk-"));
    try {
      SmallDisk.mount(folder, PAGE_BYTES).unmount();
      return true;
    } catch {
      return false;
    } finally {
      rmdirSync(folder);
    }
  }

  /** Over an existing folder, whose files are hidden until {@link unmount}. */
  static mount(folder: string, bytes: number): SmallDisk {
    const options = `size=${String(bytes)}`;
    run("mount", "-t", "tmpfs", "-o", options, "hardhat-dr-test", folder);
    return new SmallDisk(folder);
  }

  resize(bytes: number): void {
    this.#remount(`size=${String(bytes)}`);
  }

  makeReadOnly(): void {
    this.#remount("ro");
  }

  unmount(): void {
    run("umount", "--lazy", this.#folder);
  }

  #remount(option: string): void {
    run("mount", "-o", `remount,${option}`, this.#folder);
  }
}

/** A tmpfs gives out whole pages. */
export function pagesOf(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / PAGE_BYTES);
}

export function bytesOfPages(pages: number): number {
  return pages * PAGE_BYTES;
}

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: "pipe" });
}
