import { createDecrypter, createEncrypter } from "../core/age.js";
import { DrError } from "../core/errors.js";

/**
 * Keeps signed transactions unreadable until they are needed: whoever has one
 * with enough signatures can execute it.
 */
export interface Sealing {
  /** @throws {DrError} GO_BAG_NOT_CONFIGURED, AGE_RECIPIENT_INVALID. */
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
  const [encrypter, { armor }] = await Promise.all([
    createEncrypter(recipients),
    import("age-encryption"),
  ]);
  return armor.encode(await encrypter.encrypt(text));
}

const KEY = "the go-bag's key";

async function open(
  sealed: string,
  path: string,
  { identityFile }: GoBagConfig,
): Promise<string> {
  if (identityFile === undefined) {
    throw new DrError("KEY_FILE_UNREADABLE", {
      what: KEY,
      file: "`dr.goBag.identityFile`",
      reason: "it isn't set",
    });
  }
  const decrypter = await createDecrypter(identityFile, KEY);
  const { armor } = await import("age-encryption");
  try {
    return await decrypter.decrypt(armor.decode(sealed), "text");
  } catch {
    // Not its words: they may quote the key.
    throw new DrError("GO_BAG_NOT_OPENED", { file: path, identityFile });
  }
}
