import { createHash, createHmac } from "node:crypto";
import type { IncomingMessage } from "node:http";

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Why a request is refused, as S3 says it; undefined when its signature holds. */
export function whatIsWrongWith(
  request: IncomingMessage,
  { accessKeyId, secretAccessKey }: Credentials,
  now: Date,
): readonly [status: number, code: string] | undefined {
  const { authorization = "" } = request.headers;
  const [, credential = "", signed = "", signature] =
    /^AWS4-HMAC-SHA256 Credential=(\S+), SignedHeaders=(\S+), Signature=([0-9a-f]{64})$/.exec(
      authorization,
    ) ?? [];
  if (signature === undefined) {
    return [403, "AccessDenied"];
  }
  const [id, ...scope] = credential.split("/");
  if (id !== accessKeyId) {
    return [403, "InvalidAccessKeyId"];
  }
  const time = String(request.headers["x-amz-date"]);
  const at = new Date(
    time.replace(/(....)(..)(..)T(..)(..)(..)Z/, "$1-$2-$3T$4:$5:$6Z"),
  );
  if (!(Math.abs(now.getTime() - at.getTime()) < 15 * 60_000)) {
    return [403, "RequestTimeTooSkewed"];
  }
  const names = signed.split(";");
  const isMissing = Object.keys(request.headers).some(
    (name) =>
      (name.startsWith("x-amz-") || name === "host") && !names.includes(name),
  );
  if (isMissing) {
    return [403, "AccessDenied"];
  }
  const canonical = canonicalRequest(request, names);
  const toSign = [
    "AWS4-HMAC-SHA256",
    time,
    scope.join("/"),
    createHash("sha256").update(canonical).digest("hex"),
  ].join("\n");
  const key = scope.reduce<Buffer>(
    (secret, part) => hmac(secret, part),
    Buffer.from(`AWS4${secretAccessKey}`),
  );
  return hmac(key, toSign).toString("hex") === signature
    ? undefined
    : [403, "SignatureDoesNotMatch"];
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function canonicalRequest(
  { method = "", url = "", headers }: IncomingMessage,
  names: readonly string[],
): string {
  const [path = "", query = ""] = url.split("?");
  const parameters = query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => (pair.includes("=") ? pair : `${pair}=`))
    .toSorted();
  return [
    method,
    path,
    parameters.join("&"),
    ...names.map((name) => `${name}:${String(headers[name]).trim()}`),
    "",
    names.join(";"),
    String(headers["x-amz-content-sha256"]),
  ].join("\n");
}
