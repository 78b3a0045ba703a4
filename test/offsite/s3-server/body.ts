import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { crc32 } from "node:zlib";

import { crc32c, crc32cToBase64 } from "../../../src/offsite/crc32c.js";
import { crc64Nvme, formatCrc64Nvme } from "../../../src/offsite/crc64-nvme.js";

/** A body that isn't what its headers say. */
export class BadBody extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/**
 * The bytes of a request, out of their `aws-chunked` frames if they have any,
 * held against every digest that is given of them.
 *
 * @param change - What happens to them on the way.
 * @returns the checksum that the store keeps, in base64, when one was given.
 */
export async function readBody(
  request: IncomingMessage,
  change: (bytes: Buffer) => Buffer = (bytes) => bytes,
): Promise<{ readonly bytes: Buffer; readonly crc64Nvme?: string }> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) {
    chunks.push(chunk as Buffer);
  }
  const raw = Buffer.concat(chunks);
  const { headers } = request;
  const isFramed = headers["content-encoding"]?.includes("aws-chunked");
  const { bytes: sent, trailers } = isFramed
    ? unframe(raw, headers["x-amz-decoded-content-length"])
    : { bytes: raw, trailers: {} };
  const bytes = change(Buffer.from(sent));
  const given: Readonly<Record<string, unknown>> = { ...headers, ...trailers };
  const announced = headers["x-amz-trailer"];
  if (announced !== undefined && given[String(announced)] === undefined) {
    throw new BadBody("MalformedTrailerError");
  }
  const isOfWhole = given["x-amz-checksum-type"] !== undefined;
  const digests: Readonly<Record<string, () => string>> = {
    "content-md5": () => digest("md5", bytes),
    "x-amz-checksum-crc32": () => {
      const sum = Buffer.alloc(4);
      sum.writeUInt32BE(crc32(bytes));
      return sum.toString("base64");
    },
    "x-amz-checksum-crc32c": () => crc32cToBase64(crc32c(bytes)),
    "x-amz-checksum-crc64nvme": () => formatCrc64Nvme(crc64Nvme(bytes)),
    "x-amz-checksum-sha1": () => digest("sha1", bytes),
    "x-amz-checksum-sha256": () => digest("sha256", bytes),
  };
  const unknown = Object.keys(given).find(
    (name) =>
      /^x-amz-checksum-(?!algorithm$|mode$|type$)/.test(name) &&
      !(name in digests),
  );
  if (unknown !== undefined) {
    throw new BadBody("InvalidRequest");
  }
  for (const [name, compute] of Object.entries(digests)) {
    // At the end of a multipart upload it is of the object, not of the body.
    if (!isOfWhole && given[name] !== undefined && given[name] !== compute()) {
      throw new BadBody("BadDigest");
    }
  }
  const payload = String(headers["x-amz-content-sha256"]);
  const isSigned = /^[0-9a-f]{64}$/.test(payload);
  const found = createHash("sha256").update(bytes).digest("hex");
  if (isSigned && payload !== found) {
    throw new BadBody("XAmzContentSHA256Mismatch");
  }
  const crc = given["x-amz-checksum-crc64nvme"];
  return { bytes, ...(typeof crc === "string" ? { crc64Nvme: crc } : {}) };
}

function digest(algorithm: string, bytes: Buffer): string {
  return createHash(algorithm).update(bytes).digest("base64");
}

/** `SIZE[;chunk-signature=…]\r\nBYTES\r\n…0\r\nTRAILER:VALUE\r\n\r\n` */
function unframe(
  raw: Buffer,
  decodedLength: unknown,
): {
  readonly bytes: Buffer;
  readonly trailers: Readonly<Record<string, string>>;
} {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const end = raw.indexOf("\r\n", at);
    const size = parseInt(raw.subarray(at, end).toString("latin1"), 16);
    if (end < 0 || Number.isNaN(size)) {
      throw new BadBody("IncompleteBody");
    }
    at = end + 2;
    if (size === 0) {
      break;
    }
    parts.push(raw.subarray(at, at + size));
    if (raw.subarray(at + size, at + size + 2).toString("latin1") !== "\r\n") {
      throw new BadBody("IncompleteBody");
    }
    at += size + 2;
  }
  const bytes = Buffer.concat(parts);
  if (Number(decodedLength) !== bytes.length) {
    throw new BadBody("IncompleteBody");
  }
  const lines = raw.subarray(at).toString("latin1").split("\r\n");
  const pairs = lines
    .filter((line) => line.includes(":"))
    .map((line) => line.split(":").map((part) => part.trim()));
  return { bytes, trailers: Object.fromEntries(pairs) as never };
}
