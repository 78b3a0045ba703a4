import { generateKeyPairSync } from "node:crypto";

import { generateBackupKey, readBackupKey, writeSecret } from "./backup-key.js";
import { publicKeyOf, readSigningKey } from "./manifest.js";

export const KEY_PURPOSES = ["encryption", "signing", "age"] as const;

export type KeyPurpose = (typeof KEY_PURPOSES)[number];

/** A new key: its secret is in the file alone. */
export interface GeneratedKey {
  readonly file: string;
  readonly purpose: KeyPurpose;
  /** What may be shown, and put into the configuration: fingerprint, public key, recipient. */
  readonly shown: string;
}

/**
 * Makes a key and reads it back. A file that is there is never touched.
 *
 * @throws {DrError} KEY_FILE_EXISTS, NOT_WRITABLE.
 */
export async function generateKey(
  purpose: KeyPurpose,
  file: string,
): Promise<GeneratedKey> {
  return { file, purpose, shown: await GENERATORS[purpose](file) };
}

const GENERATORS: Readonly<
  Record<KeyPurpose, (file: string) => Promise<string>>
> = {
  encryption: async (file) => {
    await generateBackupKey(file);
    return (await readBackupKey(file)).fingerprint;
  },
  signing: async (file) => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const pem = privateKey.export({ type: "pkcs8", format: "pem" });
    await writeSecret(file, pem.toString());
    return publicKeyOf(await readSigningKey(file));
  },
  age: async (file) => {
    const { generateX25519Identity, identityToRecipient } =
      await import("age-encryption");
    const identity = await generateX25519Identity();
    const recipient = await identityToRecipient(identity);
    await writeSecret(file, `# public key: ${recipient}\n${identity}\n`);
    return recipient;
  },
};
