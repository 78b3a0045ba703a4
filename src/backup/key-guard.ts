import type { BigIntStats } from "node:fs";
import { readFile, stat } from "node:fs/promises";

import type { DrConfig } from "../config/types.js";
import { DrError } from "../core/errors.js";

/** Keeps keys out of what they open, and apart from it. */
export interface KeyGuard {
  /**
   * @param stats - Of the file.
   * @throws {DrError} BACKUP_HOLDS_KEY when it is one of the configuration's
   * keys by whatever name, or a copy of one.
   */
  requireNoKey(path: string, at: string, stats: BigIntStats): Promise<void>;
}

interface Key {
  readonly file: string;
  /** In bytes. */
  readonly size: bigint;
}

/** @param config - Its keys need not be here: an age identity seldom is. */
export async function openKeyGuard({
  encryption,
  signing,
  goBag,
}: Pick<DrConfig, "encryption" | "signing" | "goBag">): Promise<KeyGuard> {
  const files = [
    encryption?.keyFile,
    ...(encryption?.oldKeyFiles ?? []),
    encryption?.identityFile,
    signing.keyFile,
    goBag?.identityFile,
  ].filter((file) => file !== undefined);
  const found = await Promise.all(files.map(findKey));
  const keys = found.filter((key) => key !== undefined);
  return {
    requireNoKey: async (path, at, stats) => {
      for (const key of keys) {
        if (await isCopy(key, at, stats)) {
          throw new DrError("BACKUP_HOLDS_KEY", { path, key: key.file });
        }
      }
    },
  };
}

async function findKey(file: string): Promise<Key | undefined> {
  const stats = await stat(file, { bigint: true }).catch(() => undefined);
  return stats === undefined ? undefined : { file, size: stats.size };
}

/** Or the key itself, by its own name or another. */
async function isCopy(
  { file, size: keySize }: Key,
  at: string,
  { size }: BigIntStats,
): Promise<boolean> {
  if (size !== keySize || size === 0n) {
    return false;
  }
  // What can't be read isn't packed either, and who packs it says so.
  const [key, other] = await Promise.all(
    [file, at].map(async (one) => await readFile(one).catch(() => undefined)),
  );
  return key !== undefined && other !== undefined && key.equals(other);
}
