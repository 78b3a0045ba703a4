import type { KeyringNode } from "@aws-crypto/material-management-node";

import { DrError, messageOf } from "../core/errors.js";
import { loadOptional } from "../core/optional-package.js";

const PACKAGE = "@aws-crypto/kms-keyring-node";

/** What is loaded when a KMS key is used, and not before. */
export type KmsPackage = typeof import("@aws-crypto/kms-keyring-node");

/**
 * Wraps data keys with a KMS key: the key itself never leaves KMS. Region,
 * credentials and endpoint are the AWS SDK's own to find: AWS_ACCESS_KEY_ID, a
 * role, AWS_ENDPOINT_URL_KMS, …
 *
 * @param arn - The key's, not an alias's.
 * @param artifact - What is encrypted or decrypted, for the errors.
 * @param onFailure - Told why KMS can't be asked, which the keyring hides when
 * it decrypts.
 * @param load - The optional package.
 * @throws {DrError} OFFSITE_PACKAGE_MISSING. The keyring fails with KMS_DENIED,
 * KMS_UNREACHABLE, ARTIFACT_NOT_OPENED.
 */
export async function openKmsKeyring(
  arn: string,
  artifact: string,
  onFailure: (error: DrError) => void,
  load: () => Promise<KmsPackage> = async () =>
    await import("@aws-crypto/kms-keyring-node"),
): Promise<KeyringNode> {
  const { KmsKeyringNode, KMS } = await loadPackage(arn, load);
  const asking = async <T>(ask: () => Promise<T>): Promise<T> => {
    try {
      return await ask();
    } catch (error) {
      const failure = explain(arn, artifact, error);
      onFailure(failure);
      throw failure;
    }
  };
  const clientProvider = (region: string) => {
    const client = new KMS({ region });
    return {
      generateDataKey: async (input: GenerateInput) =>
        await asking(async () => await client.generateDataKey(input)),
      decrypt: async (input: DecryptInput) =>
        await asking(async () => await client.decrypt(input)),
    };
  };
  return new (KmsKeyringNode as unknown as KeyringClass)({
    generatorKeyId: arn,
    clientProvider,
  });
}

/** What its own type hides, and wants more clients' methods for than one key needs. */
type KeyringClass = new (options: {
  readonly generatorKeyId: string;
  readonly clientProvider: (region: string) => object;
}) => KeyringNode;

type Client = InstanceType<KmsPackage["KMS"]>;
type GenerateInput = Parameters<Client["generateDataKey"]>[0];
type DecryptInput = Parameters<Client["decrypt"]>[0];

async function loadPackage(
  arn: string,
  load: () => Promise<KmsPackage>,
): Promise<KmsPackage> {
  const storage = `The KMS key ${arn}`;
  return await loadOptional(
    load,
    (cause) =>
      new DrError(
        "OFFSITE_PACKAGE_MISSING",
        { storage, package: PACKAGE },
        { cause },
      ),
  );
}

/** What KMS answers for a while only. */
const PASSING =
  /^(Throttling|TooManyRequests|KMSInternal|KeyUnavailable|DependencyTimeout|LimitExceeded)/;

/** What it answers where a data key isn't of this key, or of another artifact. */
const CHANGED = /^(InvalidCiphertext|IncorrectKey)/;

/** It never quotes a secret: these are the words of KMS. */
function explain(key: string, artifact: string, error: unknown): DrError {
  const { name, $metadata } = error as {
    readonly name?: string;
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  const words = `${name ?? "Error"}: ${messageOf(error)}`;
  if (CHANGED.test(name ?? "")) {
    const reason = `KMS finds it changed, or bound to another name (${words})`;
    return new DrError(
      "ARTIFACT_NOT_OPENED",
      { name: artifact, reason },
      { cause: error },
    );
  }
  const values = { key, reason: words };
  const status = $metadata?.httpStatusCode ?? 0;
  const isRefusal =
    name === "CredentialsProviderError" ||
    (status >= 400 && status < 500 && !PASSING.test(name ?? ""));
  return isRefusal
    ? new DrError("KMS_DENIED", values, { cause: error })
    : new DrError("KMS_UNREACHABLE", values, { cause: error });
}
