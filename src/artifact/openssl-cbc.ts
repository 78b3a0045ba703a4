import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  pbkdf2Sync,
  randomBytes,
  timingSafeEqual,
  type Decipheriv,
} from "node:crypto";
import { Transform, type Readable, type TransformCallback } from "node:stream";

import { DrError } from "../core/errors.js";
import { PBKDF2_ITERATIONS } from "./backup-key.js";

const MAGIC = Buffer.from("Salted__", "latin1");
const SALT_BYTES = 8;
const HEADER_BYTES = MAGIC.length + SALT_BYTES;
const KEY_BYTES = 32;
const IV_BYTES = 16;
const BLOCK_BYTES = 16;
/** What `openssl enc -pbkdf2` takes when it isn't told. */
const OPENSSL_ITERATIONS = 10_000;

/** How openssl makes a key of a passphrase, the newest first. */
export const DERIVATIONS = ["pbkdf2-600000", "pbkdf2-10000", "sha256"] as const;

export type Derivation = (typeof DERIVATIONS)[number];

interface KeyAndIv {
  readonly key: Buffer;
  readonly iv: Buffer;
}

const derivations: Readonly<
  Record<Derivation, (passphrase: string, salt: Buffer) => KeyAndIv>
> = {
  "pbkdf2-600000": (passphrase, salt) =>
    split(pbkdf2(passphrase, salt, PBKDF2_ITERATIONS)),
  "pbkdf2-10000": (passphrase, salt) =>
    split(pbkdf2(passphrase, salt, OPENSSL_ITERATIONS)),
  sha256: (passphrase, salt) => split(bytesToKey(passphrase, salt)),
};

function pbkdf2(passphrase: string, salt: Buffer, iterations: number): Buffer {
  return pbkdf2Sync(
    passphrase,
    salt,
    iterations,
    KEY_BYTES + IV_BYTES,
    "sha256",
  );
}

/** OpenSSL's EVP_BytesToKey with one round of SHA-256: `-md sha256` without `-pbkdf2`. */
function bytesToKey(passphrase: string, salt: Buffer): Buffer {
  let derived = Buffer.alloc(0);
  let last = Buffer.alloc(0);
  while (derived.length < KEY_BYTES + IV_BYTES) {
    last = createHash("sha256")
      .update(last)
      .update(passphrase)
      .update(salt)
      .digest();
    derived = Buffer.concat([derived, last]);
  }
  return derived;
}

function split(derived: Buffer): KeyAndIv {
  return {
    key: derived.subarray(0, KEY_BYTES),
    iv: derived.subarray(KEY_BYTES, KEY_BYTES + IV_BYTES),
  };
}

/**
 * Encrypts as `openssl enc -aes-256-cbc -pbkdf2 -iter 600000 -salt` does.
 *
 * @see openssl-enc(1)
 */
export class CbcEncryption extends Transform {
  readonly #cipher;
  readonly #hmac;

  constructor(passphrase: string) {
    super();
    const salt = randomBytes(SALT_BYTES);
    const { key, iv } = derivations["pbkdf2-600000"](passphrase, salt);
    this.#cipher = createCipheriv("aes-256-cbc", key, iv);
    this.#hmac = createHmac("sha256", authenticationKey(passphrase, salt));
    this.#emit(Buffer.concat([MAGIC, salt]));
  }

  /** Of the whole encrypted file, in hexadecimal; once it has ended. */
  hmac(): string {
    return this.#hmac.digest("hex");
  }

  #emit(bytes: Buffer): void {
    this.#hmac.update(bytes);
    this.push(bytes);
  }

  override _transform(
    chunk: Buffer,
    _: BufferEncoding,
    done: TransformCallback,
  ): void {
    this.#emit(this.#cipher.update(chunk));
    done();
  }

  override _flush(done: TransformCallback): void {
    this.#emit(this.#cipher.final());
    done();
  }
}

/** CBC doesn't authenticate: this does. As slow to guess as the encryption itself. */
function authenticationKey(passphrase: string, salt: Buffer): Buffer {
  return pbkdf2Sync(
    passphrase,
    Buffer.concat([Buffer.from("hardhat-dr hmac"), salt]),
    PBKDF2_ITERATIONS,
    KEY_BYTES,
    "sha256",
  );
}

/**
 * That not a bit of an encrypted file was changed, before any of it is decrypted.
 *
 * @param hmac - As {@link CbcEncryption.hmac} gave it.
 * @throws {DrError} ARTIFACT_NOT_OPENED.
 */
export async function authenticateCbc(
  name: string,
  encrypted: Readable,
  passphrase: string,
  hmac: string,
): Promise<void> {
  let computed: ReturnType<typeof createHmac> | undefined;
  let head = Buffer.alloc(0);
  for await (const chunk of encrypted as AsyncIterable<Buffer>) {
    if (computed === undefined) {
      head = Buffer.concat([head, chunk]);
      if (head.length >= HEADER_BYTES) {
        const salt = head.subarray(MAGIC.length, HEADER_BYTES);
        computed = createHmac("sha256", authenticationKey(passphrase, salt));
        computed.update(head);
      }
    } else {
      computed.update(chunk);
    }
  }
  const found = computed?.digest();
  const expected = Buffer.from(hmac, "hex");
  if (found?.length !== expected.length || !timingSafeEqual(found, expected)) {
    throw new DrError("ARTIFACT_NOT_OPENED", {
      name,
      reason: "its HMAC doesn't fit: another key, or it was changed",
    });
  }
}

/** What of a file it takes to try a passphrase on it. */
export const CBC_HEAD_BYTES = HEADER_BYTES + BLOCK_BYTES;

/** Whether a file begins as `openssl enc -salt` makes it. */
export function isSalted(head: Buffer): boolean {
  return head.subarray(0, MAGIC.length).equals(MAGIC);
}

/**
 * The first block of what {@link CbcDecryption} gives.
 *
 * @param head - At least {@link CBC_HEAD_BYTES}, salted.
 * @returns undefined when the passphrase doesn't open it.
 */
export function peekCbc(
  head: Buffer,
  passphrase: string,
  isPlausible: (start: Buffer) => boolean,
): Buffer | undefined {
  return findKey(head, passphrase, isPlausible)?.block;
}

function findKey(
  head: Buffer,
  passphrase: string,
  isPlausible: (start: Buffer) => boolean,
): (KeyAndIv & { readonly block: Buffer }) | undefined {
  const salt = head.subarray(MAGIC.length, HEADER_BYTES);
  const encrypted = head.subarray(HEADER_BYTES, CBC_HEAD_BYTES);
  for (const derivation of DERIVATIONS) {
    const found = derivations[derivation](passphrase, salt);
    const trial = createDecipheriv("aes-256-cbc", found.key, found.iv);
    trial.setAutoPadding(false);
    const block = trial.update(encrypted);
    if (isPlausible(block)) {
      return { ...found, block };
    }
  }
  return undefined;
}

/**
 * Decrypts what openssl made with one of {@link DERIVATIONS}: whichever gives
 * bytes that the caller expects at the start.
 */
export class CbcDecryption extends Transform {
  readonly #name: string;
  readonly #passphrase: string;
  readonly #isPlausible: (start: Buffer) => boolean;
  #head = Buffer.alloc(0);
  #decipher: Decipheriv | undefined;

  /** @param isPlausible - Of the first block, 16 bytes, decrypted. */
  constructor(
    name: string,
    passphrase: string,
    isPlausible: (start: Buffer) => boolean,
  ) {
    super();
    this.#name = name;
    this.#passphrase = passphrase;
    this.#isPlausible = isPlausible;
  }

  override _transform(
    chunk: Buffer,
    _: BufferEncoding,
    done: TransformCallback,
  ): void {
    try {
      this.push(this.#decrypt(chunk));
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  #decrypt(chunk: Buffer): Buffer {
    if (this.#decipher !== undefined) {
      return this.#decipher.update(chunk);
    }
    this.#head = Buffer.concat([this.#head, chunk]);
    if (this.#head.length < CBC_HEAD_BYTES) {
      return Buffer.alloc(0);
    }
    this.#decipher = this.#open(this.#head);
    return this.#decipher.update(this.#head.subarray(HEADER_BYTES));
  }

  #open(head: Buffer): Decipheriv {
    if (!isSalted(head)) {
      throw this.#refusal("it isn't what `openssl enc -salt` writes");
    }
    const found = findKey(head, this.#passphrase, this.#isPlausible);
    if (found === undefined) {
      throw this.#refusal("it is for another key, or was made in another way");
    }
    return createDecipheriv("aes-256-cbc", found.key, found.iv);
  }

  override _flush(done: TransformCallback): void {
    if (this.#decipher === undefined) {
      done(this.#refusal("it is cut off"));
      return;
    }
    try {
      this.push(this.#decipher.final());
      done();
    } catch {
      done(this.#refusal("its end is damaged"));
    }
  }

  #refusal(reason: string): DrError {
    return new DrError("ARTIFACT_NOT_OPENED", { name: this.#name, reason });
  }
}
