import {
  createCipheriv,
  createDecipheriv,
  randomBytes,
  type CipherGCMTypes,
} from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

const CIPHER: CipherGCMTypes = "aes-256-gcm";

/** A KMS key that there is. */
export const KMS_KEY =
  "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
/** Another one. */
export const OTHER_KMS_KEY =
  "arn:aws:kms:eu-central-1:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321";

type Context = Readonly<Record<string, string>>;

interface KmsRequest {
  readonly KeyId?: string;
  readonly NumberOfBytes?: number;
  readonly CiphertextBlob?: string;
  readonly EncryptionContext?: Context;
}

/**
 * As much of AWS KMS as an envelope needs, by its JSON 1.1 protocol, and as
 * strict: keys that it doesn't know, ciphertext of another key or context, and
 * requests that nobody signed are refused.
 */
export class KmsServer {
  readonly #keys = new Map<string, Buffer>(
    [KMS_KEY, OTHER_KMS_KEY].map((arn) => [arn, randomBytes(32)]),
  );
  readonly #server = createServer((request, response) => {
    void this.#answer(request).then(({ status, body }) => {
      response
        .writeHead(status, { "content-type": "application/x-amz-json-1.1" })
        .end(JSON.stringify(body));
    });
  });

  /** `GenerateDataKey`, `Decrypt`: what was asked, also in vain. */
  readonly asked: string[] = [];
  /** What it answers to everything: an error's name, and its status. */
  failure: { readonly name: string; readonly status: number } | undefined;

  static async start(): Promise<KmsServer> {
    const server = new KmsServer();
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${String(port)}`;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  async #answer(
    request: IncomingMessage,
  ): Promise<{ readonly status: number; readonly body: object }> {
    try {
      const body = (await json(request)) as KmsRequest;
      return { status: 200, body: this.#do(request, body) };
    } catch (error) {
      const { name, status, message } = error as KmsError;
      return { status, body: { __type: name, message } };
    }
  }

  #do({ method, headers }: IncomingMessage, request: KmsRequest): object {
    const operation = /^TrentService\.(\w+)$/.exec(
      String(headers["x-amz-target"]),
    )?.[1];
    this.asked.push(operation ?? "nothing");
    if (
      method !== "POST" ||
      headers["content-type"] !== "application/x-amz-json-1.1"
    ) {
      throw new KmsError("UnknownOperationException");
    }
    requireSignature(String(headers.authorization));
    if (this.failure !== undefined) {
      throw new KmsError(this.failure.name, this.failure.status);
    }
    switch (operation) {
      case "GenerateDataKey":
        return this.#generate(request);
      case "Decrypt":
        return this.#decrypt(request);
      default:
        throw new KmsError("UnknownOperationException");
    }
  }

  #generate({ KeyId, NumberOfBytes, EncryptionContext }: KmsRequest): object {
    const key = this.#key(KeyId);
    if (NumberOfBytes !== 32) {
      throw new KmsError("ValidationException");
    }
    const plain = randomBytes(NumberOfBytes);
    const iv = randomBytes(12);
    const cipher = createCipheriv(CIPHER, key, iv);
    cipher.setAAD(contextBytes(EncryptionContext));
    const sealed = Buffer.concat([
      iv,
      cipher.update(plain),
      cipher.final(),
      cipher.getAuthTag(),
    ]);
    return {
      KeyId,
      Plaintext: plain.toString("base64"),
      CiphertextBlob: sealed.toString("base64"),
    };
  }

  #decrypt({ KeyId, CiphertextBlob, EncryptionContext }: KmsRequest): object {
    const key = this.#key(KeyId);
    const sealed = Buffer.from(CiphertextBlob ?? "", "base64");
    const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, 12));
    decipher.setAAD(contextBytes(EncryptionContext));
    decipher.setAuthTag(sealed.subarray(-16));
    try {
      const plain = Buffer.concat([
        decipher.update(sealed.subarray(12, -16)),
        decipher.final(),
      ]);
      return { KeyId, Plaintext: plain.toString("base64") };
    } catch {
      throw new KmsError("InvalidCiphertextException");
    }
  }

  #key(arn: string | undefined): Buffer {
    const key = this.#keys.get(arn ?? "");
    if (key === undefined) {
      throw new KmsError("NotFoundException");
    }
    return key;
  }
}

class KmsError extends Error {
  readonly status: number;

  constructor(name: string, status = 400) {
    super(`it is ${name}`);
    this.name = name;
    this.status = status;
  }
}

/** SigV4, for this service in the key's region. */
function requireSignature(authorization: string): void {
  const isSigned =
    /^AWS4-HMAC-SHA256 Credential=\w+\/\d{8}\/eu-central-1\/kms\/aws4_request, SignedHeaders=[\w;-]*x-amz-target[\w;-]*, Signature=[0-9a-f]{64}$/.test(
      authorization,
    );
  if (!isSigned) {
    throw new KmsError("MissingAuthenticationTokenException", 403);
  }
}

function contextBytes(context: Context = {}): Buffer {
  return Buffer.from(JSON.stringify(Object.entries(context).toSorted()));
}
