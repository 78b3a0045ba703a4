import { constants } from "node:fs";
import {
  access,
  cp,
  lstat,
  open,
  readdir,
  readFile,
  readlink,
  realpath,
} from "node:fs/promises";
import { createHash } from "node:crypto";
import { join, sep } from "node:path";

import { syncFolder } from "../../core/atomic-write.js";
import { DrError } from "../../core/errors.js";
import { writing } from "../../core/writing.js";

/** Whoever has the folder open keeps this in it; one that is killed leaves it there. */
const OPEN_MARK = "postmaster.pid";

/** Whether there is a database in a folder. */
export async function isDatabase(folder: string): Promise<boolean> {
  return await access(join(folder, "PG_VERSION")).then(
    () => true,
    () => false,
  );
}

/**
 * Nobody may have it open: PGlite lets a second process in, and then both ruin it.
 *
 * @throws {DrError} DATABASE_FOLDER_IN_USE.
 */
export async function requireQuiet(folder: string): Promise<void> {
  const mark = join(folder, OPEN_MARK);
  const isMarked = await access(mark).then(
    () => true,
    () => false,
  );
  const holders = await findHolders(folder);
  if (isMarked || holders.length > 0) {
    throw new DrError("DATABASE_FOLDER_IN_USE", {
      folder,
      who:
        holders.length > 0
          ? `process ${holders.map(String).join(", ")}`
          : "a program that can't be seen from here, or that was killed",
      mark,
    });
  }
}

/** The processes that have files in a folder open, where the system tells. */
async function findHolders(folder: string): Promise<readonly number[]> {
  const inside = `${await realpath(folder)}${sep}`;
  const pids = (await readdir("/proc").catch(() => [])).filter((name) =>
    /^\d+$/.test(name),
  );
  const holders = await Promise.all(
    pids.map(async (pid) => {
      const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
      const paths = await Promise.all(
        files.map(
          async (file) =>
            await readlink(`/proc/${pid}/fd/${file}`).catch(() => ""),
        ),
      );
      return paths.some((path) => path.startsWith(inside)) ? [Number(pid)] : [];
    }),
  );
  return holders.flat();
}

/**
 * Copies a database that nobody has open.
 *
 * @param to - Must not be there.
 * @returns what {@link requireUnchanged} takes.
 * @throws {DrError} DATABASE_FOLDER_IN_USE, DATABASE_FOLDER_CHANGED, NOT_WRITABLE.
 */
export async function copyDatabase(from: string, to: string): Promise<string> {
  await requireQuiet(from);
  const before = await describeFiles(from);
  await writing(to, async () => {
    await cp(from, to, {
      recursive: true,
      errorOnExist: true,
      force: false,
      mode: constants.COPYFILE_FICLONE,
    });
  });
  await requireUnchanged(from, before);
  return before;
}

/** @throws {DrError} DATABASE_FOLDER_IN_USE, DATABASE_FOLDER_CHANGED. */
export async function requireUnchanged(
  folder: string,
  before: string,
): Promise<void> {
  await requireQuiet(folder);
  if ((await describeFiles(folder)) !== before) {
    throw new DrError("DATABASE_FOLDER_CHANGED", { folder });
  }
}

/** Whoever opens a database changes the times of some of its files at least. */
export async function describeFiles(folder: string): Promise<string> {
  const hash = createHash("sha256");
  for (const path of await listAll(folder)) {
    const { size, mtimeNs, ino } = await lstat(path, { bigint: true });
    hash.update(`${path}\0${[size, mtimeNs, ino].join(" ")}\n`);
  }
  return hash.digest("hex");
}

/** PGlite itself makes sure of nothing: a power cut would leave half of it. */
export async function syncDatabase(folder: string): Promise<void> {
  for (const path of await listAll(folder)) {
    const found = await lstat(path);
    if (found.isDirectory()) {
      await syncFolder(path);
    } else if (found.isFile()) {
      const handle = await open(path, "r+");
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    }
  }
  await syncFolder(folder);
}

async function listAll(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.toSorted().map((name) => join(folder, name));
}

/** On the disk. */
export async function sizeOfFolder(folder: string): Promise<number> {
  let sizeBytes = 0;
  for (const path of await listAll(folder)) {
    sizeBytes += (await lstat(path)).size;
  }
  return sizeBytes;
}

/**
 * What tells a database from all others under any name: each gets its own when
 * it is made. A copy has the same.
 *
 * @see PostgreSQL src/include/catalog/pg_control.h, `system_identifier`
 */
export async function identify(folder: string): Promise<string | undefined> {
  try {
    const control = await readFile(join(folder, "global/pg_control"));
    return control.readBigUInt64LE(0).toString();
  } catch {
    return undefined;
  }
}
