import type { Decrypter, Encrypter } from "age-encryption";

import { DrError, messageOf } from "./errors.js";
import { readSecretFile } from "./secret-file.js";

/**
 * Encrypts to public keys: whoever encrypts can't decrypt.
 *
 * @param recipients - `age1…`.
 * @throws {DrError} AGE_RECIPIENT_INVALID.
 * @see age-encryption.org/v1
 */
export async function createEncrypter(
  recipients: readonly string[],
): Promise<Encrypter> {
  const { Encrypter } = await import("age-encryption");
  const encrypter = new Encrypter();
  for (const recipient of recipients) {
    try {
      encrypter.addRecipient(recipient);
    } catch (error) {
      throw new DrError(
        "AGE_RECIPIENT_INVALID",
        { recipient, reason: messageOf(error) },
        { cause: error },
      );
    }
  }
  return encrypter;
}

/**
 * Decrypts with the private keys of a file as `age-keygen` writes it.
 *
 * @param what - Whose key it is, for the errors.
 * @throws {DrError} KEY_FILE_UNREADABLE, KEY_FILE_EXPOSED, KEY_FILE_FOREIGN.
 */
export async function createDecrypter(
  file: string,
  what: string,
): Promise<Decrypter> {
  const identities = await readIdentities(file, what);
  const { Decrypter } = await import("age-encryption");
  const decrypter = new Decrypter();
  for (const identity of identities) {
    try {
      decrypter.addIdentity(identity);
    } catch {
      throw noPrivateKey(file, what);
    }
  }
  return decrypter;
}

/**
 * The public keys that belong to the private keys of a file.
 *
 * @param what - Whose key it is, for the errors.
 * @throws {DrError} like {@link createDecrypter}.
 */
export async function recipientsOf(
  file: string,
  what: string,
): Promise<string[]> {
  const identities = await readIdentities(file, what);
  const { identityToRecipient } = await import("age-encryption");
  try {
    return await Promise.all(identities.map(identityToRecipient));
  } catch {
    throw noPrivateKey(file, what);
  }
}

async function readIdentities(file: string, what: string): Promise<string[]> {
  const text = await readSecretFile(file, what);
  const identities = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (identities.length === 0) {
    const reason = "there is no key in it";
    throw new DrError("KEY_FILE_UNREADABLE", { what, file, reason });
  }
  return identities;
}

/** Not in the library's words: they may quote the key. */
function noPrivateKey(file: string, what: string): DrError {
  const reason = "what is in it is no private key of age";
  return new DrError("KEY_FILE_UNREADABLE", { what, file, reason });
}
