import type {
  KeyringNode,
  NodeEncryptionRequest,
  NodeMaterialsManager,
} from "@aws-crypto/material-management-node";

import { DrError } from "../core/errors.js";
import type { BackupKey } from "./backup-key.js";
import { openKmsKeyring } from "./kms-key.js";
import { throughFragile, type Stage } from "./stage.js";

/** Of the frames, each authenticated by itself. */
const FRAME_BYTES = 1024 * 1024;
const NAMESPACE = "hardhat-dr";

/** What an encrypted artifact is bound to: it can't be passed off as another one. */
export interface Binding {
  readonly artifact: string;
  readonly kind: string;
}

/** What wraps the key of each message: a key file's, or one of KMS by its ARN. */
export type WrappingKey = BackupKey | { readonly arn: string };

/** How manifests name it. */
export function nameOfKey(key: WrappingKey): string {
  return "arn" in key ? key.arn : key.fingerprint;
}

/**
 * Encrypts in the message format of the AWS Encryption SDK: AES-256-GCM with
 * HKDF and key commitment, in frames. Whoever has the key reads it with the
 * SDK's other languages or with `aws-encryption-cli`.
 *
 * @throws {DrError} KEY_NOT_FOR_GCM; of a KMS key OFFSITE_PACKAGE_MISSING,
 * KMS_DENIED, KMS_UNREACHABLE.
 * @see AWS Encryption SDK, message format 2
 */
export async function encryptMessage(
  key: WrappingKey,
  binding: Binding,
): Promise<Stage> {
  const [{ buildEncrypt }, management] = await Promise.all([
    import("@aws-crypto/encrypt-node"),
    import("@aws-crypto/material-management-node"),
  ]);
  const { AlgorithmSuiteIdentifier, CommitmentPolicy, NodeAlgorithmSuite } =
    management;
  const suiteId =
    AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY;
  const commitmentPolicy = CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT;
  const encryptionContext = { ...binding };
  const materials = await askFirst(await openKeyring(key, binding), {
    suite: new NodeAlgorithmSuite(suiteId),
    encryptionContext,
    commitmentPolicy,
  });
  const { encryptStream } = buildEncrypt(commitmentPolicy);
  const stream = encryptStream(materials, {
    suiteId,
    encryptionContext,
    frameLength: FRAME_BYTES,
  });
  return throughFragile(stream);
}

/** Where KMS can't be asked nothing is begun. */
async function askFirst(
  keyring: KeyringNode,
  request: NodeEncryptionRequest,
): Promise<NodeMaterialsManager> {
  const { NodeDefaultCryptographicMaterialsManager } =
    await import("@aws-crypto/material-management-node");
  const manager = new NodeDefaultCryptographicMaterialsManager(keyring);
  const materials = await manager.getEncryptionMaterials(request);
  return {
    getEncryptionMaterials: async () => await Promise.resolve(materials),
    decryptMaterials: async (asked) => await manager.decryptMaterials(asked),
  };
}

/**
 * Decrypts it, frame by frame; what comes out of the stream is authentic, and
 * complete when the stream ends without an error.
 *
 * @param binding - What the message must be bound to.
 * @throws {DrError} KEY_NOT_FOR_GCM, OFFSITE_PACKAGE_MISSING; what the stage
 * gives fails with ARTIFACT_NOT_OPENED, KMS_DENIED, KMS_UNREACHABLE, or the
 * SDK's own words.
 */
export async function decryptMessage(
  key: WrappingKey,
  binding: Binding,
): Promise<Stage> {
  const [{ buildDecrypt }, { CommitmentPolicy }] = await Promise.all([
    import("@aws-crypto/decrypt-node"),
    import("@aws-crypto/material-management-node"),
  ]);
  const { decryptUnsignedMessageStream } = buildDecrypt(
    CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT,
  );
  const fail = (error: DrError) => {
    stream.emit("error", error);
  };
  const stream = decryptUnsignedMessageStream(
    await openKeyring(key, binding, fail),
  );
  stream.once(
    "MessageHeader",
    ({
      encryptionContext,
    }: {
      readonly encryptionContext: Readonly<Record<string, string>>;
    }) => {
      const { artifact, kind } = encryptionContext;
      if (artifact !== binding.artifact || kind !== binding.kind) {
        const reason = `it is ${artifact ?? "something"} of the kind ${kind ?? "(none)"}, under another name`;
        fail(
          new DrError("ARTIFACT_NOT_OPENED", {
            name: binding.artifact,
            reason,
          }),
        );
      }
    },
  );
  return throughFragile(stream);
}

async function openKeyring(
  key: WrappingKey,
  { artifact }: Binding,
  onFailure: (error: DrError) => void = () => undefined,
): Promise<KeyringNode> {
  if ("arn" in key) {
    return await openKmsKeyring(key.arn, artifact, onFailure);
  }
  const { file, bytes, fingerprint } = key;
  if (bytes === undefined) {
    throw new DrError("KEY_NOT_FOR_GCM", { file });
  }
  const { RawAesKeyringNode, RawAesWrappingSuiteIdentifier } =
    await import("@aws-crypto/raw-aes-keyring-node");
  return new RawAesKeyringNode({
    keyNamespace: NAMESPACE,
    keyName: fingerprint,
    // The keyring wipes its copy's memory; ours may be used again.
    unencryptedMasterKey: new Uint8Array(bytes),
    wrappingSuite:
      RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
  });
}
