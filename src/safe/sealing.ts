import { DrError, messageOf } from "../core/errors.js";
import { readSecretFile } from "../core/secret-file.js";

/**
 * Keeps signed transactions unreadable until they are needed: whoever has one
 * with enough signatures can execute it.
 */
export interface Sealing {
  /** @throws {DrError} GO_BAG_NOT_CONFIGURED, GO_BAG_RECIPIENT_INVALID. */
  seal(text: string): Promise<string>;
  /**
   * @param path - Where it was read, for the error.
   * @throws {DrError} GO_BAG_NOT_CONFIGURED, KEY_FILE_UNREADABLE,
   * KEY_FILE_EXPOSED, KEY_FILE_FOREIGN, GO_BAG_NOT_OPENED.
   */
  open(sealed: string, path: string): Promise<string>;
}

/** The configuration's `dr.goBag`. */
export interface GoBagConfig {
  /** `age1…`: everyone who may open what is sealed. */
  readonly recipients: readonly string[];
  /** As `age-keygen` writes it; absolute. */
  readonly identityFile?: string;
}

const ARMOR = "-----BEGIN AGE ENCRYPTED FILE-----";

/** Whether a file's text is encrypted, in age's armored form. */
export function isSealed(text: string): boolean {
  return text.trimStart().startsWith(ARMOR);
}

/** age (age-encryption.org/v1): `age -d` opens what this seals, and the other way round. */
export function createSealing(config: GoBagConfig | undefined): Sealing {
  return {
    seal: async (text) => await seal(text, requireConfig(config)),
    open: async (sealed, path) =>
      await open(sealed, path, requireConfig(config)),
  };
}

function requireConfig(config: GoBagConfig | undefined): GoBagConfig {
  if (config === undefined) {
    throw new DrError("GO_BAG_NOT_CONFIGURED", {});
  }
  return config;
}

async function seal(text: string, { recipients }: GoBagConfig) {
  const { Encrypter, armor } = await import("age-encryption");
  const encrypter = new Encrypter();
  for (const recipient of recipients) {
    try {
      encrypter.addRecipient(recipient);
    } catch (error) {
      throw new DrError(
        "GO_BAG_RECIPIENT_INVALID",
        { recipient, reason: messageOf(error) },
        { cause: error },
      );
    }
  }
  return armor.encode(await encrypter.encrypt(text));
}

async function open(
  sealed: string,
  path: string,
  { identityFile }: GoBagConfig,
): Promise<string> {
  const identities = await readIdentities(identityFile);
  const { Decrypter, armor } = await import("age-encryption");
  try {
    const decrypter = new Decrypter();
    for (const identity of identities) {
      decrypter.addIdentity(identity);
    }
    return await decrypter.decrypt(armor.decode(sealed), "text");
  } catch {
    // Not its words: they may quote the key.
    throw new DrError("GO_BAG_NOT_OPENED", {
      file: path,
      identityFile: identityFile ?? "",
    });
  }
}

const KEY = "the go-bag's key";

async function readIdentities(
  file: string | undefined,
): Promise<readonly string[]> {
  if (file === undefined) {
    throw new DrError("KEY_FILE_UNREADABLE", {
      what: KEY,
      file: "`dr.goBag.identityFile`",
      reason: "it isn't set",
    });
  }
  const text = await readSecretFile(file, KEY);
  const identities = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (identities.length === 0) {
    throw new DrError("KEY_FILE_UNREADABLE", {
      what: KEY,
      file,
      reason: "there is no key in it",
    });
  }
  return identities;
}
