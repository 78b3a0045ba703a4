import { Readable } from "node:stream";

import { createDecrypter, createEncrypter, recipientsOf } from "../core/age.js";
import type { Stage } from "./stage.js";

/** @throws {DrError} AGE_RECIPIENT_INVALID. */
export async function encryptToRecipients(
  recipients: readonly string[],
): Promise<Stage> {
  const encrypter = await createEncrypter(recipients);
  return async (input) => fromWeb(await encrypter.encrypt(toWeb(input)));
}

const KEY = "the backups' age key";

/**
 * @returns the public keys of a file of private ones.
 * @throws {DrError} KEY_FILE_UNREADABLE, KEY_FILE_EXPOSED, KEY_FILE_FOREIGN.
 */
export async function readRecipients(file: string): Promise<string[]> {
  return await recipientsOf(file, KEY);
}

/**
 * @param file - Of private keys.
 * @throws {DrError} KEY_FILE_UNREADABLE, KEY_FILE_EXPOSED, KEY_FILE_FOREIGN;
 * the stage and its stream fail with age's own words.
 */
export async function decryptWithIdentities(file: string): Promise<Stage> {
  const decrypter = await createDecrypter(file, KEY);
  return async (input) => fromWeb(await decrypter.decrypt(toWeb(input)));
}

type WebStream = globalThis.ReadableStream<Uint8Array>;

function toWeb(input: Readable): WebStream {
  return Readable.toWeb(input);
}

function fromWeb(stream: WebStream): Readable {
  return Readable.fromWeb(stream);
}
