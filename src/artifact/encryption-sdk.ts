import { DrError } from "../core/errors.js";
import type { BackupKey } from "./backup-key.js";
import { throughFragile, type Stage } from "./stage.js";

/** Of the frames, each authenticated by itself. */
const FRAME_BYTES = 1024 * 1024;
const NAMESPACE = "hardhat-dr";

/** What an encrypted artifact is bound to: it can't be passed off as another one. */
export interface Binding {
  readonly artifact: string;
  readonly kind: string;
}

/**
 * Encrypts in the message format of the AWS Encryption SDK: AES-256-GCM with
 * HKDF and key commitment, in frames. Whoever has the key reads it with the
 * SDK's other languages or with `aws-encryption-cli`.
 *
 * @throws {DrError} KEY_NOT_FOR_GCM.
 * @see AWS Encryption SDK, message format 2
 */
export async function encryptMessage(
  key: BackupKey,
  binding: Binding,
): Promise<Stage> {
  const [{ buildEncrypt }, materials] = await Promise.all([
    import("@aws-crypto/encrypt-node"),
    loadMaterials(),
  ]);
  const { AlgorithmSuiteIdentifier, CommitmentPolicy } = materials.management;
  const { encryptStream } = buildEncrypt(
    CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT,
  );
  const stream = encryptStream(makeKeyring(materials, key), {
    suiteId:
      AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY,
    encryptionContext: { ...binding },
    frameLength: FRAME_BYTES,
  });
  return throughFragile(stream);
}

/**
 * Decrypts it, frame by frame; what comes out of the stream is authentic, and
 * complete when the stream ends without an error.
 *
 * @param binding - What the message must be bound to.
 * @throws {DrError} KEY_NOT_FOR_GCM; what the stage gives fails with
 * ARTIFACT_NOT_OPENED or the SDK's own words.
 */
export async function decryptMessage(
  key: BackupKey,
  binding: Binding,
): Promise<Stage> {
  const [{ buildDecrypt }, materials] = await Promise.all([
    import("@aws-crypto/decrypt-node"),
    loadMaterials(),
  ]);
  const { decryptUnsignedMessageStream } = buildDecrypt(
    materials.management.CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT,
  );
  const stream = decryptUnsignedMessageStream(makeKeyring(materials, key));
  stream.once(
    "MessageHeader",
    ({
      encryptionContext,
    }: {
      readonly encryptionContext: Readonly<Record<string, string>>;
    }) => {
      const { artifact, kind } = encryptionContext;
      if (artifact !== binding.artifact || kind !== binding.kind) {
        stream.emit(
          "error",
          new DrError("ARTIFACT_NOT_OPENED", {
            name: binding.artifact,
            reason: `it is ${artifact ?? "something"} of the kind ${kind ?? "(none)"}, under another name`,
          }),
        );
      }
    },
  );
  return throughFragile(stream);
}

async function loadMaterials() {
  const [management, keyrings] = await Promise.all([
    import("@aws-crypto/material-management-node"),
    import("@aws-crypto/raw-aes-keyring-node"),
  ]);
  return { management, keyrings };
}

function makeKeyring(
  { keyrings }: Awaited<ReturnType<typeof loadMaterials>>,
  { file, bytes, fingerprint }: BackupKey,
) {
  if (bytes === undefined) {
    throw new DrError("KEY_NOT_FOR_GCM", { file });
  }
  const { RawAesKeyringNode, RawAesWrappingSuiteIdentifier } = keyrings;
  return new RawAesKeyringNode({
    keyNamespace: NAMESPACE,
    keyName: fingerprint,
    // The keyring wipes its copy's memory; ours may be used again.
    unencryptedMasterKey: new Uint8Array(bytes),
    wrappingSuite:
      RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
  });
}
