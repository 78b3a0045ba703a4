import { pbkdf2, randomBytes } from "node:crypto";
import { link, open, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";

import { syncFolder } from "../core/atomic-write.js";
import { DrError, hasCode } from "../core/errors.js";
import { readSecretFile } from "../core/secret-file.js";
import { removeAbandoned, temporaryBeside } from "../core/temporary-file.js";
import { writing } from "../core/writing.js";

const KEY = "the backups' key";
const KEY_BYTES = 32;
const FINGERPRINT_BYTES = 8;
/** As many as for the encryption itself: whoever has a fingerprint guesses no faster. */
export const PBKDF2_ITERATIONS = 600_000;

const derive = promisify(pbkdf2);

/** What a key file holds, as `openssl rand -hex 32` writes it, or an old passphrase. */
export interface BackupKey {
  readonly file: string;
  /** The first line; what `openssl enc -pass file:FILE` takes. */
  readonly passphrase: string;
  /** 32 bytes; undefined when the file holds no 64 hexadecimal digits. */
  readonly bytes: Buffer | undefined;
  /** 16 hexadecimal digits that tell keys apart, and nothing else of them. */
  readonly fingerprint: string;
}

/** @throws {DrError} KEY_FILE_UNREADABLE, KEY_FILE_EXPOSED, KEY_FILE_FOREIGN. */
export async function readBackupKey(file: string): Promise<BackupKey> {
  const text = await readSecretFile(file, KEY);
  const passphrase = text.split(/\r?\n/)[0] ?? "";
  if (passphrase === "") {
    throw new DrError("KEY_FILE_UNREADABLE", {
      what: KEY,
      file,
      reason: "there is no key in its first line",
    });
  }
  return {
    file,
    passphrase,
    bytes: /^[0-9a-fA-F]{64}$/.test(passphrase)
      ? Buffer.from(passphrase, "hex")
      : undefined,
    fingerprint: await fingerprintOf(passphrase),
  };
}

async function fingerprintOf(passphrase: string): Promise<string> {
  const digest = await derive(
    passphrase,
    "hardhat-dr key fingerprint",
    PBKDF2_ITERATIONS,
    FINGERPRINT_BYTES,
    "sha256",
  );
  return digest.toString("hex");
}

/**
 * Writes a new key; one that is there is never touched.
 *
 * @throws {DrError} KEY_FILE_EXISTS, NOT_WRITABLE.
 */
export async function generateBackupKey(file: string): Promise<void> {
  await writeSecret(file, `${randomBytes(KEY_BYTES).toString("hex")}\n`);
}

/** @throws {DrError} KEY_FILE_EXISTS, NOT_WRITABLE. */
export async function writeSecret(file: string, text: string): Promise<void> {
  const temporary = temporaryBeside(file);
  await writing(file, async () => {
    await removeAbandoned(dirname(file));
    const handle = await open(temporary, "wx", 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
      // Unlike a rename it fails when there is one.
      await link(temporary, file);
    } catch (error) {
      throw hasCode(error, "EEXIST")
        ? new DrError("KEY_FILE_EXISTS", { file }, { cause: error })
        : error;
    } finally {
      await handle.close();
      await unlink(temporary);
    }
    // Backups made with a key that a power cut takes away are lost.
    await syncFolder(dirname(file));
  });
}
